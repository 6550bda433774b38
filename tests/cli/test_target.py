"""What TARGET names, seen from a folder."""

import sys
from pathlib import Path
from typing import Any

import pytest

from minibento.asgi.service import Service
from minibento.cli.target import place
from minibento.errors import ConfigError, TargetError
from minibento.processes.place import Place
from minibento.processes.user_service import service_at
from tests.bundles.making import make_bundle
from tests.cli.conftest import Save

ONE = """
import minibento

@minibento.service
class {name}:
    @minibento.api
    def double(self, number: int) -> int:
        return 2 * number
"""


def write(path: Path, *names: str, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(ONE.format(name=name) for name in names) + text)


def find(target: str | None) -> Service[Any]:
    return service_at(place(target, Path.cwd()))


def refusal(target: str | None) -> str:
    with pytest.raises((TargetError, ConfigError)) as refused:
        find(target)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    "target",
    [None, ".", "service.py", "./service.py", "service.py:Risk", "service:Risk", ".:Risk"],
)
def test_one_service_is_found_by_every_spelling(folder: Path, target: str | None) -> None:
    write(folder / "service.py", "Risk")
    assert find(target).name == "Risk"


def test_a_file_is_found_from_elsewhere_with_its_neighbours(folder: Path) -> None:
    write(folder / "deep" / "er" / "serving.py", "Risk", text="import beside_it\n")
    (folder / "deep" / "er" / "beside_it.py").write_text("")
    assert find("deep/er/serving.py").name == "Risk"


def test_a_file_of_a_package_is_imported_as_part_of_it(folder: Path) -> None:
    write(folder / "shop" / "service.py", "Risk", text="from shop import prices\n")
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "shop" / "prices.py").write_text("")
    assert find("shop/service.py:Risk").cls.__module__ == "shop.service"
    assert find("shop.service:Risk").name == "Risk"


def test_the_build_file_names_the_service_of_its_folder(folder: Path) -> None:
    write(folder / "app" / "other.py", "A", "B")
    (folder / "app" / "minibento.yaml").write_text("service: other:B\n")
    assert find("app").name == "B"
    assert find("app:A").name == "A"


def test_a_name_that_fits_a_folder_and_a_module_shows_both_spellings(folder: Path) -> None:
    write(folder / "service.py", "Risk")
    write(folder / "service" / "service.py", "Risk")
    message = refusal("service:Risk")
    assert "./service:Risk" in message
    assert "service.py:Risk" in message
    assert place("./service:Risk", folder) == Place(folder / "service", "service", "Risk")
    assert place("service.py:Risk", folder) == Place(folder, "service", "Risk")


def test_a_package_that_fits_twice_shows_its_own_file(folder: Path) -> None:
    write(folder / "shop" / "__init__.py", "Risk")
    write(folder / "shop" / "service.py", "Risk")
    assert "shop/__init__.py:Risk" in refusal("shop:Risk")
    assert find("shop/__init__.py:Risk").cls.__module__ == "shop"


def test_a_folder_and_a_module_that_are_one_service_do_not_quarrel(folder: Path) -> None:
    write(folder / "shop" / "__init__.py", "Risk")
    assert find("shop:Risk").name == "Risk"


def test_two_services_are_named_to_choose_from(folder: Path) -> None:
    write(folder / "service.py", "Risk", "Price")
    message = refusal(None)
    assert "service:Risk" in message
    assert "service:Price" in message


def test_two_names_of_one_service_are_one_service(folder: Path) -> None:
    write(folder / "service.py", "Risk", text="app = Risk\n")
    assert find(None).name == "Risk"


def test_a_slip_in_the_name_is_answered_with_what_was_meant(folder: Path) -> None:
    write(folder / "service.py", "CreditRisk")
    assert "did you mean service:CreditRisk?" in refusal("service:CreditRsk")


def test_a_name_like_no_other_is_answered_with_all_services(folder: Path) -> None:
    write(folder / "service.py", "Risk", "Price")
    assert "its services are Risk, Price" in refusal("service:Xyzzy")


def test_a_slip_in_the_module_is_answered_with_what_was_meant(folder: Path) -> None:
    write(folder / "service.py", "Risk")
    assert "did you mean service:Risk?" in refusal("servce:Risk")
    assert "did you mean service.py?" in refusal("servce.py")
    assert "did you mean service.py?" in refusal("service")


@pytest.mark.parametrize(
    ("target", "looked_for"),
    [
        ("nosuch.bundle", "nosuch.bundle"),
        ("nosuch.py:Risk", "nosuch.py"),
        ("deep/nosuch", "deep/nosuch"),
        ("nosuch/", "nosuch"),
        ("/nosuch.bundle", "/nosuch.bundle"),
    ],
)
def test_a_path_that_is_not_there_is_said_not_to_be(
    folder: Path, target: str, looked_for: str
) -> None:
    assert f"{folder / looked_for} was looked for: check the path" in refusal(target)


def test_a_slip_in_a_path_is_answered_with_what_lies_there(folder: Path) -> None:
    write(folder / "deep" / "service.py", "Risk")
    (folder / "risk-q4w2.bundle").write_bytes(b"")
    assert "did you mean risk-q4w2.bundle?" in refusal("risk-q4w.bundle")
    assert "did you mean deep/service.py:Risk?" in refusal("deep/servce.py:Risk")


