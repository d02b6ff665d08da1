"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Give a path to write to, which gets the name of the target at the end of the with block.

    The path is beside the target, so that the renaming is atomic, and its bytes are on the disk before it. Where the
    block raises, the target is left as it was; of a killed process, a file ending in .partial is left.

    Args:
        target: where the file shall be; its folder is made.

    Raises:
        OSError: nothing can be written there, or the disk is full.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # a name of its own: another process may be writing the same file
    partial = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.replace(target)
    except OSError as error:
        if error.filename in {str(partial), partial}:
            error.filename = str(target)  # the name that the user knows
        raise
    finally:
        partial.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Write a text file, in UTF-8; see `whole_file`."""
    with whole_file(target) as partial:
        partial.write_text(text, encoding="utf-8")
