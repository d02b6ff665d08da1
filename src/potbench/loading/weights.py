"""How much each frame counts in the loss."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from typing_extensions import override

from potbench.errors import DataFileError, SettingError, require_fraction, require_positive
from potbench.loading.splits.column import column_of
from potbench.loading.splits.split import SplitIndices
from potbench.loading.store import Store
from potbench.structures import FloatArray, IntArray


class FrameWeights(ABC):
    """A rule that weights the frames of a store."""

    @abstractmethod
    def weigh(self, store: Store, train: IntArray, frames: IntArray) -> FloatArray:
        """Return weights of at least 0, on any scale.

        Args:
            store: the dataset.
            train: frames of the training set, which alone the rule may be fitted to.
            frames: shape (frames,), those that are weighted.

        Returns:
            Shape (frames,).
        """

    def of(self, store: Store, indices: SplitIndices) -> FloatArray:
        """Return the weights of all frames of a store, whose mean over the training set is 1.

        Training and validation set are weighted; all other frames have the weight 1.

        Args:
            store: the dataset.
            indices: the sets of its split.

        Raises:
            SettingError: the frames cannot be weighted so.
            DataFileError: a weight is negative, or those of the training set are all zero.
        """
        weights = np.ones(len(store))
        for frames in (indices.train, indices.validation):
            weights[frames] = self.weigh(store, indices.train, frames)
        mean = weights[indices.train].mean()
        smallest = min(weights[frames].min(initial=np.inf) for frames in (indices.train, indices.validation))
        if smallest < 0 or not mean > 0:
            raise DataFileError(
                f"The smallest weight of a frame is {smallest:.4g}, and the mean over the training set {mean:.4g}. "
                "Expected none below 0, and a mean above 0. Look at the numbers they are made of."
            )
        for frames in (indices.train, indices.validation):
            weights[frames] /= mean
        return weights


class EnergyWeights(FrameWeights):
    """Frames of high energy count less.

    w = max(exp(−(E − E₀) / ε), w_min), where E₀ is the lowest energy of the molecule in the training set. A frame below
    it, or of a molecule that the training set lacks, counts as one at E₀.

    Args:
        scale: ε, in eV.
        smallest: w_min, relative to the weight of the lowest energy.
    """

    def __init__(self, scale: float = 1.0, smallest: float = 0.0) -> None:
        require_positive(self, scale=scale)
        require_fraction(self, smallest=smallest)
        self.scale = scale
        self.smallest = smallest

    @override
    def weigh(self, store: Store, train: IntArray, frames: IntArray) -> FloatArray:
        names, name_of_chunk = np.unique(store.molecule_names, return_inverse=True)
        lowest = np.full(len(names), np.inf)
        labeled = store.with_energy(train)
        np.minimum.at(lowest, name_of_chunk[store.molecule_of(labeled)], store.energy[labeled])
        above = np.maximum(store.energy[frames] - lowest[name_of_chunk[store.molecule_of(frames)]], 0.0)
        if store.energy_known is not None:
            above[~store.energy_known[frames]] = 0.0
        weights: FloatArray = np.maximum(np.exp(-above / self.scale), self.smallest)
        return weights


class ColumnWeights(FrameWeights):
    """Weights that the file of a dataset gives, as a number of each frame.

    Args:
        column: its name, which the dataset must read: see the columns of ExtendedXYZ and ASEDatabase.
    """

    def __init__(self, column: str = "weight") -> None:
        self.column = column

    @override
    def weigh(self, store: Store, train: IntArray, frames: IntArray) -> FloatArray:
        values = column_of(self, store, self.column)
        if values.dtype.kind == "U":
            problem = f"The column {self.column} of {store.manifest.name} holds text, such as {values[0]}"
            raise SettingError(self, "column", self.column, "a column of numbers", problem)
        weights: FloatArray = values[frames]
        return weights
