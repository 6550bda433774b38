"""Writes docs/reference.md from the signatures and docstrings of the code; knows no other page.

`python docs/write_reference.py` writes it; a test holds that it is what would be written.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import minibento
from minibento import errors, models, testing
from minibento.models.model import Model
from minibento.runners.handle import MethodHandle
from minibento.runners.options import Options
from minibento.services.context import Answer

PAGE = Path(__file__).parent / "reference.md"
WIDTH = 88
INTRODUCTION = """\
# Reference

Every argument, its default and its meaning. This page is written from the code
(`python docs/write_reference.py`), and a test compares the two. What the words mean is told by
[concepts](concepts.md), the commands by [the command line](cli.md).
"""
SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Warns):\n((?:    .*\n|\n)+)", re.MULTILINE)

Rows = dict[str, str]


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *services(), *runners(), *saving(), *store(), *tests(), *end()])


def services() -> Iterator[str]:
    yield "## Services\n"
    yield entry("@minibento.service", minibento.service)
    yield entry("@minibento.api", minibento.api)
    yield entry("minibento.Context", minibento.Context)
    yield entry("Context.response", Answer)
    yield "### Hooks\n"
    hooks = ("on_startup", "on_shutdown", "ready")
    yield listed({f"@minibento.{name}": getattr(minibento, name) for name in hooks})
    yield entry("minibento.Service", minibento.Service)
    names = ("start", "stop", "replace", "instance")
    yield listed({f"CreditRisk.{name}": getattr(minibento.Service, name) for name in names})


def runners() -> Iterator[str]:
    yield "## Runners\n"
    yield entry("@minibento.method", minibento.method)
    yield entry("minibento.Runner", minibento.Runner)
    defaults = {
        field.name: "" if field.default is MISSING else repr(field.default)
        for field in fields(Options)
    }
    yield "The options, also those of `model.to_runner(...)`:\n"
    yield table(("option", "default", "meaning"), sections(Options)["Attributes"], defaults)
    yield entry("await runner.predict", MethodHandle.__call__)
    yield entry("runner.predict.run", MethodHandle.run)
    yield entry("await runner.predict.batch", MethodHandle.batch)
    yield entry("runner.predict.run_batch", MethodHandle.run_batch)


def saving() -> Iterator[str]:
    yield "## Saving and loading\n"
    first = minibento.sklearn.save_model
    yield entry("minibento.sklearn.save_model", first)
    for module in (minibento.xgboost, minibento.picklable_model):
        yield unlike(f"{module.__name__}.save_model", module.save_model, first)
    load = minibento.sklearn.load_model
    shown = signature("minibento.sklearn.load_model", load)
    yield f"### `load_model`\n\n{shown}\nLikewise in the other two. {text(load)}\n"


def store() -> Iterator[str]:
    yield "## The store\n"
    for name in ("get", "list", "alias", "rollback", "delete", "create"):
        yield entry(f"minibento.models.{name}", getattr(models, name))
    yield entry("models.Draft", models.Draft)
    yield entry("models.Model", Model)
    facts = ("path", "framework", "labels", "metadata", "libraries", "custom_objects")
    methods = ("load", "to_runner", "example")
    yield listed({f"model.{name}": vars(Model)[name] for name in (*facts, *methods)})
    yield entry("minibento.Tag", minibento.Tag)


def tests() -> Iterator[str]:
    yield "## Testing\n"
    for name in ("client", "models", "serve", "Server"):
        yield entry(f"minibento.testing.{name}", getattr(testing, name))


def end() -> Iterator[str]:
    yield "## Errors\n"
    tree, rest = (errors.__doc__ or "").split("\n\n")[1:]
    yield f"```text\n{textwrap.dedent(tree)}\n```\n\n{rest.strip()}\n"
    for name in ("ItemError", "Overloaded", "ModelError"):
        yield entry(f"minibento.{name}", getattr(errors, name))


def entry(name: str, thing: Any) -> str:
    """One function or class: how it is written, what it is for, and its parts."""
    function = thing if inspect.isroutine(thing) else vars(thing).get("__init__")
    # The attributes of a dataclass, and of what users are only given, say all.
    written = inspect.isroutine(thing) or thing in (minibento.Runner, errors.ItemError)
    shown = signature(name, function) + "\n" if written and function is not None else ""
    parts = [f"### `{name.removeprefix('await ')}`\n\n{shown}{text(thing)}\n"]
    found = sections(thing)
    if rows := found.get("Args"):
        defaults = parameters(function) if function is not None else {}
        refuse_undocumented(name, defaults, rows)
        parts.append(table(("argument", "default", "meaning"), rows, defaults))
    if rows := found.get("Attributes"):
        parts.append(table(("attribute", "meaning"), rows))
    if returns := found.get("Returns"):
        parts.append(f"Returns: {returns['']}\n")
    for kind in ("Raises", "Warns"):
        if rows := found.get(kind):
            lines = [f"- `{each.replace(', ', '`, `')}`: {it}" for each, it in rows.items()]
            parts.append("\n".join([f"{kind}:\n", *lines]) + "\n")
    return "\n".join(parts)


def unlike(name: str, function: Callable[..., Any], first: Callable[..., Any]) -> str:
    """A function by what it does not share with `first`."""
    rows, others = sections(function)["Args"], sections(first)["Args"]
    defaults = parameters(function)
    refuse_undocumented(name, defaults, rows)
    missing = ", ".join(f"`{each}`" for each in others if each not in rows)
    own = {each: meaning for each, meaning in rows.items() if others.get(each) != meaning}
    shared = f"It takes what `minibento.sklearn.save_model` takes, without {missing}; other are:"
    return f"### `{name}`\n\n{text(function)}\n\n{shared}\n\n" + table(
        ("argument", "default", "meaning"), own, defaults
    )


def listed(members: Mapping[str, Any]) -> str:
    """Members by their first paragraph."""
    lines = []
    for name, member in members.items():
        call = inspect.isfunction(member) and not name.startswith("@")
        shown = f"{name}({', '.join(arguments(member))})" if call else name
        lines.append(f"- `{shown}`: {' '.join(text(member).split())}")
    return "\n".join(lines) + "\n"


def text(thing: Any) -> str:
    """The docstring without its sections."""
    doc = (inspect.getdoc(thing) or "") + "\n"
    return SECTION.sub("", doc).strip().replace("\n\n\n", "\n\n")


def sections(thing: Any) -> dict[str, Rows]:
    """The sections of a docstring; prose is below the empty name."""
    doc = (inspect.getdoc(thing) or "") + "\n"
    return {title: named(textwrap.dedent(body)) for title, body in SECTION.findall(doc)}


def named(body: str) -> Rows:
    """`name: meaning` lines, those that go on joined."""
    rows: Rows = {}
    for line in body.strip().splitlines():
        found = re.match(r"([*\w]+(?:, \w+)*): (.*)", line)
        if found and not line.startswith(" "):
            rows[found[1]] = found[2]
        else:
            last = next(reversed(rows), "")
            rows[last] = f"{rows.get(last, '')} {line.strip()}".strip()
    return rows


def table(header: tuple[str, ...], rows: Rows, defaults: Mapping[str, str] | None = None) -> str:
    lines = [header, ("---",) * len(header)]
    for name, meaning in rows.items():
        default = defaults.get(name, "") if defaults is not None else ""
        shown = f"`{default}`" if default else ""
        cells = (f"`{name}`", shown, meaning) if defaults is not None else (f"`{name}`", meaning)
        lines.append(tuple(cell.replace("|", "\\|") for cell in cells))
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def definition(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The source of a function, parsed; an annotation in quotes is without them."""
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef), function
    return node


