import json
import os
import socket
import stat
from pathlib import Path

import pytest

from minibento.errors import BuildError
from minibento.packager import context
from minibento.packager.build_file import BuildFile
from minibento.packager.context import context_of
from minibento.packager.secrets import forbidden_file, forbidden_folder
from minibento.store.disk import BLOCK

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def write(folder: Path, *paths: str, text: str = "x") -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def packed(folder: Path, build_file: BuildFile | None = None) -> list[str]:
    return [one.path for one in context_of(folder, build_file or BuildFile()).files]


def reasons(folder: Path, build_file: BuildFile | None = None) -> dict[str, str]:
    found = context_of(folder, build_file or BuildFile())
    return {one.path: one.reason for one in found.left_out}


def test_code_package_data_and_the_projects_own_pages_go_in(folder: Path) -> None:
    write(folder, "service.py", "deep/down/more.py", "minibento.yaml", "README.md", "data.csv")
    write(folder, "shop/__init__.py", "shop/prices.json", "shop/texts/de.txt", "docs/README.txt")
    assert packed(folder) == [
        *("README.md", "deep/down/more.py", "minibento.yaml", "service.py"),
        *("shop/__init__.py", "shop/prices.json", "shop/texts/de.txt"),
    ]


def test_the_lock_is_neither_code_nor_left_out(folder: Path) -> None:
    write(folder, "service.py", "requirements.lock", "other/requirements.lock")
    assert packed(folder) == ["service.py"]
    assert list(reasons(folder)) == ["other/requirements.lock"]


def test_include_takes_the_place_of_the_defaults(folder: Path) -> None:
    write(folder, "service.py", "train.py", "site/index.html", "site/deep/x.css")
    included = BuildFile(include=("service.py", "site/**"))
    assert packed(folder, included) == ["service.py", "site/deep/x.css", "site/index.html"]


def test_what_goes_in_as_a_wheel_is_no_code(folder: Path) -> None:
    write(folder, "service.py", "libs/shop/pyproject.toml", "libs/shop/shop/__init__.py")
    write(folder, "libs/shopping.py")
    required = BuildFile(requirements=("./libs/shop/", "click>=8"))
    assert packed(folder, required) == ["libs/shopping.py", "service.py"]
    why = "it goes in as a wheel: python.requirements names it"
    assert reasons(folder, required) == {"libs/shop/": why}
    found = context_of(folder, required)
    assert found.why_missing("libs/shop/shop/__init__.py") == why


def test_a_project_that_is_its_own_requirement_keeps_its_code(folder: Path) -> None:
    write(folder, "service.py", "pyproject.toml")
    assert packed(folder, BuildFile(requirements=(".",))) == ["service.py"]


def test_what_include_names_goes_in_beside_its_wheel(folder: Path) -> None:
    write(folder, "service.py", "shop/setup.py", "shop/a.csv")
    named = BuildFile(include=("service.py", "shop/a.csv"), requirements=("./shop",))
    assert packed(folder, named) == ["service.py", "shop/a.csv"]


def test_exclude_and_ignore_files_leave_out_with_their_line(folder: Path) -> None:
    write(folder, "service.py", "old.py", "notebooks/a.py", "tmp_1.py", "pkg/gen.py", "pkg/keep.py")
    write(folder, ".gitignore", text="# mine\n\ntmp_*.py\n")
    write(folder, ".minibentoignore", text="old.py\n")
    write(folder, "pkg/.gitignore", text="*.py\n!keep.py\n")
    excluded = BuildFile(exclude=("notebooks/",))
    assert packed(folder, excluded) == ["pkg/keep.py", "service.py"]
    why = reasons(folder, excluded)
    assert why["tmp_1.py"] == "left out by .gitignore line 3: tmp_*.py"
    assert why["old.py"] == "left out by .minibentoignore line 1: old.py"
    assert why["notebooks/"] == "left out by exclude line 1: notebooks/"
    assert why["pkg/gen.py"] == "left out by pkg/.gitignore line 1: *.py"


PLANTED = [
    *("pip.conf", "uv.toml", ".gitconfig", "credentials.csv", "prod.tfvars", "kaggle.json"),
    *(".env", ".env.local", "prod.env", ".git/config", ".aws/credentials", ".ssh/config"),
    *("id_rsa", "id_ed25519.pub", "tls/server.pem", "tls/server.key", "store.p12", ".netrc"),
    *(".pypirc", ".npmrc", "gcp-credentials.json", "service-account.json", ".kube/config"),
    *("report.ipynb", ".venv/lib/x.py", "__pycache__/x.cpython-311.pyc", "old.bundle"),
]


