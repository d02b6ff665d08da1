"""Reads configurations; of a wrong one it says which key, and the nearest known one."""

from __future__ import annotations

import re
import sys
from difflib import get_close_matches
from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

UNKNOWN_KEY = re.compile(
    r"[Oo]ption '(?P<option>[^']+)' is not accepted"
    r"|does not accept option '(?P<key>[^']+)'"
    r"|[Uu]nrecognized arguments: --(?P<argument>[\w.]+)"
)


MISSING_FILE = re.compile(r"import path format: (?P<file>\S+\.ya?ml)")
MISSING_BLOCKS = "arguments are required"


def explain(message: str, known: list[str]) -> str:
    """Say which key is unknown and which known one is nearest, or which file is missing; the rest stays as it is.

    Args:
        message: the error as jsonargparse words it.
        known: keys that would have been accepted there.
    """
    missing = MISSING_FILE.search(message)
    if missing:
        return f"{missing['file']} does not exist. Expected a config file; change the key that names it."
    if MISSING_BLOCKS in message:
        return f"{message}. Expected --config FILE, such as configs/quickstart.yaml, or --run RUN."
    found = UNKNOWN_KEY.search(message)
    if found is None:
        return message
    key = next(group for group in found.groups() if group)
    near = get_close_matches(key, known, n=1) or get_close_matches(key.split(".")[0], known, n=1)
    return f"unknown key {key!r}. " + (f"Did you mean {near[0]}?" if near else "--help lists all keys.")


class ConfigParser(LightningArgumentParser):
    """Says what is wrong in a config in a line or two."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # an abbreviated key would be guessed at in silence
        super().__init__(*args, allow_abbrev=False, **kwargs)

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the message with the nearest known key, and leave with status 2."""
        nested = [
            parser for action in self._actions if isinstance(action.choices, dict) for parser in action.choices.values()
        ]
        known = [action.dest for parser in [self, *nested] for action in parser._actions]
        print(f"\npotbench: {explain(message, known)}", file=sys.stderr)
        sys.exit(2)
