"""`minibento bundles`, `build` and `lock` on the command line."""

import hashlib
import json
from pathlib import Path

import pytest

from minibento.store.home import local_store
from minibento.store.manifest import Json
from tests.bundles.making import make_bundle
from tests.cli.conftest import Run
from tests.packager.projects import SERVICE, project, save_doubler, write_lock
from tests.store.packing import pack


@pytest.fixture
def tag(home: Path) -> str:
    save_doubler()
    return str(make_bundle(SERVICE, "doubler", labels={"owner": "risk"}).tag)


def answered(run: Run, *arguments: str) -> object:
    result = run(*arguments, "-o", "json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_bundles_are_listed_with_their_service(run: Run, tag: str) -> None:
    shown = run("bundles", "list").stdout
    assert shown.split()[:5] == ["TAG", "ALSO", "SERVICE", "SIZE", "SAVED"]
    assert "service:Doubling" in shown
    (listed,) = json.loads(run("bundles", "list", "-o", "json").stdout)
    assert (listed["tag"], listed["service"], listed["labels"]) == (
        *(tag, "service:Doubling"),
        {"owner": "risk"},
    )
    assert "framework" not in listed


def test_where_there_is_no_bundle_the_list_says_how_to_make_one(run: Run, home: Path) -> None:
    assert "`minibento build` makes one" in run("bundles", "list").stderr


def test_get_shows_what_tags_stand_for(run: Run, tag: str) -> None:
    shown = run("bundles", "get", "doubling").stdout
    assert "doubler:latest = doubler:" in shown
    assert "owner = risk" in shown


def test_a_bundles_aliases_move_and_go_back(run: Run, tag: str) -> None:
    assert run("bundles", "alias", tag, "production").exit_code == 0
    second = str(make_bundle(SERVICE + "\n# more\n", "doubler").tag)
    assert run("bundles", "alias", second, "production").exit_code == 0
    back = run("bundles", "alias", "doubling", "production", "--rollback")
    assert back.stdout.splitlines()[:2] == [f"doubling:production -> {tag}", f"before:   {second}"]
    assert "minibento bundles alias doubling" in run("bundles", "alias", tag).stderr


def test_export_and_import_are_checked_by_digest(run: Run, tag: str, tmp_path: Path) -> None:
    assert run("bundles", "export", tag, str(tmp_path)).exit_code == 0
    (file,) = tmp_path.glob("*.bundle")
    assert run("bundles", "delete", tag, "--yes").exit_code == 0
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    refused = run("bundles", "import", str(file), "--sha256", "0" * 64)
    assert refused.exit_code == 1
    assert f"has the sha256 {digest}" in refused.stderr
    assert local_store("bundles").list() == []
    assert run("bundles", "import", str(file), "--sha256", digest.upper()).exit_code == 0
    assert run("bundles", "verify", tag).exit_code == 0


def test_tree_shows_folders_with_the_size_of_all_that_is_in_them(run: Run, tag: str) -> None:
    lines = run("bundles", "tree", tag).stdout.splitlines()
    assert lines[0].startswith(tag)
    assert [line.strip().split()[0] for line in lines[1:4]] == [
        *("code/", "service.py", "environment.lock"),
    ]


def test_diff_names_what_changed_and_marks_what_breaks(run: Run, tag: str) -> None:
    hashed = " --hash=sha256:" + "a" * 64
    other = str(
        make_bundle(
            SERVICE + "\n# more\n",
            "doubler",
            files={
                "environment.lock": f"click==8.2.1{hashed}\n",
                "openapi.json": json.dumps({"paths": {"/new": {"post": {}}}}),
            },
        ).tag
    )
    shown = run("bundles", "diff", tag, other).stdout.splitlines()
    assert shown == [
        "code       service.py changed",
        "library    click: - -> 8.2.1",
        "about      label owner: risk -> -",
        "api        POST /new: is new",
    ]
    assert run("bundles", "diff", tag, other, "--exit-code").exit_code == 0
    back = run("bundles", "diff", other, tag, "--exit-code")
    assert "BREAKING   POST /new: is gone" in back.stdout
    assert back.exit_code == 1
    assert run("bundles", "diff", tag, tag).stdout == "nothing differs\n"


def test_a_project_is_built_and_what_was_left_out_is_told(
    run: Run, home: Path, tmp_path: Path
) -> None:
    save_doubler()
    folder = project(tmp_path / "project")
    write_lock(folder, "doubler")
    (folder / "data.csv").write_text("x" * 2000)
    result = run("build", str(folder))
    assert result.exit_code == 0, result.stderr
    assert "left out: data.csv (2.0 kB): no pattern of `include:` in minibento" in result.stderr
    assert result.stdout.startswith("built doubling:")
    again = answered(run, "build", str(folder))
    assert isinstance(again, dict)
    assert (again["new"], again["tag"]) == (False, str(local_store("bundles").get("doubling").tag))
    assert again["left_out"][0]["path"] == "data.csv"


def test_what_a_foreign_bundle_says_of_itself_drives_no_terminal(run: Run, home: Path) -> None:
    evil = "\x1b]0;owned\x07 a\nb \u2028 \u202e"
    files = {f"code/a\u202eb{chr(0x9B)}31m.py": "", "environment.lock": ""}
    old = str(make_bundle(SERVICE, labels={evil: evil}).tag)
    new = str(make_bundle(SERVICE, labels={evil: "x"}, files=files).tag)
    for command in (
        *(["bundles", "list"], ["bundles", "get", old], ["bundles", "tree", new]),
        *(["bundles", "get", new], ["bundles", "diff", old, new], ["bundles", "verify", new]),
    ):
        shown = run(*command)
        assert shown.exit_code == 0, shown.stderr
        assert all(line.isprintable() for line in shown.output.splitlines()), (
            command,
            shown.output,
        )


@pytest.mark.parametrize(
    "about",
    [
        *(1, [], "x", None, {}, {"service": []}, {"labels": []}, {"labels": {"a": []}, "x": 1}),
        {"signatures": [], "models": 7, "custom_objects": 3, "python": []},
    ],
)
def test_a_file_that_is_a_bundles_by_its_word_only_is_refused_or_shown(
    run: Run, home: Path, tmp_path: Path, about: Json
) -> None:
    file = pack(tmp_path / "x.bundle", {"code/service.py": b""}, about={"bundle": about})
    assert run("bundles", "import", str(file)).exit_code in {0, 1}
    for command in (
        *(["bundles", "list"], ["bundles", "list", "-o", "json"], ["bundles", "verify", "credit"]),
        *(["bundles", "get", "credit"], ["bundles", "tree", "credit"], ["serve", "credit"]),
        *(["bundles", "diff", "credit", "credit"], ["containerize", "credit"]),
    ):
        shown = run(*command)
        assert "not expected here" not in shown.output, (command, shown.output)


def test_a_folder_without_a_service_is_refused(run: Run, home: Path, tmp_path: Path) -> None:
    result = run("build", str(tmp_path))
    assert result.exit_code == 1
    assert "neither minibento.yaml nor service.py" in result.stderr


def test_a_folder_inside_a_package_is_refused_with_where_to_build(
    run: Run, home: Path, tmp_path: Path
) -> None:
    folder = project(tmp_path / "shop")
    (folder / "__init__.py").touch()
    result = run("build", str(folder))
    assert result.exit_code == 1
    assert "service: shop.service:NAME" in result.stderr


def test_a_file_of_bentoml_is_answered_with_what_to_do(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "bentofile.yaml").write_text("service: service:svc\n")
    result = run("build", str(tmp_path))
    assert result.exit_code == 1
    assert "write minibento.yaml" in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--python", "3.11; rm", "no minor version from 3.11 on"),
        ("--python", "2.7", "no minor version from 3.11 on"),
        ("--platform", "windows/amd64", "linux/amd64"),
    ],
)
def test_what_nothing_can_be_built_for_is_a_usage_error(
    run: Run, option: str, value: str, said: str
) -> None:
    result = run("build", option, value)
    assert result.exit_code == 2
    assert said in result.stderr
