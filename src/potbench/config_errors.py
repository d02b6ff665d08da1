"""What is wrong in a configuration: the key, and the nearest known one."""

from __future__ import annotations

import re
from difflib import get_close_matches

UNKNOWN_KEY = re.compile(
    r"[Oo]ption '(?P<option>[^']+)' is not accepted"
    r"|does not accept option '(?P<key>[^']+)'"
    r"|[Uu]nrecognized arguments: --(?P<argument>[\w.]+)"
)


def explain(message: str, known: list[str]) -> str:
    """Say which key is unknown and which known one is nearest; other messages stay as they are.

    Args:
        message: the error as jsonargparse words it.
        known: keys that would have been accepted there.
    """
    found = UNKNOWN_KEY.search(message)
    if found is None:
        return message
    key = next(group for group in found.groups() if group)
    near = get_close_matches(key, known, n=1) or get_close_matches(key.split(".")[0], known, n=1)
    return f"unknown key {key!r}. " + (f"Did you mean {near[0]}?" if near else "--help lists all keys.")
