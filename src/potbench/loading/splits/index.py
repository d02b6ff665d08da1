"""Frames listed in files."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError
from potbench.loading.splits.split import NAMED, Split, SplitIndices, index_dtype
from potbench.loading.store import Store
from potbench.structures import IntArray

NAMES = ("train", "validation", "test")
# as SchNetPack writes them
SCHNETPACK = ("train_idx", "val_idx", "test_idx")


class IndexSplit(Split):
    """The frames that files list, numbered from 0 in the order of the dataset.

    Args:
        file: an .npz with train, validation and test, such as the split.npz of a run, or with SchNetPack's train_idx,
            val_idx and test_idx; or None, where each set has a file of its own. Calibration frames and named test sets
            of a run are read as well.
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
        given = {"file": file, "train": train, "validation": validation, "test": test}
        self.files = {name: Path(path) for name, path in given.items() if path}
        if tuple(self.files) not in {("file",), NAMES}:
            problem = f"The split is given {' and '.join(self.files) or 'no file'}"
            raise SettingError(self, "file", file, "either file, or all of train, validation and test", problem)

    @override
    def divide(self, store: Store) -> SplitIndices:
        indices = self._archive() if "file" in self.files else {name: self._single(name) for name in NAMES}
        seen = np.zeros(len(store), dtype=bool)
        for name, frames in indices.items():
            if frames.ndim != 1 or frames.dtype.kind not in "iu" or not len(frames):
                raise self._wrong(
                    name, f"has {frames.dtype} of shape {frames.shape} in {name}", "whole numbers in a row"
                )
            if frames.min() < 0 or frames.max() >= len(store):
                within = f"those of the dataset, 0 to {len(store) - 1}"
                raise self._wrong(name, f"has frames {frames.min()} to {frames.max()} in {name}", within)
            if name.startswith(NAMED):
                if not np.isin(frames, indices["test"]).all():
                    raise self._wrong("file", f"has frames in {name} that are not in test", "some of the test frames")
                continue
            twice = len(frames) - len(np.unique(frames)) + int(seen[np.unique(frames)].sum())
            if twice:
                raise self._wrong(name, f"has {twice} frames in {name} twice, or in another set too", "each frame once")
            seen[frames] = True
        # NumPy promotes uint64 and int64 to floating point
        dtype = index_dtype(len(store))
        return SplitIndices.of({name: np.sort(frames).astype(dtype) for name, frames in indices.items()})

    def _archive(self) -> dict[str, IntArray]:
        arrays = self._loaded("file")
        for names in (NAMES, SCHNETPACK):
            if isinstance(arrays, dict) and set(names) <= set(arrays):
                more = {name: frames for name, frames in arrays.items() if name.startswith(("calibration", NAMED))}
                return dict(zip(NAMES, (arrays[name] for name in names), strict=True)) | more
        raise self._wrong("file", "does not hold all three sets", f"{', '.join(NAMES)}, or {', '.join(SCHNETPACK)}")

    def _single(self, name: str) -> IntArray:
        file = self.files[name]
        if file.suffix == ".npy":
            array = self._loaded(name)
            if isinstance(array, np.ndarray):
                return array
        try:
            return np.array(file.read_text(encoding="utf-8-sig").replace(",", " ").split(), dtype=np.int64)
        except (OSError, ValueError, OverflowError) as error:
            raise self._wrong(name, f"cannot be read ({error})", "frame numbers") from error

    def _loaded(self, name: str) -> dict[str, IntArray] | IntArray:
        try:
            found = np.load(self.files[name], allow_pickle=False)
            return found if isinstance(found, np.ndarray) else {name: found[name] for name in found}
        except (OSError, ValueError, EOFError, LookupError, BadZipFile) as error:
            raise self._wrong(name, f"cannot be read ({error})", "frame numbers") from error

    def _wrong(self, name: str, problem: str, expected: str) -> SettingError:
        setting = "file" if "file" in self.files else name
        file = self.files[setting]
        return SettingError(self, setting, str(file), expected, f"{file} {problem}")
