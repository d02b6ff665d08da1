"""Which frames train, which validate, which test."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from potbench.loading.store import Store
from potbench.structures import IntArray


class SplitIndices(NamedTuple):
    """Frames of each part, as indices into a store, ascending.

    Attributes:
        train: shape (frames,), integer; weights are fitted on these.
        validation: shape (frames,), integer; everything is chosen by these.
        test: shape (frames,), integer; looked at once, at the end.
    """

    train: IntArray
    validation: IntArray
    test: IntArray

    @property
    def fingerprint(self) -> str:
        """Sha256 over the three lists of indices."""
        digest = hashlib.sha256()
        for name, indices in self._asdict().items():
            digest.update(f"{name} {len(indices)} ".encode())
            digest.update(indices.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, file: Path) -> None:
        """Write the indices to an .npz file."""
        np.savez_compressed(file, **self._asdict())

    @classmethod
    def load(cls, file: Path) -> SplitIndices:
        """Read what `save` wrote."""
        with np.load(file, allow_pickle=False) as arrays:
            return cls(arrays["train"], arrays["validation"], arrays["test"])


def index_dtype(num_frames: int) -> type[np.signedinteger]:
    """Of indices into so many frames: int32 where they fit."""
    return np.int32 if num_frames < 2**31 else np.int64


class Split(ABC):
    """A rule that divides the frames of a store; the same rule and seed give the same parts anywhere."""

    @abstractmethod
    def divide(self, store: Store) -> SplitIndices:
        """Divide all frames, or some of them, into three parts without overlap."""
