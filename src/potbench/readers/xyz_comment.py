"""Comment lines of extended XYZ that are plain names and values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import numpy as np

NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
VALUE = r'"[^"\\]*"|[^\s"\'\\{}\[\]=]+'
PAIR = re.compile(rf"({NAME})=({VALUE})")
PLAIN = re.compile(rf" *(?:{NAME}=(?:{VALUE})(?: +|$))+")
REAL = re.compile(r"-?[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?")
QUOTED = re.compile(
    "|".join(
        [
            r"\\.",
            *(rf"{start}(?:\\.|[^{end}\\])*(?:{end}|$)" for start, end in ('""', "''", (r"\{", "}"), (r"\[", r"\]"))),
        ]
    ),
    re.DOTALL,
)
"""Text in which blanks and signs of equality are characters like any other."""
UNPROCESSED = "uid"
"""Name of a text, whatever it looks like."""


def plain_pairs(comment: str) -> dict[str, str] | None:
    """Return the names and values of a comment line as they are written; None where it is anything else.

    Args:
        comment: the line, without its end.
    """
    if not PLAIN.fullmatch(comment):
        return None
    found = PAIR.findall(comment)
    pairs = dict(found)
    return pairs if len(pairs) == len(found) else None


def require_single_names(comment: str) -> None:
    """Refuse a comment line that gives a name two values, of which ASE takes the last.

    Raises:
        ValueError: there is such a name.
    """
    plain = QUOTED.sub(lambda text: re.sub(r"[\s=]", "_", text[0]), comment)
    names = [word.partition("=")[0] for word in re.sub(r"\s*=\s*", "=", plain).split() if "=" in word]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"the comment states {twice} twice")


def value_of(name: str, written: str) -> Any:
    """Return a value as ASE reads it.

    Args:
        name: its name.
        written: as `plain_pairs` returns it.

    Raises:
        ValueError: ASE refuses it, or reads several.
    """
    if REAL.fullmatch(written) and name.lower() != UNPROCESSED:
        return np.float64(written)
    return _read(name, written)


@lru_cache(maxsize=4096)
def _read(name: str, written: str) -> Any:
    from ase.io.extxyz import key_val_str_to_dict

    ((found, value),) = key_val_str_to_dict(f"{name}={written}").items()
    if found != name:
        raise ValueError(f"{written} is read as {found}")
    return value
