"""A program that becomes a command which ends with the process that started it, also where that is killed.

    python with_parent.py PARENT COMMAND…

A function between fork and exec would do the same, but must not run in a process of several threads. Imports nothing
that takes time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
"""Of Linux: asks for a signal when the parent of a process ends."""


def with_parent(words: Sequence[str]) -> list[str]:
    """Return a command that is asked to end when this process ends; a training that is asked saves itself.

    Where the system cannot do so, the command stays as it is, and goes on to its end.

    Args:
        words: the command.
    """
    if not sys.platform.startswith("linux"):
        return list(words)
    # isolated and without site: in hundredths of a second
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *words]


def main(parent: int, words: list[str]) -> None:
    """Become the command."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it was killed in the meantime
        sys.exit(128 + signal.SIGTERM)
    os.execvp(words[0], words)  # the signal stays


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
