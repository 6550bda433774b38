import json
from pathlib import Path

import pytest

from minibento.bundles.facts import Container
from minibento.errors import ConfigError
from minibento.packager.build_file import BuildFile, find_build_file, read_build_file

WHOLE = """\
service: service:CreditRisk
labels: {owner: risk, team: 7}
include: ["**/*.py", "site/**"]
exclude: ["notebooks/"]
models: ["scaler:latest"]
python:
  version: "3.11"
  requirements: [httpx2>=2, ./library]
container:
  base: registry.example.org:5000/python:3.11-slim
  packages: [libgomp1, libssl3:amd64=3.0.11-1~deb12u2]
"""


def written(folder: Path, text: str) -> BuildFile:
    (folder / "minibento.yaml").write_text(text)
    return find_build_file(folder)


def test_every_key_is_read(tmp_path: Path) -> None:
    assert written(tmp_path, WHOLE) == BuildFile(
        tmp_path / "minibento.yaml",
        "service:CreditRisk",
        {"owner": "risk", "team": "7"},
        ("**/*.py", "site/**"),
        ("notebooks/",),
        ("scaler:latest",),
        "3.11",
        ("httpx2>=2", "./library"),
        Container(
            "registry.example.org:5000/python:3.11-slim",
            ("libgomp1", "libssl3:amd64=3.0.11-1~deb12u2"),
        ),
    )


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_leaves_all_to_the_defaults(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, text) == BuildFile(tmp_path / "minibento.yaml")


def test_a_folder_without_a_file_leaves_all_to_the_defaults(tmp_path: Path) -> None:
    assert find_build_file(tmp_path) == BuildFile()


def test_a_folder_with_only_a_file_of_bentoml_is_told_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "bentofile.yaml").write_text("service: service:svc\n")
    with pytest.raises(ConfigError, match=r"bentofile\.yaml is BentoML's: write minibento\.yaml"):
        find_build_file(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("servce: a:B\n", r":1: unknown key 'servce': did you mean 'service'\?"),
        ("labels:\n  a: 1\nlables: {}\n", r":3: unknown key 'lables'"),
        ("python: {versoin: '3.11'}\n", r":1: python has no key 'versoin': did you mean 'version'"),
        ("container:\n  bse: x\n", r":2: container has no key 'bse': did you mean 'base'"),
        ("service: a:B\nservice: c:D\n", r":2: 'service' stands twice, first in line 1"),
        ("include: '*.py'\n", r":1: include is '\*\.py', must be a list"),
        ("labels: [a]\n", r":1: labels is a list, must hold keys"),
        ("python: {version: 3}\n", r":1: python\.version is '3', must be a minor version"),
        ("python: {version: 3.9}\n", r":1: python\.version is '3.9', must be .* from 3.11 on"),
        ("models: ['../x']\n", r":1: models: "),
        ("service: !!python/name:os.system x\n", r":1: the tag "),
    ],
)
def test_a_wrong_file_is_refused_with_line_and_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"minibento\.yaml" + said):
        written(tmp_path, text)


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../x", "a/../../x", "~/.ssh/id_rsa", "$HOME/x", "a\\b", "/proc/self/environ"],
)
@pytest.mark.parametrize("key", ["include", "exclude"])
def test_a_pattern_that_leads_out_of_the_folder_is_refused(
    tmp_path: Path, key: str, path: str
) -> None:
    (tmp_path / "minibento.yaml").write_text(f"service: a:B\n{key}:\n- '{path}'\n")
    with pytest.raises(ConfigError, match=r"yaml:3: .*below this folder"):
        read_build_file(tmp_path / "minibento.yaml")


HOSTILE = [
    "curl; touch CANARY",
    "a$(id)",
    "a`id`",
    "a && b",
    "{{ x }}",
    'a"b',
    "a'b",
    "-o APT::x",
    "a b",
    "Python",
    "",
]


