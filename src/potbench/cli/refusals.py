"""The door at which errors become messages: what a user reads is decided by the type of the error, and here alone."""

from __future__ import annotations

import errno
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from potbench.errors import MissingDataError, PotbenchError, SettingError

if TYPE_CHECKING:
    from potbench.cli.places import Places

SYSTEM = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "room on the disk"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "a place that you may read and write"),
    **dict.fromkeys((errno.EEXIST, errno.ENOTDIR), "a folder, or room for one"),
    errno.EISDIR: "a file",
    errno.ENOENT: "a path that is there, or can be made",
    errno.ELOOP: "a path whose links do not lead back to themselves",
}
LIBRARIES = (
    ("lightning.fabric.utilities.exceptions", "MisconfigurationException"),
    ("jsonargparse", "ArgumentError"),
    ("wandb.errors", "Error"),
)
"""Module and class of errors by which libraries refuse settings; none is imported to find out."""
NO_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")
OTHER_WEIGHTS = "Error(s) in loading state_dict"


class CompleteError(PotbenchError):
    """A message that is complete: it says which flag or key to change."""


@contextmanager
def refusals(places: Callable[[], Places]) -> Iterator[None]:
    """Turn errors that have a message into a CompleteError; let all others pass.

    Args:
        places: asked for the settings of the command that runs.
    """
    try:
        yield
    except Exception as error:
        message = message_of(error, places())
        if message is None or isinstance(error, CompleteError):
            raise
        raise CompleteError(message) from error


def message_of(error: BaseException, places: Places | None = None) -> str | None:
    """Return what to say of an error; None of a defect, which deserves its traceback.

    Args:
        error: what was raised.
        places: the settings of the command that runs.
    """
    for cause in _causes(error):  # jsonargparse wraps what the constructor of a class raises
        if isinstance(cause, PotbenchError):
            return _potbench(cause, places)
        if isinstance(cause, ImportError) and not str(cause.name).startswith("potbench"):
            return (
                f"{_first_line(cause)}. Expected a package that is installed. Install it, or change what asks for it."
            )
    if _is_out_of_memory(error):
        sizes = places.named("batch_size") if places else []
        change = f"Lower {' and '.join(sizes)}" if sizes else "Take smaller batches, or fewer structures at once"
        return f"There is not enough memory ({_first_line(error)}). Expected room for a batch. {change}."
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):  # main ends quietly at that
        return _system(error, places)
    if isinstance(error, UnpicklingError | BadZipFile | EOFError):
        # libraries advise to load the file by force, which may run what is in it
        return (
            f"A file is damaged, or is not what its name says ({type(error).__name__}). Expected a file as it was "
            "written. Delete it, or restore it."
        )
    if isinstance(error, RuntimeError) and OTHER_WEIGHTS in str(error):
        why = f"{str(error).splitlines()[1].strip()[:120]} …"
        return (
            f"The checkpoint holds the weights of another potential ({why}). Expected the potential it was trained "
            "with. Leave the settings of model as they were, or choose another checkpoint."
        )
    is_library = any(isinstance(error, getattr(sys.modules.get(module), name, ())) for module, name in LIBRARIES)
    # Lightning says of some settings by a plain error that they do not go together
    is_plain = type(error) in {ValueError, RuntimeError}
    place = places.of_message(str(error)) if places and (is_library or is_plain) else None
    if is_library or place:
        said = " ".join(str(error).split()).rstrip(".?!")
        return f"{said}. Expected settings that go together. Change {place or 'them'}."
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what caused it, and so on; a library can make an error its own cause."""
    found: list[BaseException | None] = [error]
    for cause in found:
        if cause is not None:
            yield cause
            found += [each for each in (cause.__cause__, cause.__context__) if each not in found]


def _potbench(error: PotbenchError, places: Places | None) -> str:
    if not isinstance(error, SettingError):
        return _one_line(error)
    place = places.of(error) if places else None
    if isinstance(error, MissingDataError) and error.name:
        options = [f"--{name} {shlex.quote(str(value))}" for name, value in error.options.items()]
        command = " ".join(["python -m potbench data prepare", error.name, *options])
        place = place or f"the argument {error.setting} of {getattr(error.owner, '__name__', error.owner)}"
        return (
            f"{error.problem}. Expected {error.expected}. Run `{command}`, or change {place} to the folder that holds "
            "it."
        )
    return error.text(place) if place else str(error)


def _system(error: OSError, places: Places | None) -> str:
    if error.errno is None:
        return _one_line(error)
    expected = SYSTEM.get(error.errno, "a path that can be used")
    if error.filename is None:  # as of what is written to a file that is open
        written = places.named("output", "run_dir", "root") if places else []
        return f"{error.strerror}. Expected {expected}. Change {written[0] if written else 'where it is written'}."
    path = str(error.filename)
    place = places.of_path(path) if places else None
    return f"{path} cannot be used: {error.strerror}. Expected {expected}. Change {place or 'the path'}."


def _is_out_of_memory(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in said for sign in NO_MEMORY)
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
