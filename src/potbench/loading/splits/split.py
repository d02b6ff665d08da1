"""Which frames train, which validate, which test."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import overload

import numpy as np
from typing_extensions import override

from potbench.errors import RecordError, SettingError
from potbench.loading.store import Store
from potbench.readers.npz import read_arrays
from potbench.structures import IntArray
from potbench.whole_file import whole_file

NAMED = "test/"
"""Before the names of test sets, in files and records."""


@dataclass(frozen=True, eq=False)
class SplitIndices(Sequence[IntArray]):
    """Frames of the sets of a split, as indices into a store, ascending; a sequence of train, validation and test.

    Args:
        train: shape (frames,), integer; weights are fitted to these.
        validation: shape (frames,), integer; hyperparameters and checkpoints are chosen by these.
        test: shape (frames,), integer; evaluated once, at the end.
        calibration: shape (frames,), integer; uncertainties are scaled by these, and nothing else sees them.
        test_sets: name → shape (frames,), integer: test frames whose errors are reported apart; none for the whole.
    """

    train: IntArray
    validation: IntArray
    test: IntArray
    calibration: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int32))
    test_sets: Mapping[str, IntArray] = field(default_factory=dict, kw_only=True)

    @overload
    def __getitem__(self, place: int) -> IntArray: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[IntArray]: ...

    @override
    def __getitem__(self, place: int | slice) -> IntArray | Sequence[IntArray]:
        return (self.train, self.validation, self.test)[place]

    @override
    def __len__(self) -> int:
        return 3

    @property
    def fingerprint(self) -> str:
        """Return the sha256 over all indices."""
        digest = hashlib.sha256()
        for name, indices in self._arrays().items():
            digest.update(f"{name} {len(indices)} ".encode())
            digest.update(indices.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, file: Path) -> None:
        """Write the indices to an .npz file."""
        with whole_file(file) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, **self._arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, file: Path) -> SplitIndices:
        """Read what `save` wrote.

        Raises:
            RecordError: the file is damaged.
            OSError: it cannot be read.
        """
        try:
            arrays = read_arrays(file)
            for name, frames in arrays.items():
                if frames.ndim != 1 or (len(frames) and frames.dtype.kind not in "iu") or (frames < 0).any():
                    raise ValueError(f"{name} is {frames.dtype} of shape {frames.shape}, and no row of indices")
            return cls.of(arrays)
        except (ValueError, LookupError) as error:
            raise RecordError(
                f"{file} is damaged ({error}). Expected the indices of train, validation and test. Restore the file, "
                "or train again."
            ) from error

    @classmethod
    def of(cls, arrays: Mapping[str, IntArray]) -> SplitIndices:
        """Return the sets of an .npz file that `save` wrote.

        Args:
            arrays: train, validation, test, and perhaps calibration and test/NAME of each named test set.

        Raises:
            KeyError: one of the first three is missing.
        """
        optional = {"calibration": arrays["calibration"]} if "calibration" in arrays else {}
        sets = {name.removeprefix(NAMED): frames for name, frames in arrays.items() if name.startswith(NAMED)}
        return cls(arrays["train"], arrays["validation"], arrays["test"], **optional, test_sets=sets)

    def _arrays(self) -> dict[str, IntArray]:
        # what is empty is left out, so that splits without it have the fingerprint that they always had
        calibration = {"calibration": self.calibration} if len(self.calibration) else {}
        named = {f"{NAMED}{name}": frames for name, frames in self.test_sets.items()}
        return {"train": self.train, "validation": self.validation, "test": self.test} | calibration | named


def index_dtype(num_frames: int) -> type[np.signedinteger]:
    """Return the type of indices into so many frames: int32 where they fit."""
    return np.int32 if num_frames < 2**31 else np.int64


class Split(ABC):
    """A rule that divides the frames of a store; the same rule and seed give the same sets anywhere."""

    @abstractmethod
    def divide(self, store: Store) -> SplitIndices:
        """Divide all frames, or some of them, into three sets without overlap.

        Raises:
            SettingError: the frames cannot be divided so.
        """

    def unsuitable(self, problem: str, expected: str) -> SettingError:
        """Return the error of a split that cannot divide a dataset, whatever its settings.

        Args:
            problem: what is wrong, a sentence without its period.
            expected: what was expected, as the end of a sentence.
        """
        # it imports this file
        from potbench.loading.datamodule import AtomsDataModule

        return SettingError(AtomsDataModule, "split", self, expected, problem)
