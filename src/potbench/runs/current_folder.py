"""The current folder as a place of modules: a file there may be anybody's, and could take the place of a library."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from typing_extensions import override

left_out: list[str] = []
"""What `python -m potbench` takes out of the path of Python: the current folder, which is the first there."""


def import_from_here() -> None:
    """Let modules of the current folder be imported again, as Python does: for what its user names himself."""
    sys.path[:0] = left_out
    left_out.clear()


def import_packages_from_here(packages: Sequence[str]) -> None:
    """Let these packages be imported from the current folder, where they are nowhere else; no other module is.

    Args:
        packages: dotted names.
    """
    if packages:
        sys.meta_path.append(_Here({name.partition(".")[0] for name in packages}))


class _Here(MetaPathFinder):
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.folder = str(Path.cwd())

    @override
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return PathFinder.find_spec(fullname, [self.folder]) if fullname in self.names else None
