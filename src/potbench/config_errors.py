"""What is wrong in a configuration, in a few lines that name the key and the nearest known one."""

from __future__ import annotations

import importlib
import inspect
import re
from difflib import get_close_matches

UNKNOWN_KEY = re.compile(
    r"Option '(?P<option>[^']+)' is not accepted|Key '(?P<key>[^']+)' is not expected"
    r"|[Uu]nrecognized arguments: --(?P<argument>[\w.]+)|Group '(?P<group>[^']+)' does not accept"
)


def explain(message: str, known: list[str]) -> str:
    """Shorten what jsonargparse says, and suggest the nearest known key.

    Args:
        message: the error as jsonargparse words it.
        known: dotted keys of the parser.
    """
    found = UNKNOWN_KEY.search(message)
    if found is None:
        return message
    key = next(group for group in found.groups() if group)
    owners = re.findall(r"class_path '([\w.]+)'|class_path='([\w.]+)'", message[: found.end() + 200])
    owner = next((path for pair in reversed(owners) for path in pair if path), None)
    names = _arguments(owner) if owner and found["option"] else known
    where = f" of {owner}" if owner and found["option"] else ""
    near = get_close_matches(key, names, n=1, cutoff=0.5) or get_close_matches(key.split(".")[-1], names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(names)[:40])}."
    return f"unknown key {key!r}{where}. {hint}"


def _arguments(class_path: str) -> list[str]:
    module, name = class_path.rsplit(".", 1)
    owner = getattr(importlib.import_module(module), name)
    return [parameter for parameter in inspect.signature(owner).parameters if parameter != "self"]
