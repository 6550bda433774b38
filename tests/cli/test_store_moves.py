"""`push | pull` of models and bundles on the command line."""

import json
import sys
from pathlib import Path

import pytest

from tests.bundles.making import make_bundle
from tests.cli.conftest import Run, Save
from tests.packager.projects import SERVICE, save_doubler


def test_a_model_is_pushed_and_pulled(
    run: Run, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag, url = save("credit"), f"file://{tmp_path}/share"
    pushed = run("models", "push", "credit", f"{url}:production")
    assert pushed.exit_code == 0, pushed.stderr
    assert pushed.stdout.splitlines() == [
        f"pushed {tag}: 7 B sent, 0 B were there",
        f"get it:  minibento models pull {url}:production",
    ]
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "other"))
    refused = run("models", "pull", f"{url}:production")
    assert refused.exit_code == 1
    assert "pull it with --trust" in refused.stderr
    pulled = run("models", "pull", f"{url}:production", "--trust")
    assert pulled.stdout == f"stored {tag}: 7 B received, 0 B were here\n"


def test_machines_get_the_bytes_that_moved(run: Run, save: Save, tmp_path: Path) -> None:
    tag, url = save("credit"), f"file://{tmp_path}/share"
    shown = json.loads(run("models", "push", "credit", url, "-o", "json").stdout)
    digest = shown.pop("digest")
    assert digest.startswith("sha256:")
    moved = {"tag": str(tag), "url": f"{url}:{tag.version}"}
    assert shown == {**moved, "sent": 7, "skipped": 0}
    pulled = run("models", "pull", f"{url}:{tag.version}", "--trust", "-o", "json")
    assert json.loads(pulled.stdout) == {**moved, "digest": digest, "sent": 0, "skipped": 7}


def test_a_bundle_is_pushed_and_pulled(
    run: Run, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_doubler()
    tag, url = make_bundle(SERVICE, "doubler").tag, f"file://{tmp_path}/share:production"
    assert run("bundles", "push", str(tag), url).exit_code == 0
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "other"))
    assert f"minibento bundles pull {url}" in run("models", "pull", url, "--trust").stderr
    assert f"stored {tag}" in run("bundles", "pull", url, "--latest").stdout
    assert run("bundles", "verify", str(tag)).exit_code == 0


def test_a_url_that_is_none_is_one_line(run: Run, save: Save) -> None:
    save("credit")
    for arguments in (("push", "credit", "https://host/x"), ("pull", "oci://HOST")):
        refused = run("models", *arguments)
        assert refused.exit_code == 1
        assert refused.stderr.count("\n") == 1
        assert "oci://HOST[:PORT]/REPOSITORY[:TAG]" in refused.stderr


@pytest.mark.parametrize(("url", "module"), [("oci://host/x", "httpx2"), ("s3://models/x", "s3fs")])
def test_a_missing_library_is_named_with_what_installs_it(
    run: Run, save: Save, monkeypatch: pytest.MonkeyPatch, url: str, module: str
) -> None:
    save("credit")
    monkeypatch.setitem(sys.modules, module, None)  # importing it fails
    extra = {"httpx2": "registry", "s3fs": "s3"}[module]
    refused = run("models", "push", "credit", url)
    assert f"needs {module}, which is not installed: pip install 'minibento[{extra}]'" in (
        refused.stderr
    )
