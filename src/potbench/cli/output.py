"""What is printed must not stop what is done: terminals that lack a character, readers that leave early."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

LARGEST_TEXT = 2**20
"""Bytes printed at once."""


class PatientOutput(io.BufferedWriter):
    """Bytes that are printed, and go nowhere from when whoever read them has left, as `head` does."""

    @override
    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            super().flush()

    @override
    def write(self, data: ReadableBuffer, /) -> int:
        self.flush()  # so that there is room for all of it
        return super().write(data)


def go_on_without_reader() -> None:
    """Let this process go on when whoever reads what it prints leaves."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        # tests and notebooks have streams of their own
        if stream is getattr(sys, f"__{name}__") and isinstance(stream, io.TextIOWrapper):
            stream.flush()
            raw = io.FileIO(stream.fileno(), "w", closefd=False)
            buffer = PatientOutput(raw, LARGEST_TEXT)
            setattr(
                sys, name, io.TextIOWrapper(buffer, encoding=stream.encoding, errors=stream.errors, line_buffering=True)
            )


def show_what_can_be_shown() -> None:
    """Let standard output and errors replace characters that they cannot show, such as Å, in place of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and not stream.encoding.lower().startswith("utf"):
            stream.reconfigure(errors="replace")
