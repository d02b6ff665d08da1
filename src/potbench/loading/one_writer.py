"""One process at a time that writes a file or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def one_writer(target: Path) -> Iterator[None]:
    """Let one process at a time write a target, also of several machines that share a file system.

    Those that waited look whether the target is there by now. On a file system that locks nothing, none of them waits:
    the target must appear by one rename.

    Args:
        target: file or folder; its folder is made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(target.with_name(f"{target.name}.lock"))
    with suppress(NotImplementedError, OSError):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            print(f"Another process writes {target}; waiting for it.", flush=True)
            lock.acquire()
    try:
        yield
    finally:
        # those that wait for this very file find the target
        with suppress(OSError):
            Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
