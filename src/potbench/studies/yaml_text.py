"""YAML that people write: study files and search files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import yaml
from typing_extensions import override

from potbench.errors import PotbenchError, did_you_mean


class WrittenFileError(PotbenchError, ValueError):
    """A file that people write, of a study or a search, cannot be used.

    Args:
        file: the one.
        problem: what is wrong with which key, and what was expected: sentences.
    """

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{problem} Change it in {file}.")


class KeyTwiceError(yaml.YAMLError):
    """A key stands twice in a mapping."""


class PeopleLoader(yaml.SafeLoader):
    """YAML of which no key stands twice, and in which 1e-3 is a number, as in configs."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = [key for number, key in enumerate(keys) if key in keys[:number]]
        if twice:
            line = node.start_mark.line + 1
            raise KeyTwiceError(f"{twice[0]} stands twice in what begins in line {line}")
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


PeopleLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def plain_yaml(text: str) -> object:
    """Return what YAML says, as JSON would hold it.

    Raises:
        ValueError: it is no YAML, or holds what JSON cannot, such as keys that are no texts; the message says where.
    """
    try:
        found = yaml.load(text, PeopleLoader)
        plain: object = json.loads(json.dumps(found, default=str))
        _require_texts(found)
        return plain
    except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def _require_texts(value: object, place: str = "") -> None:
    """Raise ValueError where a key is no text: JSON would make another name of it, such as false of no."""
    for key, part in value.items() if isinstance(value, dict) else ():
        if not isinstance(key, str):
            raise ValueError(f"the key {key!r}{place and f' of {place}'} is no text; no, on or 1 stands between quotes")
        _require_texts(part, f"{place}.{key}".lstrip("."))
    for part in value if isinstance(value, list) else ():
        _require_texts(part, place)


def unknown_keys(kind: type[Any], plain: object, place: str = "") -> Iterator[str]:
    """Say of each key that a dataclass does not have what it may be meant to be.

    Args:
        kind: the dataclass.
        plain: what was read for it.
        place: its own key, with a dot behind it.
    """
    if not isinstance(plain, dict):
        return  # the wrong type, which is refused as such
    hints = get_type_hints(kind)
    for key, value in plain.items():
        if key not in hints:
            near = did_you_mean(key, hints)
            yield f"There is no key {place}{key}.{near} Expected one of {', '.join(hints)}."
            continue
        hint = hints[key]
        parts = [part for part in get_args(hint) if part is not NoneType] or [hint]
        if is_dataclass(parts[-1]) and isinstance(value, dict):
            named = value.items() if parts[0] is str else [("", value)]
            for name, each in named:
                yield from unknown_keys(parts[-1], each, f"{place}{key}.{name}{'.' * bool(name)}")  # type: ignore[arg-type]
