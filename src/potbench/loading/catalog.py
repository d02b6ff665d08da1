"""Which datasets there are, and which of them are prepared: found by looking, not listed by hand."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from potbench.errors import RecordError

if TYPE_CHECKING:
    from potbench.datasets import Dataset
    from potbench.loading.manifest import Manifest

FEW = 5


class Prepared(NamedTuple):
    """A store of this version.

    Attributes:
        folder: where it is.
        manifest: what it says of itself.
    """

    folder: Path
    manifest: Manifest


def named() -> dict[str, type[Dataset]]:
    """Return name → dataset that anyone can get."""
    return {kind.published.name: kind for kind in _classes() if kind.published}


def unnamed() -> list[type[Dataset]]:
    """Return the classes that read a file of the user's."""
    return [kind for kind in _classes() if not kind.published]


def reader_of(file: Path) -> type[Dataset]:
    """Return the class that reads a file of the user's, by its ending."""
    from potbench import datasets

    kinds: dict[str, type[Dataset]] = {
        ".npz": datasets.SGDMLFile,
        ".db": datasets.ASEDatabase,
        ".h5": datasets.Generated,
        ".hdf5": datasets.Generated,
    }
    return kinds.get(file.suffix.lower(), datasets.ExtendedXYZ)


def prepared(root: Path) -> tuple[list[Prepared], dict[Path, RecordError]]:
    """Return the stores in a folder of datasets, and folder → error of those that are damaged."""
    from potbench.loading.manifest import FILE, FORMAT, Manifest

    stores: list[Prepared] = []
    damaged: dict[Path, RecordError] = {}
    for file in sorted(root.glob(f"*/{FILE}")):
        try:
            manifest = Manifest.load(file.parent)
        except RecordError as error:
            damaged[file.parent] = error
            continue
        if manifest.format == FORMAT:
            stores.append(Prepared(file.parent, manifest))
    return stores, damaged


def few(names: Sequence[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _classes() -> list[type[Dataset]]:
    from potbench import datasets

    exported = [getattr(datasets, name) for name in datasets.__all__]
    kinds = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, datasets.Dataset)]
    return [kind for kind in kinds if not inspect.isabstract(kind)]
