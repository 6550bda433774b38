import os
import socket
from pathlib import Path

import pytest

from minibento.errors import BuildError
from minibento.packager import context
from minibento.packager.build_file import BuildFile
from minibento.packager.context import context_of

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
    *(".env", ".env.local", "prod.env", ".git/config", ".aws/credentials", ".ssh/config"),
    *("id_rsa", "id_ed25519.pub", "tls/server.pem", "tls/server.key", "store.p12", ".netrc"),
    *(".pypirc", ".npmrc", "gcp-credentials.json", "service-account.json", ".kube/config"),
    *("report.ipynb", ".venv/lib/x.py", "__pycache__/x.cpython-311.pyc", "old.bundle"),
]


def test_secrets_stay_out_even_where_include_names_all(folder: Path) -> None:
    write(folder, "service.py", *PLANTED)
    write(folder, "env/pyvenv.cfg", "env/lib/x.py")
    write(folder, "notes.txt", text=KEY)
    everything = BuildFile(include=("**", *PLANTED))
    assert packed(folder, everything) == ["service.py"]
    assert reasons(folder, everything)["notes.txt"] == "a private key is in it"


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