def parameters(function: Callable[..., Any]) -> dict[str, str]:
    """The source of each parameter's default; empty: it has none."""
    given = definition(function).args
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    pairs = [*zip(plain, defaults, strict=True)]
    pairs += zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return {
        one.arg: "" if default is None else ast.unparse(default)
        for one, default in pairs
        if one.arg != "self"
    }


def arguments(function: Callable[..., Any]) -> list[str]:
    """The parameters as they are written, with their types."""
    given, defaults = definition(function).args, parameters(function)

    def shown(one: ast.arg) -> str:
        hint = f": {annotation(one.annotation)}" if one.annotation else ""
        default = defaults.get(one.arg)
        return one.arg + hint + (f" = {default}" if default else "")

    before = [shown(one) for one in given.posonlyargs if one.arg != "self"]
    middle = [shown(one) for one in given.args if one.arg != "self"]
    star = ["*" + shown(given.vararg)] if given.vararg else ["*"] * bool(given.kwonlyargs)
    last = ["**" + shown(given.kwarg)] if given.kwarg else []
    slash = ["/"] * bool(before)
    return [*before, *slash, *middle, *star, *map(shown, given.kwonlyargs), *last]


def signature(name: str, function: Callable[..., Any]) -> str:
    parts = arguments(function)
    line = f"{name}({', '.join(parts)})"
    if len(line) > WIDTH:
        line = "\n".join([f"{name}(", *(f"    {part}," for part in parts), ")"])
    return f"```text\n{line}\n```\n"


def annotation(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return ast.unparse(node)


def refuse_undocumented(name: str, known: Mapping[str, str], rows: Rows) -> None:
    """What the docstring leaves out, and what is not there, would make the page lie."""
    decorated = {"cls", "function", "method"}  # what a decorator stands on
    told = {each for each in rows if not each.startswith("*")}
    if (set(known) ^ told) - decorated:
        raise SystemExit(f"{name}: the docstring's Args are {sorted(told)}, not {sorted(known)}")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
