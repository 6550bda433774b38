"""How the documentation is built; strict, and every `{doctest}` block is run."""

project = "minibento"
author = "The minibento authors"
project_copyright = "The minibento authors"
extensions = ["myst_parser", "sphinx.ext.doctest"]
exclude_patterns = ["_build", "code"]
html_theme = "furo"
html_title = "minibento"
html_show_sourcelink = False
nitpicky = True
myst_heading_anchors = 3
# Each page begins with an empty store of its own, gone afterwards.
doctest_global_setup = """
import os, tempfile
_folder = tempfile.TemporaryDirectory(prefix="minibento-docs-")
os.environ["MINIBENTO_HOME"] = _folder.name
import minibento
"""
doctest_global_cleanup = "_folder.cleanup()"
