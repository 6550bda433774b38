"""The files of a new service as text; knows neither store nor folder."""

from collections.abc import Mapping
from dataclasses import dataclass

from minibento.cli.input_type import InputType
from minibento.cli.source_text import listed, literal

__all__ = ["Served", "files", "model_files"]

_README = """# {name}

{text}

```console
minibento serve          # http://127.0.0.1:3000, documented on http://127.0.0.1:3000/docs
minibento serve --reload # the same while you write: it takes up each change
pytest                   # what it answers
```

{ask}
`minibento.yaml` names the service, `service.py` declares it. After a change
`minibento reload {name}` lets a running server take it up, without losing a request.
"""

_BUILD_FILE = """# What `minibento serve` serves from this folder.
service: service:{name}
"""

_SERVICE = '''"""Serves a stand-in for a model; `minibento serve` runs it."""

import minibento


class Words:
    """Put your model here: what `score` returns for a text should be its answer."""

    @minibento.method(batchable=True, example=["a good film"])
    def score(self, texts: list[str]) -> list[float]:
        """Score many texts at once: those of several requests come together."""
        return [float(len(text.split())) for text in texts]


@minibento.service
class {name}:
    """Scores texts."""

    model = minibento.Runner(Words)

    @minibento.api(example="a good film")
    async def score(self, text: str) -> float:
        """Score one text."""
        score: float = await self.model.score(text)
        return score
'''

_TEST = '''"""What the service answers; `pytest` runs it."""

from minibento.testing import client

from service import {name}


class FakeModel:
    """Stands in for the model, with answers that a test can know."""

    def score(self, texts: list[str]) -> list[float]:
        return [0.5] * len(texts)


def test_a_text_is_scored() -> None:
    with client({name}) as http:
        answer = http.post("/score", json="a good film")
    assert answer.status_code == 200, answer.text
    assert answer.json() == 3.0


def test_the_answer_is_the_models() -> None:
    with client({name}, model=FakeModel()) as http:
        assert http.post("/score", json="a good film").json() == 0.5


def test_a_number_is_refused() -> None:
    with client({name}) as http:
        assert http.post("/score", json=3).status_code == 422
'''

_MODEL_SERVICE = '''"""Serves {tag}; `minibento serve` runs it."""

{imports}{declaration}{classes}
@minibento.service
class {name}:
    """Answers with what {tag} says."""

    model = minibento.models.get({quoted}).to_runner()

    @minibento.api{example}
    async def {api}(self, row: {hint}) -> dict[str, Any]:
        """Ask the model about one row."""
        answer = await self.model{call}({argument})
        return {{"{api}": {answer}}}
'''

_MODEL_TEST = '''"""What the service answers; `pytest` runs it."""
{minibento}
from minibento.testing import client

from service import {names}
{row}

def test_it_is_ready() -> None:
    with client({name}) as http:
        assert http.get("/readyz").status_code == 200


def test_what_is_not_json_is_refused() -> None:
    with client({name}) as http:
        headers = {{"content-type": "application/json"}}
        answer = http.post("/{api}", content=b"{{", headers=headers)
    assert answer.status_code == 400, answer.text
'''

_CLASSES_TEST = """

def test_the_classes_are_the_models() -> None:
    model = minibento.models.get({quoted}).load()
    assert [str(one) for one in model.classes_] == CLASSES
"""

_MODEL_ROW_TEST = """

def test_a_row_is_answered() -> None:
    with client({name}) as http:
        answer = http.post("/{api}", json=ROW)
    assert answer.status_code == 200, answer.text
    assert "{api}" in answer.json()
"""


@dataclass(frozen=True, slots=True)
class Served:
    """The model that a new service serves.

    Attributes:
        tag: Of the model.
        method: The one that is called.
        rows: How its rows look.
        classes: Names for the numbers of an answer, in their order; empty: they have none.
    """

    tag: str
    method: str
    rows: InputType
    classes: tuple[str, ...] = ()


def files(name: str) -> Mapping[str, str]:
    """A service that works at once and needs no model."""
    ask = _ask("score", '"a good film"')
    return {
        "service.py": _SERVICE.format(name=name),
        "test_service.py": _TEST.format(name=name),
        "minibento.yaml": _BUILD_FILE.format(name=name),
        "README.md": _README.format(name=name, text="Scores texts with a stand-in.", ask=ask),
    }


def model_files(name: str, served: Served) -> Mapping[str, str]:
    """A service of a stored model, typed by what was recorded of its rows."""
    api = "predict" if served.method == "__call__" else served.method
    rows = served.rows
    known = rows.example is not None
    row = f"\nROW = {literal(rows.example)}\n" if known else ""
    test = _MODEL_TEST + (_MODEL_ROW_TEST if known else "")
    test += _CLASSES_TEST if served.classes else ""
    body = _json_text(rows.example) if known else "..."
    return {
        "service.py": _MODEL_SERVICE.format(
            tag=served.tag,
            quoted=literal(served.tag),
            imports=_import_block(rows.imports),
            declaration=_declaration(rows.declaration),
            name=name,
            example=_example(rows.example) if known else "",
            api=api,
            hint=rows.hint,
            call="" if served.method == "__call__" else f".{served.method}",
            argument=rows.argument,
            classes=_classes(served),
            answer="dict(zip(CLASSES, answer, strict=True))" if served.classes else "answer",
        ),
        "test_service.py": test.format(
            name=name,
            row=row,
            api=api,
            quoted=literal(served.tag),
            names=f"CLASSES, {name}" if served.classes else name,
            minibento="\nimport minibento" if served.classes else "",
        ),
        "minibento.yaml": _BUILD_FILE.format(name=name),
        "README.md": _README.format(
            name=name, text=f"Serves the model {served.tag}.", ask=_ask(api, body)
        ),
    }


def _declaration(source: str) -> str:
    """Two lines above a class, one above an alias, two below either."""
    if not source:
        return "\n"
    return f"\n\n{source}\n" if source.startswith("class ") else f"\n{source}\n"


def _classes(served: Served) -> str:
    """The names of an answer's numbers, below the declaration of a row."""
    if not served.classes:
        return ""
    names = listed("[", [literal(one) for one in served.classes], "]", "", used=10)
    above = "\n" if served.rows.declaration.startswith("class ") else ""
    return f"{above}# In the order of the model's answer; the test compares.\nCLASSES = {names}\n\n"


def _example(value: object) -> str:
    """The decorator's arguments, laid out."""
    source = literal(value, "        ")
    return f"(\n        example={source}\n    )" if "\n" in source else f"(example={source})"


def _import_block(lines: tuple[str, ...]) -> str:
    """Standard library, then the others, as sorters lay them out; `Any` is always used."""
    typing = {"Any"}
    others = ["import minibento"]
    standard = []
    for line in lines:
        if line.startswith("from typing import "):
            typing.update(line.removeprefix("from typing import ").split(", "))
        elif line.startswith("from pydantic"):
            others.append(line)
        else:
            standard.append(line)
    standard.append(f"from typing import {', '.join(sorted(typing))}")
    return "\n".join([*standard, "", *others]) + "\n"


def _json_text(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _ask(api: str, body: str) -> str:
    quoted = body.replace("'", "'\\''")
    return (
        "Ask it:\n\n```console\n"
        f"curl http://127.0.0.1:3000/{api} -H 'content-type: application/json' -d '{quoted}'\n"
        "```\n"
    )
