"""Divide extended XYZ into frames, whose lines and columns are counted before anything is made of them."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TextIO

from potbench.readers.xyz_comment import require_single_names
from potbench.readers.xyz_elements import require_elements

OPENED_BY = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
MOST_ATOMS = 1_000_000
"""No molecule has more."""
LONGEST_LINE = 2**20
BY_ASE = re.compile(r"(?:^|\s)Properties\s*=")
"""As ASE knows it."""
FORCES = "forces"
NUMBERS = {"R", "I"}
"""Kinds of columns that are numbers."""
PROPERTIES = re.compile(r'Properties\s*=\s*"?([^"\s]+)', re.IGNORECASE)


class Readable(Protocol):
    """Text that is read line by line."""

    def readline(self, limit: int, /) -> str:
        """Read a line with its end, and no more characters than a limit; empty at the end."""


def is_xyz(file: Path) -> bool:
    """Return whether a file is one of XYZ, compressed or not, by its name or because it begins with a whole number."""
    names = [suffix for suffix in file.suffixes[-2:] if suffix not in OPENED_BY]
    if names[-1:] in ([".xyz"], [".extxyz"]):
        return True
    try:
        with open_text(file) as text:
            return text.readline(100).strip().isdecimal()
    except (OSError, EOFError, ValueError, lzma.LZMAError):
        return False


def open_text(file: Path) -> TextIO:
    """Open a file of text in UTF-8, with or without a mark at its beginning, compressed or not."""
    opened: TextIO = OPENED_BY.get(file.suffix, open)(file, "rt", encoding="utf-8-sig")  # type: ignore[operator]
    return opened


def frames(text: Readable) -> Iterator[str]:
    """Yield the lines of each frame, that of the number of atoms and the comment included.

    Raises:
        ValueError: a line with the number of atoms is missing or wrong, a line has too few or too many columns, forces
            are no numbers, elements contradict each other, or the comment gives a name two values.
    """
    while head := _line(text):
        if not head.strip():  # between frames, or at the end
            continue
        if head.lstrip()[:3].upper() == "VEC":
            raise ValueError("it is periodic, by its VEC lines")
        if not head.strip().isdecimal() or not 0 < int(head) <= MOST_ATOMS:
            raise ValueError(f"expected the number of atoms alone, up to {MOST_ATOMS:,}, not {head.strip()[:60]!r}")
        comment = _line(text)
        require_single_names(comment)
        stated = PROPERTIES.search(comment)
        fields = stated[1].split(":") if stated else []
        for name, kind in zip(fields[::3], fields[1::3], strict=False):
            # ASE makes numbers of them, whatever they are
            if name == FORCES and kind not in NUMBERS:
                raise ValueError(f"{name} are columns of kind {kind}, expected R, real numbers")
        num_columns = sum(map(int, fields[2::3])) if stated else None
        atoms: list[str] = []
        for _ in range(int(head)):
            atom = _line(text)
            found = len(atom.split())
            # without Properties, the first atom decides
            num_columns = num_columns or max(found, 4)
            if found != num_columns:
                state = f"line {atom.strip()[:60]!r} has {found} columns, expected {num_columns}"
                raise ValueError(state if atom else f"it ends after {len(atoms)} of {int(head)} atoms")
            atoms.append(atom)
        require_elements(fields, atoms)
        yield "".join([head, comment if BY_ASE.search(comment) else _named(atoms) + comment, *atoms])


def _named(atoms: list[str]) -> str:
    """Return a name for columns behind the positions where the file gives none; ASE would drop them."""
    further = [atom.split()[4:] for atom in atoms]
    if not further[0]:
        return ""
    last = 4 + len(further[0])
    name = "column_5" if last == 5 else f"columns_5-{last}"
    kind = "R" if all(_is_number(word) for words in further for word in words) else "S"
    return f"Properties=species:S:1:pos:R:3:{name}:{kind}:{last - 4} "


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _line(text: Readable) -> str:
    line = text.readline(LONGEST_LINE)
    if len(line) == LONGEST_LINE:
        raise ValueError(f"a line has more than {LONGEST_LINE:,} characters")
    return line
