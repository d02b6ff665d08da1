"""Check the space on a disk before large files are written, and explain a full disk in words."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.filesize import decimal

from potbench.errors import DataFileError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of a full disk, a full quota and a limit on the size of files."""
ELSEWHERE = "Free some space, or keep datasets on another disk: POTBENCH_DATA names their folder."


def require_room(folder: Path, num_bytes: int, name: str) -> None:
    """Raise DataFileError unless a file of this name and size fits on the disk of a folder."""
    free = shutil.disk_usage(folder).free
    if num_bytes > free:
        raise DataFileError(
            f"{name} needs {decimal(num_bytes)} in {folder}, whose disk has {decimal(free)} left. {ELSEWHERE}"
        )


@contextmanager
def full_disk_in_words(folder: Path) -> Iterator[None]:
    """Raise DataFileError in place of the OSError of a disk that fills up while files are written to a folder."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DataFileError(
            f"Nothing more can be written to {folder} ({error.strerror}). Expected space for the dataset. {ELSEWHERE} "
            "The same command then resumes from here."
        ) from error
