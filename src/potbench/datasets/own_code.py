"""What the frames of a dataset class outside potbench follow from: its source."""

from __future__ import annotations

import hashlib
import inspect
import sys
from contextlib import suppress
from pathlib import Path


def own_code(kind: type) -> str:
    """Return a class and the sha256 of its modules, also of those that it derives from; empty for potbench's own.

    Files are read as they are now: ask when the class is defined, since they may be edited while it is used.

    Args:
        kind: the class.
    """
    known = {"potbench", *sys.stdlib_module_names}
    own = [each for each in kind.__mro__ if each.__module__.partition(".")[0] not in known]
    sources = b"".join(map(_source, own))
    return f"{kind.__qualname__} {hashlib.sha256(sources).hexdigest()[:12]}" if own else ""


def _source(kind: type) -> bytes:
    with suppress(OSError, TypeError):
        return Path(inspect.getfile(kind)).read_bytes()
    with suppress(OSError, TypeError, AttributeError):
        return inspect.getsource(kind.read).encode()  # type: ignore[attr-defined]  # typed into a notebook
    return b""
