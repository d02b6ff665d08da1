"""Dotted keys: a setting of an object within others, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from potbench.schemas.arguments import Argument, arguments_of
from potbench.schemas.types import ANY, ARGUMENTS, CLASS, Schema, Schemas, any_of

SAID = ("description", "default")


def dotted(schemas: Schemas, arguments: Iterable[Argument]) -> dict[str, Schema]:
    """Return dotted key → schema, of all settings of all objects that can be within some arguments.

    Keys are written out, and as short as parsers take them.

    Args:
        schemas: of the types.
        arguments: whose own names are keys as well.
    """
    found: dict[str, list[Schema]] = {}
    for argument in arguments:
        for key, schema in _keys(schemas, argument, ()):
            found.setdefault(key, []).append(schema)
            found.setdefault(key.replace(f".{ARGUMENTS}.", "."), []).append(schema)
    return {key: _one_of(several) for key, several in found.items()}


def _keys(schemas: Schemas, argument: Argument, above: tuple[type[Any], ...]) -> Iterator[tuple[str, Schema]]:
    """Yield the key of an argument and those within it, where the objects above it do not occur again."""
    key = argument.name
    parts = get_args(argument.hint) if get_origin(argument.hint) in {Union, UnionType} else (argument.hint,)
    yield key, schemas.described(argument)
    if any(get_origin(part) is list for part in parts):
        yield f"{key}+", ANY  # appends to the list of an earlier config
    for base, left_out in filter(None, (schemas.made(part) for part in parts if part is not NoneType)):
        if base in above:
            continue  # a split of a split of a split
        yield f"{key}.{CLASS}", {"type": "string"}
        yield f"{key}.{ARGUMENTS}", {"type": "object"}
        for _, kind in schemas.subclasses(base):
            for one in arguments_of(kind, left_out)[0]:
                inner = Argument(f"{key}.{ARGUMENTS}.{one.name}", one.hint, one.description, one.default)
                yield from _keys(schemas, inner, (*above, base))


def _one_of(several: list[Schema]) -> Schema:
    """Return the schema of a setting that several classes have."""
    said = {each.get("description", "") for each in several}
    if len(said) == 1:
        return (
            several[0] if all(each == several[0] for each in several) else _bare(several) | {"description": said.pop()}
        )
    return _bare(several)


def _bare(several: list[Schema]) -> Schema:
    return any_of([{name: part for name, part in each.items() if name not in SAID} for each in several])