def test_the_tag_of_a_model_is_said_to_need_a_service(folder: Path, save: Save) -> None:
    save("credit")
    message = refusal("credit:latest")
    assert "a model" in message
    assert "minibento init DIR --model credit:latest" in message


def test_a_models_name_is_not_taken_for_a_slip_in_that_of_a_file_not_like_it(
    folder: Path, save: Save
) -> None:
    save("iris")
    write(folder / "api.py", "Risk")
    assert "minibento init DIR --model iris:latest" in refusal("iris:latest")


def test_a_slip_in_a_bundles_name_is_answered_with_what_was_meant(folder: Path, home: Path) -> None:
    make_bundle("x = 1\n", name="credit")
    assert "did you mean 'credit'?" in refusal("credti:production")


def test_what_is_no_service_is_said_to_be_none(folder: Path) -> None:
    write(folder / "service.py", text="class Plain: ...\nnumber = 3\n")
    assert "decorate it with @minibento.service" in refusal("service:Plain")
    assert "number is a int" in refusal("service:number")
    assert "has no service" in refusal("service.py")


def test_an_empty_folder_says_what_to_write(folder: Path) -> None:
    assert "minibento init" in refusal(None)
    assert "minibento init" in refusal(".")


@pytest.mark.parametrize(
    "target", ["", "nosuch.py", "nosuch:Risk", "a b", "\x00", "os.path", "x:y:z"]
)
def test_what_is_nothing_is_refused_in_one_line(folder: Path, target: str) -> None:
    assert refusal(target)


def test_another_kind_of_file_is_refused(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"")
    assert "no Python file" in refusal("model.pkl")


def test_a_file_that_cannot_be_imported_by_name_says_so(folder: Path) -> None:
    write(folder / "my-service.py", "Risk")
    assert "name it with letters" in refusal("my-service.py")


def test_an_error_in_the_users_module_has_file_line_and_exception(folder: Path) -> None:
    write(folder / "service.py", text="import broken_neighbour\n")
    (folder / "broken_neighbour.py").write_text("x = 1\n\ny = x / 0\n")
    assert refusal(None) == "broken_neighbour.py:3: ZeroDivisionError: division by zero"


def test_an_error_in_a_library_is_placed_at_the_users_own_line(folder: Path) -> None:
    write(folder / "service.py", text="import json\n\njson.loads('{')\n")
    assert refusal(None).startswith("service.py:3: JSONDecodeError: ")


def test_a_missing_model_is_placed_at_the_line_that_asks_for_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(folder / "home"))
    write(folder / "service.py", text="import minibento\nminibento.models.get('risk')\n")
    assert refusal(None).startswith("service.py:2: NotFound: ")


def test_a_syntax_error_has_its_line(folder: Path) -> None:
    write(folder / "service.py", text="x = 1\ndef\n")
    assert refusal(None) == "service.py:2: SyntaxError: invalid syntax"


def test_a_module_that_exits_is_an_error_of_its_own(folder: Path) -> None:
    write(folder / "service.py", text="import sys\nsys.exit('no licence')\n")
    assert refusal(None) == "service.py:2: SystemExit: no licence"


def test_a_missing_import_is_not_taken_for_a_missing_target(folder: Path) -> None:
    write(folder / "service.py", text="import no_such_library\n")
    assert refusal(None).startswith("service.py:1: ModuleNotFoundError: ")


def test_a_file_with_the_name_of_a_loaded_module_is_not_silently_another(folder: Path) -> None:
    assert "json" in sys.modules
    write(folder / "json.py", "Risk")
    assert "give the file another name" in refusal("json.py")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("service: [a]\n", "must be text"),
        ("service: service\n", "must be module:Name"),
        ("servce: service:Risk\n", "did you mean 'service'?"),
        ("xyzzy: 1\n", "the keys are service, labels"),
        ("- a\n", "the file is a list"),
        ("a: b\n  c: [\n", "minibento.yaml:2: "),
        ("\x00", "cannot be read"),
    ],
)
def test_a_wrong_build_file_is_refused_with_the_mend(folder: Path, text: str, said: str) -> None:
    write(folder / "service.py", "Risk")
    (folder / "minibento.yaml").write_text(text)
    message = refusal(None)
    assert "minibento.yaml" in message
    assert said in message


def test_a_build_file_that_names_a_module_that_is_not_there_is_said_to(folder: Path) -> None:
    (folder / "minibento.yaml").write_text("service: servce:Risk\n")
    message = refusal(None)
    assert f"there is no module 'servce' in {folder}" in message
    assert "correct what names it, such as `service:` in minibento.yaml" in message


@pytest.mark.parametrize("text", ["", "labels: {owner: risk}\n"])
def test_a_build_file_that_names_no_service_leaves_it_to_service_py(
    folder: Path, text: str
) -> None:
    write(folder / "service.py", "Risk")
    (folder / "minibento.yaml").write_text(text)
    assert find(None).name == "Risk"