def test_secrets_stay_out_even_where_include_names_all(folder: Path) -> None:
    write(folder, "service.py", *PLANTED)
    write(folder, "env/pyvenv.cfg", "env/lib/x.py")
    write(folder, "notes.txt", text=KEY)
    write(folder, "far.bin", text="x" * (BLOCK - 9) + KEY)
    write(folder, "account.json", text=json.dumps({"private_key": KEY}))
    write(folder, "signing.py", text=f'KEY = """{KEY}"""\n')
    # Code that speaks of keys is not one.
    write(folder, "reader.py", text='if line == "-----BEGIN PRIVATE KEY-----":\n    raise\n')
    everything = BuildFile(include=("**", *PLANTED))
    assert packed(folder, everything) == ["reader.py", "service.py"]
    why = reasons(folder, everything)
    for name in ("notes.txt", "far.bin", "account.json", "signing.py"):
        assert why[name] == "a private key is in it"


def test_a_module_called_like_a_secret_is_code(folder: Path) -> None:
    write(folder, "secrets.py", "credentials.py")
    assert packed(folder) == ["credentials.py", "secrets.py"]


def test_what_is_left_out_is_listed_largest_first(folder: Path) -> None:
    write(folder, "small.csv", text="x" * 10)
    write(folder, ".git/objects/pack", text="x" * 1000)
    write(folder, "large.csv", text="x" * 100)
    found = context_of(folder, BuildFile()).left_out
    assert [(one.path, one.size) for one in found] == [
        (".git/", 1000),
        ("large.csv", 100),
        ("small.csv", 10),
    ]


def test_a_large_file_must_be_named(folder: Path) -> None:
    write(folder, "service.py")
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(context.MAX_FILE + 1)
    with pytest.raises(BuildError, match=r"weights\.bin has 52 MB: a model belongs into"):
        packed(folder, BuildFile(include=("*",)))
    assert packed(folder, BuildFile(include=("weights.bin",))) == ["weights.bin"]


def test_too_many_files_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "MAX_FILES", 2)
    write(folder, "a.py", "b.py", "c.py")
    with pytest.raises(BuildError, match=r"3 files .* include less"):
        packed(folder)


def test_a_link_out_of_the_project_is_refused(folder: Path) -> None:
    (folder / "data.py").symlink_to("/etc/passwd")
    with pytest.raises(BuildError, match=r"data\.py is a link to /etc/passwd"):
        packed(folder)


def test_a_link_to_what_may_not_go_in_is_refused(folder: Path) -> None:
    write(folder, ".env")
    (folder / "settings.py").symlink_to(".env")
    with pytest.raises(BuildError, match=r"settings\.py is a link to \.env"):
        packed(folder)


def test_a_link_in_circles_is_refused(folder: Path) -> None:
    (folder / "a.py").symlink_to("b.py")
    (folder / "b.py").symlink_to("a.py")
    with pytest.raises(BuildError, match=r"a\.py is a link that leads nowhere"):
        packed(folder)


def test_a_link_inside_the_project_goes_in_as_the_file_it_leads_to(
    folder: Path, tmp_path: Path
) -> None:
    write(folder, "real.py", text="content")
    (folder / "also.py").symlink_to("real.py")
    context_of(folder, BuildFile()).copy_to(tmp_path / "out")
    copied = tmp_path / "out" / "also.py"
    assert not copied.is_symlink()
    assert copied.read_text() == "content"


def test_a_folder_that_is_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/x.py")
    (folder / "lib").symlink_to(tmp_path / "elsewhere")
    assert packed(folder) == []


def test_a_pipe_or_socket_is_refused_without_waiting_for_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    with pytest.raises(BuildError, match=r"pipe\.py is no regular file"):
        packed(folder)
    (folder / "pipe.py").unlink()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "s.py"))
        with pytest.raises(BuildError, match=r"s\.py is no regular file"):
            packed(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="making a device needs root")
def test_a_device_is_refused(folder: Path) -> None:
    os.mknod(folder / "zero.py", 0o666 | stat.S_IFCHR, os.makedev(1, 5))
    with pytest.raises(BuildError, match=r"zero\.py is no regular file"):
        packed(folder)


