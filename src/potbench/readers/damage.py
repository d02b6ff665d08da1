"""Turn whatever a library raises for a damaged file into a message that names the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from potbench.errors import DataFileError, PotbenchError

REMEDIES = {
    "UnknownFileTypeError": "ASE knows no such files, or it is damaged. Expected one as extended XYZ, .traj or .db.",
    "UnicodeDecodeError": "Expected text in UTF-8; save it as such.",
}
"""Error → what to do, where the file is as whole as its author left it."""
DAMAGED = "It is truncated, damaged or another kind of file; fetch it again."


@contextmanager
def damage_named(file: Path, kind: str, where: Callable[[], str] = str) -> Iterator[None]:
    """Raise DataFileError in place of any error that is not a mistake of our own.

    Libraries raise whatever a damaged byte makes them raise, AssertionError and MemoryError included.

    Args:
        file: the file that is read within the block.
        kind: what it should be.
        where: asked for the place in the file, such as " from frame 3 on".

    Raises:
        DataFileError: the file cannot be read.
    """
    try:
        yield
    except (PotbenchError, NameError, ImportError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        wrong = f"{type(error).__name__}{': ' if said else ''}{said}"
        raise DataFileError(unreadable(file, f"{kind}{where()}", wrong)) from error


def unreadable(file: Path, kind: str, wrong: str) -> str:
    """Return what is wrong with a file, and what to do.

    Args:
        file: the file.
        kind: what it should be.
        wrong: name of the error, and what it says.
    """
    return f"{file} cannot be read as {kind} ({wrong}). {REMEDIES.get(wrong.partition(':')[0], DAMAGED)}"
