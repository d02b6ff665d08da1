"""Lines of a text, many at hand at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

PART = 2**22
"""Characters that are read at a time."""


class Unreadable(Exception):  # noqa: N818 — the error itself comes where the text is read again
    """Further text cannot be read."""


class Lines:
    """Lines of a text: those at hand are looked at together, and any text is read line by line.

    Args:
        stream: the text.

    Attributes:
        at_hand: whole lines, without their ends.
        next: index of the first that was not read yet.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._rest = ""
        self.at_hand: list[str] = []
        self.next = 0

    def fill(self) -> None:
        """Get further lines, and drop those that were read.

        Raises:
            Unreadable: the text is damaged.
        """
        *lines, self._rest = (self._rest + _read(self._stream.read, PART)).split("\n")
        self.at_hand = self.at_hand[self.next :] + lines
        self.next = 0

    def readline(self, limit: int) -> str:
        """Read a line like a stream: with its end, and no more characters than a limit; empty at the end.

        Raises:
            Unreadable: the text is damaged.
        """
        if self.next < len(self.at_hand):
            self.next += 1
            return f"{self.at_hand[self.next - 1]}\n"[:limit]
        line, self._rest = self._rest[:limit], self._rest[limit:]
        return line + _read(self._stream.readline, limit - len(line))


def _read(read: Callable[[int], str], most: int) -> str:
    try:
        return read(most)
    except Exception as error:  # of the library that decompresses, or that decodes
        raise Unreadable from error