@pytest.mark.parametrize("name", [".gitignore", ".minibentoignore"])
def test_an_ignore_file_that_is_a_link_is_none(folder: Path, tmp_path: Path, name: str) -> None:
    write(tmp_path, "secret", text="s3cret\n*.py\n")
    write(folder, "service.py")
    (folder / name).symlink_to(tmp_path / "secret")
    assert packed(folder) == ["service.py"]


def test_a_folder_that_became_a_link_since_it_was_seen_is_not_followed(
    folder: Path, tmp_path: Path
) -> None:
    write(folder, "service.py", "lib/x.py", text="mine")
    write(tmp_path, "etc/x.py", text="else")
    found = context_of(folder, BuildFile())
    (folder / "lib").rename(tmp_path / "lib")
    (folder / "lib").symlink_to(tmp_path / "etc")
    with pytest.raises(BuildError, match=r"lib/x\.py is a link to .*/etc/x\.py, or behind one"):
        found.copy_to(tmp_path / "out")


def test_a_folder_that_becomes_a_link_while_it_is_walked_gives_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "lib/x.py", text="mine")
    write(tmp_path, "etc/x.py", text="else")

    def swapped(path: Path) -> str | None:
        path.rename(tmp_path / "lib")
        path.symlink_to(tmp_path / "etc")
        return forbidden_folder(path)

    monkeypatch.setattr(context, "forbidden_folder", swapped)
    with pytest.raises(BuildError, match="or behind one"):
        packed(folder)


def test_a_link_that_leads_elsewhere_since_it_was_seen_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    write(folder, "real.py", ".env", text="same size")
    (folder / "also.py").symlink_to("real.py")
    found = context_of(folder, BuildFile())
    (folder / "also.py").unlink()
    (folder / "also.py").symlink_to(".env")
    with pytest.raises(BuildError, match=r"also\.py is a link to \.env"):
        found.copy_to(tmp_path / "out")


def test_a_file_that_is_gone_or_a_pipe_since_it_was_seen_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    write(folder, "a.py")
    found = context_of(folder, BuildFile())
    (folder / "a.py").unlink()
    with pytest.raises(BuildError, match=r"a\.py is a link that leads nowhere"):
        found.copy_to(tmp_path / "one")
    os.mkfifo(folder / "a.py")
    with pytest.raises(BuildError, match=r"a\.py is not a regular file: build again"):
        found.copy_to(tmp_path / "two")


def test_a_file_that_vanishes_while_its_folder_is_walked_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "a.py", "lib/b.py", "lib/c.py")

    def vanishing(name: str) -> str | None:
        (folder / "lib" / "c.py").unlink(missing_ok=True)
        return forbidden_file(name)

    monkeypatch.setattr(context, "forbidden_file", vanishing)
    assert packed(folder) == ["a.py", "lib/b.py"]
    write(folder, "lib/c.py")
    monkeypatch.setattr(
        context, "forbidden_file", lambda name: (folder / "lib" / name).unlink(missing_ok=True)
    )
    with pytest.raises(BuildError, match=r"b\.py"):
        packed(folder)


def test_a_file_that_changes_while_it_is_read_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, "a.py", text="x" * 100)
    found = context_of(folder, BuildFile())
    about = os.fstat
    for change in ("x", "y" * 200):

        def changing(descriptor: int, change: str = change) -> os.stat_result:
            before = about(descriptor)
            with (folder / "a.py").open("r+") as file:
                file.write(change)
            return before

        write(folder, "a.py", text="x" * 100)
        os.utime(folder / "a.py", (1, 1))
        monkeypatch.setattr(os, "fstat", changing)
        with pytest.raises(BuildError, match=r"a\.py was changed while it was copied"):
            found.copy_to(tmp_path / change[0])
        monkeypatch.undo()


def test_a_file_that_grows_meanwhile_is_refused(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.py")
    found = context_of(folder, BuildFile())
    write(folder, "a.py", text="longer")
    with pytest.raises(BuildError, match=r"a\.py was changed while it was copied"):
        found.copy_to(tmp_path / "out")


def test_why_a_path_is_missing_is_known_of_files_and_folders(folder: Path) -> None:
    write(folder, "service.py", "data/words.txt", ".git/config")
    found = context_of(folder, BuildFile())
    not_included = "no pattern of `include:` in minibento.yaml matches it"
    assert found.why_missing("data/words.txt") == not_included
    assert found.why_missing("data") == not_included
    assert found.why_missing(".git/config") == "never: version control"
    assert found.why_missing("service.py") is None
    assert found.why_missing("never_was.py") is None
