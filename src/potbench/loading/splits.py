"""Which frames train, which validate, which test."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from potbench.loading.store import Store
from potbench.structures import IntArray


class Parts(NamedTuple):
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
    def load(cls, file: Path) -> Parts:
        """Read what `save` wrote."""
        with np.load(file, allow_pickle=False) as arrays:
            return cls(arrays["train"], arrays["validation"], arrays["test"])


class Split(ABC):
    """A rule that divides the frames of a store; the same rule and seed give the same parts anywhere."""

    @abstractmethod
    def divide(self, store: Store) -> Parts:
        """Divide all frames, or some of them, into three parts without overlap."""


class RandomSplit(Split):
    """Frames drawn at random, regardless of the molecule they belong to.

    Conformers of one molecule then stand on both sides: the literature's usual split of ANI-1, and an optimistic one.

    Args:
        train: fraction of the frames (all three add up to 1), or how many (whole numbers).
        validation: likewise.
        test: likewise.
        seed: seed of the draw, independent of every other seed.
    """

    def __init__(self, train: float = 0.8, validation: float = 0.1, test: float = 0.1, seed: int = 0) -> None:
        self.sizes = {"train": train, "validation": validation, "test": test}
        self.seed = seed
        key = "Change data.init_args.split.init_args."
        if any(size <= 0 for size in self.sizes.values()):
            raise ValueError(f"The split sizes are {json.dumps(self.sizes)}, expected all above zero. {key}")
        self.counted = all(size >= 1 and size == int(size) for size in self.sizes.values())
        total = sum(self.sizes.values())
        if not self.counted and not abs(total - 1) <= 1e-9:  # so put, NaN is refused too
            raise ValueError(
                f"The split fractions {json.dumps(self.sizes)} add up to {total:g}, expected 1 "
                f"(or three whole numbers of frames). {key}"
            )

    def divide(self, store: Store) -> Parts:  # noqa: D102
        num_frames = len(store)
        num_validation, num_test = (
            int(size) if self.counted else round(size * num_frames)
            for size in (self.sizes["validation"], self.sizes["test"])
        )
        num_train = int(self.sizes["train"]) if self.counted else num_frames - num_validation - num_test
        if min(num_train, num_validation, num_test) < 1 or num_train + num_validation + num_test > num_frames:
            raise ValueError(
                f"The split asks for {num_train} + {num_validation} + {num_test} frames of {num_frames}. "
                "Expected at least one in each part and no more than there are. "
                "Change data.init_args.split.init_args."
            )
        dtype = np.int32 if num_frames < 2**31 else np.int64
        order: IntArray = np.arange(num_frames, dtype=dtype)
        np.random.default_rng(self.seed).shuffle(order)
        ends = np.cumsum([num_train, num_validation, num_test])
        train, validation, test = np.split(order, ends)[:3]
        return Parts(np.sort(train), np.sort(validation), np.sort(test))


class OfficialSplit(Split):
    """The split that the dataset's publisher gives; validation is drawn from its training part where it names none.

    Args:
        name: which of the splits, such as 01 of rMD17.
        validation: frames to draw from the official training part for validation, where it names none.
        seed: seed of that draw.
    """

    def __init__(self, name: str, validation: int = 50, seed: int = 0) -> None:
        self.name = name
        self.validation = validation
        self.seed = seed

    def divide(self, store: Store) -> Parts:  # noqa: D102
        if self.name not in store.official_splits:
            there = ", ".join(store.official_splits) or "none"
            raise ValueError(
                f"{store.manifest.get('name')} has no official split {self.name!r}; there is {there}. "
                "Change data.init_args.split.init_args.name, or put the files of the split beside the others."
            )
        official = store.official_splits[self.name]
        if official.validation is not None:
            return Parts(np.sort(official.train), np.sort(official.validation), np.sort(official.test))
        if not 1 <= self.validation < len(official.train):
            raise ValueError(
                f"The split asks for {self.validation} frames of validation out of {len(official.train)}, expected at "
                "least 1 and fewer than there are. Change data.init_args.split.init_args.validation."
            )
        drawn = np.random.default_rng(self.seed).permutation(official.train)
        return Parts(np.sort(drawn[self.validation :]), np.sort(drawn[: self.validation]), np.sort(official.test))
