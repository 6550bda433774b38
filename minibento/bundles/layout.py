"""Where everything lies in a bundle's folder; knows nothing of what is in it."""

from minibento.tag import Tag

__all__ = [
    "CODE",
    "ENVIRONMENT",
    "LOCK",
    "MAIN",
    "MODELS",
    "OPENAPI",
    "README",
    "SBOM",
    "WHEELS",
    "model_folder",
]

CODE = "code"  # the user's files, imported from here
MODELS = "models"  # <name>/<version>/ as in the store, manifest.json included
WHEELS = "wheels"  # minibento's, those of local requirements, and with --vendor all others
LOCK = "requirements.lock"  # the user's, as it was committed
ENVIRONMENT = "environment.lock"  # the same and the wheels inside, each with its hash, for pip
OPENAPI = "openapi.json"
README = "README.md"
SBOM = "sbom.json"
MAIN = "__main__.py"  # lets Python run the archive


def model_folder(tag: Tag) -> str:
    """The folder of one model below the bundle's, with `/`."""
    return f"{MODELS}/{tag.name}/{tag.version}"
