"""Which frames train, which validate, which test."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from potbench.errors import RecordError, SettingError
from potbench.loading.store import Store
from potbench.structures import IntArray
from potbench.whole_file import whole_file


class SplitIndices(NamedTuple):
    """Frames of the three sets of a split, as indices into a store, ascending.

    Attributes:
        train: shape (frames,), integer; weights are fitted to these.
        validation: shape (frames,), integer; hyperparameters and checkpoints are chosen by these.
        test: shape (frames,), integer; evaluated once, at the end.
    """

    train: IntArray
    validation: IntArray
    test: IntArray

    @property
    def fingerprint(self) -> str:
        """Return the sha256 over all indices."""
        digest = hashlib.sha256()
        for name, indices in self._asdict().items():
            digest.update(f"{name} {len(indices)} ".encode())
            digest.update(indices.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, file: Path) -> None:
        """Write the indices to an .npz file."""
        with whole_file(file) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, **self._asdict())

    @classmethod
    def load(cls, file: Path) -> SplitIndices:
        """Read what `save` wrote.

        Raises:
            RecordError: the file is damaged.
            OSError: it cannot be read.
        """
        try:
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return cls(arrays["train"], arrays["validation"], arrays["test"])
        except (ValueError, EOFError, LookupError, TypeError, BadZipFile) as error:
            raise RecordError(
                f"{file} is damaged ({error}). Expected the indices of train, validation and test. Restore the file, "
                "or train again."
            ) from error


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
