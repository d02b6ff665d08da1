"""Frozen dataclasses as JSON, and back, with every type checked."""

from __future__ import annotations

import json
import math
import re
import reprlib
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Kind = TypeVar("Kind")


def to_json(value: object) -> str:
    """Return a dataclass as JSON; numbers that are not finite become null."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_plain(kind: type[Kind], plain: dict[str, Any]) -> Kind:
    """Build a dataclass of what JSON holds.

    Args:
        kind: the dataclass.
        plain: as json.loads returns it.

    Raises:
        ValueError: something is missing or has the wrong type; the message names it.
    """
    from pydantic import ValidationError

    try:
        # from JSON: of dictionaries, strict checks refuse lists for tuples and texts for keys that are integers
        built: Kind = _adapter(kind).validate_json(json.dumps(plain), strict=True)  # type: ignore[arg-type]
    except ValidationError as error:
        # where several types are allowed, that which fits farthest is meant; pydantic names it in the place
        first = max(error.errors(), key=lambda each: len(each["loc"]))
        place = ".".join(str(part) for part in first["loc"] if not re.match(r"\w+\[", str(part))) or "it"
        expected = first["msg"].removeprefix("Input should be ")
        wrong = (
            "is missing" if first["type"] == "missing" else f"is {reprlib.repr(first['input'])}, expected {expected}"
        )
        raise ValueError(f"{place} {wrong}") from error
    return built


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _plain(value: object) -> object:
    """Return what JSON can hold: dataclasses and named tuples by their names, null for NaN and infinity."""
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
