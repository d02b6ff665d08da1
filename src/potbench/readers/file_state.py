"""What tells a file from others without reading it."""

from __future__ import annotations

from pathlib import Path

FileState = tuple[int, int, int, int]
"""Size, times of change of its bytes and of its entry in the file system, in nanoseconds since 1970, and inode."""


def state_of(file: Path) -> FileState | None:
    """Return the state of a file, which whoever replaces it cannot set all of; None where there is no file."""
    if not file.is_file():
        return None
    status = file.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino
