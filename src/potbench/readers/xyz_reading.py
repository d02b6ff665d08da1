"""Read extended XYZ: frames that are written alike all at once, anything else frame by frame with ASE."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from itertools import islice
from pathlib import Path

from potbench.readers.checks import require_molecule
from potbench.readers.frame import ReadFrame
from potbench.readers.xyz_alike import Alike, Kind, Written
from potbench.readers.xyz_comment import plain_pairs
from potbench.readers.xyz_frames import MOST_ATOMS, PROPERTIES, Readable, frames, open_text
from potbench.readers.xyz_lines import Lines, Unreadable

LONGEST_NUMBER = 20
"""Characters of a line with the number of atoms."""


def read_xyz(file: Path) -> Iterator[ReadFrame]:
    """Yield the frames of a file of extended XYZ, the same as ASE reads, to the last digit.

    Raises:
        DataFileError: a structure is periodic.
        Exception: whatever a damaged file makes a library raise.
    """
    number = 0
    try:
        with open_text(file) as stream:
            for frame in _Reading(file, Lines(stream)).frames():
                yield frame
                number += 1
    except Unreadable:
        # line by line, it shows in which frame
        with open_text(file) as stream:
            yield from islice(iter(_Reading(file, stream).next_by_ase, None), number, None)


class _Reading:
    """A file that is read.

    Args:
        file: for messages.
        text: its lines.
    """

    def __init__(self, file: Path, text: Readable) -> None:
        self.file = file
        self.text = text
        self.number = 0  # of the next frame
        self.kinds: dict[Kind, Alike | None] = {}  # those that are None have to be read by ASE

    def frames(self) -> Iterator[ReadFrame]:
        """Yield the frames."""
        assert isinstance(self.text, Lines)
        while True:
            kind, group = self._next_alike(self.text)
            if kind is not None and kind not in self.kinds:
                # ASE shows with the first of its kind what becomes of the others
                first = self.next_by_ase()
                assert first is not None
                self.kinds[kind] = Alike.like(first, kind, group[0])
                yield first
                group = group[1:]
            alike = None if kind is None else self.kinds[kind]
            read = None if alike is None or not group else alike.read(group)
            if read is not None:
                self.text.next += sum(2 + len(written.atoms) for written in group)
                self.number += len(group)
                yield from read
                continue
            for _ in range(len(group) if kind else 1):
                frame = self.next_by_ase()
                if frame is None:
                    return
                yield frame

    def next_by_ase(self) -> ReadFrame | None:
        """Return the next frame, whatever it is like; None at the end."""
        from ase.io.extxyz import read_xyz as by_ase

        frame = next(frames(self.text), None)
        if frame is None:
            return None
        (image,) = by_ase(StringIO(frame), 0)
        require_molecule(image, f"{self.file}, frame {self.number}")
        self.number += 1
        return ReadFrame.of_image(image)

    def _next_alike(self, text: Lines) -> tuple[Kind | None, list[Written]]:
        """Return the next frames that are written alike, as many as are at hand; None where ASE has to read one."""
        kind, group = _alike(text.at_hand, text.next)
        if not group and not _is_whole(text.at_hand, text.next):
            text.fill()
            kind, group = _alike(text.at_hand, text.next)
        return kind, group


def _alike(lines: list[str], start: int) -> tuple[Kind | None, list[Written]]:
    group: list[Written] = []
    kind = None
    while written := _written(lines, start):
        of_this = Kind.of(written)
        if kind not in {None, of_this}:
            break
        kind = of_this
        group.append(written)
        start += 2 + len(written.atoms)
    return kind, group


def _written(lines: list[str], start: int) -> Written | None:
    """Return a frame; None where it is not whole, or is not made of plain names and values."""
    num_atoms = _num_atoms(lines[start]) if start < len(lines) else None
    if not num_atoms or not _is_whole(lines, start):
        return None
    comment, end = lines[start + 1], start + 2 + num_atoms
    pairs = plain_pairs(comment)
    stated = PROPERTIES.search(comment)
    if pairs is None or stated is None or pairs.get("Properties", "").strip('"') != stated[1]:
        return None
    return Written(pairs, lines[start + 2 : end])


def _is_whole(lines: list[str], start: int) -> bool:
    """Return whether all lines of a frame are there; of one that has no number of atoms, its first one."""
    return start < len(lines) and start + 2 + (_num_atoms(lines[start]) or -1) <= len(lines)


def _num_atoms(head: str) -> int | None:
    if len(head) > LONGEST_NUMBER or not head.strip().isdecimal() or not 0 < int(head) <= MOST_ATOMS:
        return None
    return int(head)
