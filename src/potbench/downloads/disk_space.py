"""Room on the disk: asked for before large files are written, and said in words when it runs out."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.filesize import decimal

from potbench.errors import DataFileError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""What a full disk, a full quota and a limit on the size of files raise."""
ELSEWHERE = "Free some room, or give a folder on another disk by --root or POTBENCH_DATA."


def require_room(folder: Path, num_bytes: int, name: str) -> None:
    """Raise DataFileError unless the disk of a folder has room for a file of this name and size."""
    free = shutil.disk_usage(folder).free
    if num_bytes > free:
        raise DataFileError(
            f"{name} needs {decimal(num_bytes)} in {folder}, whose disk has {decimal(free)} left. {ELSEWHERE}"
        )


@contextmanager
def full_disk_in_words(folder: Path) -> Iterator[None]:
    """Turn what a full disk raises while something is written below a folder into a DataFileError."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise DataFileError(
            f"Nothing more can be written to {folder} ({error.strerror}). Expected room for the dataset. {ELSEWHERE} "
            "Then give the command again: it goes on from here."
        ) from error
