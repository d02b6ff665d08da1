"""The right of one process to work on a cell, and of the command that it has started."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

PATIENCE = 0.05
"""Seconds for which a claim is repeated: whoever asks whether a lock is held has it for some microseconds."""


class CellLock:
    """The lock of a cell, which ends with the processes that hold it, however they end.

    A command that inherits the open file holds it too: where the process that started it is killed, nobody works on
    the cell before the command has ended.

    Args:
        file: the lock.
    """

    def __init__(self, file: Path) -> None:
        self._lock = FileLock(file, thread_local=False)
        self.file = file

    def claim(self) -> bool:
        """Take the lock; return whether nobody else has it."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=PATIENCE, poll_interval=PATIENCE / 5)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    @property
    def inherited(self) -> tuple[int, ...]:
        """The open file, which a command inherits; none on a file system that locks nothing."""
        opened = self._lock._context.lock_file_fd  # filelock has no public name for it
        return () if opened is None else (opened,)


def is_held(file: Path) -> bool:
    """Return whether a process that lives holds a lock."""
    if not file.is_file():
        return False
    lock = FileLock(file)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    except OSError:  # a study of somebody else, which can only be read
        return False
    lock.release()
    return False
