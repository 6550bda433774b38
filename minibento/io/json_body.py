"""Values with a hint as JSON, by pydantic on the bytes; knows no services.

A pydantic model's own configuration decides on extras and coercion. Types that have none
(dataclasses, TypedDicts, plain types) are strict and forbid extras, at any depth.
"""

import dataclasses
import typing
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import PydanticSerializationError, from_json
from typing_extensions import is_typeddict

from minibento.io import free_json
from minibento.io.base import Decode, Encode, Refused
from minibento.io.flaws import refusal, refuse_keys, unlike_hint
from minibento.io.strict_json import NOTHING_KNOWN, check, malformed

__all__ = ["JSON", "JsonBody", "json_value"]

JSON = "application/json"
_STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
# Under another name, or mypy takes a NewType of a run-time hint for a declaration.
_new_type: Any = typing.NewType
_FREE = (Any, object, dict, list, tuple, set, dict[str, Any], dict[str, object], list[Any])


# Bytes from which on a body is first looked at for its keys alone.
_LARGE = 256 * 1024


class JsonBody:
    """A codec for one hint: decode and encode are chosen here, once."""

    media_type = JSON

    def __init__(self, hint: Any) -> None:
        self.adapter: TypeAdapter[Any] = _adapter(hint)
        self.decoders: dict[str, Decode] = {JSON: self.decode}
        self._validate = self.adapter.validator.validate_json
        self._to_json = self.adapter.serializer.to_json
        self._keys = _key_counter(hint)
        self._wrong_keys = None if _has_union(self.adapter) else self.adapter.validate_python
        self._model = hint if isinstance(hint, type) and issubclass(hint, BaseModel) else None
        self.encode: Encode = free_json.encode if hint in _FREE else self._typed
        self.others: Mapping[str, Encode] = {}
        self.described: Mapping[str, dict[str, Any]] = {}

    def decode(self, body: bytes) -> Any:
        """The value of a body.

        Raises:
            Refused: no JSON (400), or not of the form the hint says (422, with each flaw).
        """
        if len(body) > _LARGE and self._wrong_keys is not None:
            self._refuse_wrong_keys(body)
        try:
            value = self._validate(body)
        except ValidationError as error:
            raise self._refusal(error, body) from None
        check(body, self._keys(value))
        return value

    def _refuse_wrong_keys(self, body: bytes) -> None:
        """Refuse a large body whose keys are wrong, before it is read for good.

        Reading JSON, pydantic makes a copy of the whole enclosing object for each missing field:
        13 of them and 8 MB of body were 1.7 GB. Reading objects it refers to them. Which keys are
        there does not depend on how values are read; the values are judged afterwards.
        """
        try:
            value = from_json(body)
        except ValueError:
            return
        assert self._wrong_keys is not None
        try:
            self._wrong_keys(value)
        except ValidationError as error:
            refuse_keys(error)

    def _refusal(self, error: ValidationError, body: bytes) -> Refused:
        found = refusal(error, body)
        if found.status == 422:
            check(body, NOTHING_KNOWN)  # a NaN is no JSON, whatever the hint makes of it
        return found

    def _typed(self, value: Any) -> bytes:
        """The body of an answer; a value that nearly fits its hint is converted."""
        if type(value) is self._model:
            body = self._to_json(value)  # it checked its fields when it was made
        else:
            body, value = self._checked(value)
        free_json.refuse_non_finite(body, value)
        return body

    def _checked(self, value: Any) -> tuple[bytes, Any]:
        """The body of a value that fits in pydantic's lax mode, which is what was written."""
        try:
            fitting = self.adapter.validate_python(value, strict=False)
            return self._to_json(fitting, warnings="error"), fitting
        except (ValidationError, PydanticSerializationError):
            pass  # numpy numbers inside a dataclass, an array for a list: plain in JSON
        try:
            fitting = self._validate(free_json.encode(value), strict=False)
        except ValidationError as error:
            raise unlike_hint(error) from error
        return self._to_json(fitting), fitting


def json_value(body: bytes) -> Any:
    """A body without a hint: whatever JSON it is.

    Raises:
        Refused: 400, it is none.
    """
    try:
        value = from_json(body)
    except ValueError as error:
        raise malformed(body, str(error)) from None
    check(body, len(value) if type(value) is dict else 0)
    return value


def _adapter(hint: Any) -> TypeAdapter[Any]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return TypeAdapter(hint)
    if hasattr(hint, "__pydantic_config__"):
        return TypeAdapter(hint)
    # pydantic takes no configuration for a dataclass at the top, but hands it down to one below.
    body: Any = _new_type("body", hint)
    return TypeAdapter(body, config=_STRICT)


def _key_counter(hint: Any) -> Callable[[Any], int]:
    """What counts the different JSON keys that a value was made of, or fewer."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        if _sets_fields(hint):
            return lambda _: NOTHING_KNOWN
        return lambda value: len(value.__pydantic_fields_set__)
    if get_origin(hint) is list and get_args(hint):
        count = _key_counter(get_args(hint)[0])
        return lambda value: sum(map(count, value))
    if dataclasses.is_dataclass(hint):
        every = dataclasses.fields(hint)
        # Of a field with a default one cannot tell whether it came.
        required = all(
            field.default is field.default_factory is dataclasses.MISSING for field in every
        )
        count_of_all = len(every) if required else 0
        return lambda _: count_of_all
    if is_typeddict(hint) or get_origin(hint) is dict:
        return len
    return lambda value: len(value) if type(value) is dict else 0


def _has_union(adapter: TypeAdapter[Any]) -> bool:
    """Whether there is a union of objects: a key that one of them misses may suit another."""

    def found(schema: Any) -> bool:
        if isinstance(schema, list):
            return any(map(found, schema))
        if not isinstance(schema, dict):
            return False
        options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
        return any("$ref" in one or one.get("type") == "object" for one in options) or any(
            map(found, schema.values())
        )

    try:
        return found(adapter.json_schema())
    except PydanticInvalidForJsonSchema:
        return True


def _sets_fields(model: type[BaseModel]) -> bool:
    """Whether fields may be set that have no key of their own in the body: by code, by a path."""
    return bool(
        model.__pydantic_decorators__.model_validators
        or model.__pydantic_post_init__
        or model.__pydantic_custom_init__
        or any(
            not isinstance(field.validation_alias, str | None)
            for field in model.__pydantic_fields__.values()
        )
    )
