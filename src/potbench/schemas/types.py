"""Types of Python as JSON Schema; a class is an object that names the class to build and its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from potbench.schemas.arguments import Argument, arguments_of, fields_of, summary

Schema = dict[str, Any]

PLAIN: dict[object, Schema] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    NoneType: {"type": "null"},
    dict: {"type": "object"},
    list: {"type": "array"},
}
ANY: Schema = {}
FILE: Schema = {"type": "string", "description": "A file of YAML, relative to the folder of this one."}
CLASS = "class_path"
ARGUMENTS = "init_args"


class Schemas:
    """Schemas of types, with definitions for what occurs several times.

    Args:
        classes: path → class, of all that are suggested.
        given: base class → how many of its first arguments the program gives.
        apart: base classes whose objects stand for nothing more general: no potential for any module of torch.

    Attributes:
        definitions: name → schema.
    """

    def __init__(
        self, classes: Mapping[str, type[Any]], given: Mapping[type[Any], int], apart: Sequence[type[Any]]
    ) -> None:
        self.classes = classes
        self.given = given
        self.apart = apart
        self.definitions: dict[str, Schema] = {}

    def of(self, hint: Any) -> Schema:
        """Return the schema of a type; of one that has none, that of anything."""
        if hint is Any or hint is object:
            return ANY
        if hint in PLAIN:
            return dict(PLAIN[hint])
        origin, parts = get_origin(hint), get_args(hint)
        if origin in {Union, UnionType}:
            return any_of([self.of(part) for part in parts])
        if origin is Literal:
            return {"enum": list(parts)}
        made = self.made(hint)
        if made:
            return self._of_class(*made)
        if is_dataclass(hint) and isinstance(hint, type):
            return self._of_dataclass(hint)
        if origin is dict or (inspect.isclass(origin) and issubclass(origin, Mapping)):
            return {"type": "object", "additionalProperties": self.of(parts[1])}
        if origin is tuple and parts[-1] is not Ellipsis:
            return {"type": "array", "items": [self.of(part) for part in parts], "minItems": len(parts)}
        if inspect.isclass(origin) and hasattr(origin, "__iter__"):
            return {"type": "array", "items": self.of(parts[0])}
        return {"type": "string"} if inspect.isclass(hint) else ANY  # paths and times

    def described(self, argument: Argument) -> Schema:
        """Return the schema of an argument, with what is said of it, and its default."""
        schema = self.of(argument.hint)
        if "$ref" in schema and argument.description:
            schema = {"anyOf": [schema]}  # beside a reference, editors overlook all else
        if argument.description:
            schema["description"] = argument.description
        if isinstance(argument.default, bool | int | float | str):
            schema["default"] = argument.default
        return schema

    def made(self, hint: Any) -> tuple[type[Any], int] | None:
        """Return the class of the objects that a type stands for, and how many of its arguments the program gives."""
        if get_origin(hint) is Callable and get_args(hint):
            taken, result = get_args(hint)
            made = self.made(result)
            return made and (made[0], 0 if taken is Ellipsis else len(taken))
        if inspect.isclass(hint) and get_origin(hint) is None and any(self.subclasses(hint)):
            return hint, next((number for base, number in self.given.items() if issubclass(hint, base)), 0)
        return None

    def subclasses(self, base: type[Any]) -> Iterator[tuple[str, type[Any]]]:
        """Yield the classes that can stand for another one, with their paths."""
        for path, kind in self.classes.items():
            is_other = any(issubclass(kind, each) and not issubclass(base, each) for each in self.apart)
            if issubclass(kind, base) and not inspect.isabstract(kind) and not is_other:
                yield path, kind

    def _of_class(self, base: type[Any], left_out: int) -> Schema:
        name = f"{base.__name__}{left_out or ''}"
        if name not in self.definitions:
            self.definitions[name] = {}  # it may occur within itself
            known = dict(self.subclasses(base))
            self.definitions[name] = {
                "description": summary(base),
                "anyOf": [
                    *(self._of_known(path, kind, left_out) for path, kind in known.items()),
                    object_of({CLASS: {"type": "string", "not": {"enum": list(known)}}, ARGUMENTS: {"type": "object"}}),
                    {"enum": list(known)},
                    FILE,
                ],
            }
        return {"$ref": f"#/definitions/{name}"}

    def _of_dataclass(self, kind: type[Any]) -> Schema:
        arguments = list(fields_of(kind))
        found = object_of({one.name: self.described(one) for one in arguments})
        needed = [one.name for one in arguments if one.default is inspect.Parameter.empty]
        return {**found, "required": needed, "description": summary(kind)}

    def _of_known(self, path: str, kind: type[Any], left_out: int) -> Schema:
        arguments, takes_others = arguments_of(kind, left_out)
        inside = object_of({one.name: self.described(one) for one in arguments}, takes_others)
        found = object_of({CLASS: {"const": path}, ARGUMENTS: inside})
        return {**found, "required": [CLASS], "description": summary(kind)}


def object_of(properties: Mapping[str, Schema], takes_others: bool = False) -> Schema:
    """Return the schema of an object.

    Args:
        properties: key → schema.
        takes_others: whether it may have other keys.
    """
    return {"type": "object", "properties": dict(properties), "additionalProperties": takes_others}


def any_of(schemas: list[Schema]) -> Schema:
    """Return the schema of what one of some schemas allows."""
    different = [each for number, each in enumerate(schemas) if each not in schemas[:number]]
    if ANY in different:
        return ANY
    return dict(different[0]) if len(different) == 1 else {"anyOf": different}
