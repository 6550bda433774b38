"""The system's own browser, for tests of pages."""

import shutil

import pytest

CHROMIUM = shutil.which("chromium") or ""
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# For `pytestmark` of a module whose tests need it.
NEEDED = [
    pytest.mark.system,
    pytest.mark.skipif(not CHROMIUM, reason="no chromium: apt-get install -y chromium"),
]
