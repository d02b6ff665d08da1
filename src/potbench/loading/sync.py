"""Folders whose files are on the disk before they get their names."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def sync(folder: Path) -> None:
    """Bring the files of a folder to the disk, and their names in it.

    Raises:
        OSError: the disk is full, or failed.
    """
    for file in sorted(folder.iterdir()):
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
    sync_names(folder)


def sync_names(folder: Path) -> None:
    """Bring the names in a folder to the disk, on file systems that can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
