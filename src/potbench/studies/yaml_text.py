"""YAML that people write: study files and search files."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from typing_extensions import override


class PeopleLoader(yaml.SafeLoader):
    """YAML of which no key stands twice, and in which 1e-3 is a number, as in configs."""

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = [key for number, key in enumerate(keys) if key in keys[:number]]
        if twice:
            line = node.start_mark.line + 1
            raise yaml.YAMLError(f"{twice[0]} stands twice in what begins in line {line}")
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


PeopleLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def plain_yaml(text: str) -> object:
    """Return what YAML says, as JSON would hold it.

    Raises:
        ValueError: it is no YAML, or holds what JSON cannot; the message says where.
    """
    try:
        return json.loads(json.dumps(yaml.load(text, PeopleLoader), default=str))
    except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(" ".join(str(error).split())) from error
