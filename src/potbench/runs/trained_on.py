"""What a run was trained on, as far as predictions need it: compositions and environments of atoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from potbench.batch import Batch
from potbench.errors import RecordError
from potbench.loading import Store
from potbench.loading.collate import gather
from potbench.loading.distances import shortest_distances
from potbench.potentials.environments import TrainedEnvironments
from potbench.readers.npz import read_arrays
from potbench.structures import FloatArray, IntArray, bounded_parts
from potbench.whole_file import whole_file

FRAMES = 10_000
ATOMS = 100_000


class TrainedOn:
    """Compositions and environments of a training set.

    Args:
        compositions: shape (compositions, elements), how many atoms of each element, each row once.
        environments: of its atoms.
        shortest_distances: pair of elements, such as H-C → shortest distance in Å; None of early versions.
    """

    def __init__(
        self,
        compositions: IntArray,
        environments: TrainedEnvironments,
        shortest_distances: dict[str, float] | None = None,
    ) -> None:
        self.environments = environments
        self.compositions = compositions
        self.shortest_distances = shortest_distances
        self._known = {tuple(row) for row in compositions.tolist()}

    @classmethod
    def of(cls, store: Store, frames: IntArray) -> TrainedOn:
        """Describe training frames: their compositions, shortest distances, and environments of up to FRAMES."""
        numbers = store.manifest.atomic_numbers
        some = np.unique(store.molecule_of(frames), return_index=True)[1]
        compositions = np.unique(store.composition(frames[some], numbers), axis=0)
        drawn = np.random.default_rng(0).permutation(frames)[:FRAMES]
        drawn = drawn[np.cumsum(store.atoms_of(drawn).atoms_per_frame) <= ATOMS]
        drawn = drawn if len(drawn) else frames[:1]
        parts = [drawn[part] for part in bounded_parts(store.atoms_of(drawn).atoms_per_frame)]
        environments = TrainedEnvironments.of([gather(store, part) for part in parts], numbers)
        return cls(compositions, environments, shortest_distances(store, frames))

    def knows_composition(self, atomic_numbers: IntArray) -> bool:
        """Return whether a molecule of these atoms, in any order, was trained on."""
        elements = self.environments.atomic_numbers
        count = tuple(int((atomic_numbers == number).sum()) for number in elements)
        return sum(count) == len(atomic_numbers) and count in self._known

    def extrapolation(self, batch: Batch) -> FloatArray:
        """Return how far each atom is outside of the training set: shape (atoms,); above 1, it is outside."""
        return self.environments.extrapolation(batch)

    def save(self, file: Path) -> None:
        """Write a file; it is small."""
        arrays = {**vars(self.environments), "compositions": self.compositions.astype(np.int32)}
        if self.shortest_distances is not None:
            arrays["pairs"] = np.array(list(self.shortest_distances), dtype=np.str_)
            arrays["shortest_distances"] = np.array(list(self.shortest_distances.values()), dtype=np.float64)
        with whole_file(file) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, **arrays)

    @classmethod
    def load(cls, file: Path) -> TrainedOn:
        """Read what `save` wrote.

        Raises:
            RecordError: the file is damaged.
        """
        try:
            arrays = read_arrays(file)
            names = ("atomic_numbers", "smallest", "largest", "limit")
            shortest = None
            if "pairs" in arrays:
                pairs, distances = arrays["pairs"].tolist(), arrays["shortest_distances"].tolist()
                shortest = dict(zip(pairs, distances, strict=True))
            return cls(arrays["compositions"], TrainedEnvironments(*(arrays[name] for name in names)), shortest)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise RecordError(
                f"{file} is damaged ({error}). Expected what the training wrote. Delete it, and predictions are not "
                "compared with the training set."
            ) from error