@pytest.mark.parametrize("text", [*HOSTILE, "x\nRUN touch CANARY"])
def test_a_package_that_would_say_more_to_a_shell_is_refused(tmp_path: Path, text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    with pytest.raises(ConfigError, match=r"yaml:1: container\.packages"):
        written(tmp_path, f'container: {{packages: ["{quoted}"]}}\n')


@pytest.mark.parametrize("text", [*HOSTILE, "python:3.11\nRUN touch CANARY", "x\n"])
def test_a_base_that_is_no_image_is_refused(tmp_path: Path, text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    with pytest.raises(ConfigError, match=r"yaml:1: container\.base"):
        written(tmp_path, f'container: {{base: "{quoted}"}}\n')


@pytest.mark.parametrize(
    "text",
    [
        "-r other.txt",
        "--index-url=x",
        "https://user:secret@example.org/x.whl",
        "x @ git+ssh://host/x",
        "x @ file:x",
        "a\\nb",
        "/etc/passwd",
        "~/library",
        "$HOME/library",
        "${AWS_SECRET_ACCESS_KEY}",
        "./$HOME",
        "/proc/self/environ",
        "httpx2 --global-option=x",
        "httpx2; python_version > '3' --config-settings=x",
        "httpx2;--pre",
        "httpx2 # comment",
        "httpx2>=2 \\",
        "library/",
        "library.whl/x",
        "a;b`id`",
        "x\u2028--pre",
        "./x\u2028",
        "./a\0b",
        ".git",
        "",
        " ",
        "{{ x }}",
    ],
)
def test_a_requirement_that_is_an_option_or_an_address_is_refused(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(ConfigError, match=r"yaml:1: python\.requirements"):
        written(tmp_path, f"python: {{requirements: [{json.dumps(text)}]}}\n")


@pytest.mark.parametrize(
    "text",
    [
        *("httpx2", "Our.Library_2", "a[b,c-d]>=1.0,<2", "a ~= 1.4.2", "a==1.*", "a===1!2.0+cpu"),
        *("a>=1; python_version < '3.12' and sys_platform != 'win32'", "a (>=1)", "./library"),
        *(".", "../x", './a b/"c"'),
    ],
)
def test_a_requirement_of_any_plain_form_is_taken(tmp_path: Path, text: str) -> None:
    found = written(tmp_path, f"python: {{requirements: [{json.dumps(text)}]}}\n")
    assert found.requirements == (text,)


EVERYTHING = "a: b\nRUN x; $(id) `id` {{ x }} 'q' \"q\" \\ \0 \x1b[31m \u2028 \u202e # %s ${HOME}"


def test_a_label_is_kept_as_it_is_whatever_it_holds(tmp_path: Path) -> None:
    text = json.dumps({"labels": {EVERYTHING: EVERYTHING}})
    assert written(tmp_path, text + "\n").labels == {EVERYTHING: EVERYTHING}


def test_no_other_value_takes_what_could_be_more_than_it_says(tmp_path: Path) -> None:
    for text in (EVERYTHING, "x\ny", "x\0y", "x\u2028y", "/etc/passwd", "../x", "~", "$HOME"):
        documents: list[dict[str, object]] = [
            {"models": [text]},
            {"python": {"version": text}},
            {"python": {"requirements": [f"httpx2{text}"]}},
            {"container": {"base": text}},
            {"container": {"packages": [text]}},
            {"include": [f"../{text}"]},
            {"exclude": [f"../{text}"]},
            {text: {}},
        ]
        for document in documents:
            with pytest.raises(ConfigError, match=r"minibento\.yaml:1: "):
                written(tmp_path, json.dumps(document) + "\n")


def test_aliases_that_multiply_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["a: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(ConfigError, match="unknown key"):
        written(tmp_path, "\n".join(lines))
    with pytest.raises(ConfigError, match="include"):
        written(tmp_path, "include: &a [*a, *a]\n")
