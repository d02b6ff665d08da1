"""Frames named in files."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from potbench.loading.splits.sizes import KEY
from potbench.loading.splits.split import Split, SplitIndices, index_dtype
from potbench.loading.store import Store
from potbench.structures import IntArray

NAMES = ("train", "validation", "test")
# as SchNetPack writes them
SCHNETPACK = ("train_idx", "val_idx", "test_idx")


class IndexSplit(Split):
    """The frames that files name, numbered from 0 in the order of the dataset.

    Args:
        file: an .npz with train, validation and test, such as the split.npz of a run, or with SchNetPack's train_idx,
            val_idx and test_idx; or None, where each part has a file of its own.
        train: a text file with a number on each line, or an .npy file.
        validation: likewise.
        test: likewise.
    """

    def __init__(
        self,
        file: Path | str | None = None,
        train: Path | str | None = None,
        validation: Path | str | None = None,
        test: Path | str | None = None,
    ) -> None:
        own = {"train": train, "validation": validation, "test": test}
        if (file is None) == (None in own.values()) or (file is not None and any(own.values())):
            raise ValueError(f"The split needs either file, or all of train, validation and test. {KEY}")
        self.file = Path(file) if file else None
        self.own = {name: Path(path) for name, path in own.items() if path}

    def divide(self, store: Store) -> SplitIndices:  # noqa: D102
        given = _archive(self.file) if self.file else {name: _single(path) for name, path in self.own.items()}
        seen = np.zeros(len(store), dtype=bool)
        for name, frames in given.items():
            where = self.file or self.own[name]
            if frames.ndim != 1 or frames.dtype.kind not in "iu" or not len(frames):
                raise ValueError(
                    f"{where}: {name} is {frames.dtype} of shape {frames.shape}, expected a row of whole numbers. {KEY}"
                )
            if frames.min() < 0 or frames.max() >= len(store):
                raise ValueError(
                    f"{where}: {name} names frames {frames.min()} to {frames.max()}, but the dataset has 0 to "
                    f"{len(store) - 1}. {KEY}"
                )
            twice = len(frames) - len(np.unique(frames)) + int(seen[np.unique(frames)].sum())
            if twice:
                raise ValueError(
                    f"{where}: {twice} frames of {name} are named twice, or are in another part too. Expected each "
                    f"frame in one part. {KEY}"
                )
            seen[frames] = True
        # unsigned ones would turn into floating point where they meet signed ones
        return SplitIndices(*(np.sort(given[name]).astype(index_dtype(len(store))) for name in NAMES))


def _archive(file: Path) -> dict[str, IntArray]:
    arrays = _loaded(file)
    for names in (NAMES, SCHNETPACK):
        if isinstance(arrays, dict) and set(names) <= set(arrays):
            return dict(zip(NAMES, (arrays[name] for name in names), strict=True))
    raise ValueError(f"{file} has no {', '.join(NAMES)} (nor {', '.join(SCHNETPACK)}). Expected all three. {KEY}file.")


def _single(file: Path) -> IntArray:
    if file.suffix == ".npy":
        array = _loaded(file)
        if isinstance(array, np.ndarray):
            return array
    try:
        return np.array(file.read_text(encoding="utf-8").replace(",", " ").split(), dtype=np.int64)
    except (OSError, ValueError, OverflowError) as error:
        raise ValueError(f"{file} cannot be read as frame numbers ({error}). {KEY}") from error


def _loaded(file: Path) -> dict[str, IntArray] | IntArray:
    try:
        found = np.load(file, allow_pickle=False)
        return found if isinstance(found, np.ndarray) else {name: found[name] for name in found}
    except (OSError, ValueError, EOFError, LookupError, BadZipFile) as error:
        raise ValueError(f"{file} cannot be read as frame numbers ({error}). {KEY}") from error
