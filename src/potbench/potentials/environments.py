"""Environments of atoms that a potential was trained on, and how far others are outside of their range."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.geometry.pairs import pairs_within
from potbench.structures import SYMBOLS, FloatArray, IntArray

CUTOFF = 5.2
SHELLS = 16
WIDTH = CUTOFF / SHELLS
LIMITS = (0.05, 0.5)
"""Rounding is below, and a neighbor that is missing is above."""
MARGIN = 1.5


def environments(batch: Batch, atomic_numbers: Sequence[int]) -> Tensor:
    """Describe the neighbors of each atom: how many there are in each shell, smoothly, of each element and of all.

    nₑₖ = Σⱼ exp(−(rᵢⱼ − rₖ)² / 2w²) ½ (1 + cos(π rᵢⱼ / r_c)),   rₖ = (k + ½) w,   w = r_c / 16

    Radial symmetry functions, in float64, the same for every potential. Angles show as distances between neighbors.

    Source: Behler, J. Chem. Phys. 134, 074106 (2011), doi:10.1063/1.3553717.

    Args:
        batch: the molecules.
        atomic_numbers: the elements e; all others count as one more.

    Returns:
        Shape (atoms, (elements + 2) × shells), without unit; 1 is about one neighbor.
    """
    device = batch.positions.device
    elements = len(atomic_numbers) + 1
    table = torch.full((len(SYMBOLS),), elements - 1, device=device)
    table[list(atomic_numbers)] = torch.arange(elements - 1, device=device)
    first, second, _, distances = pairs_within(batch._replace(positions=batch.positions.double()), CUTOFF)
    centers = (torch.arange(SHELLS, dtype=torch.float64, device=device) + 0.5) * WIDTH
    near = distances.clamp(max=CUTOFF)  # beyond it, the envelope is zero
    envelope = 0.5 * (1 + torch.cos(torch.pi * near / CUTOFF))
    shells = torch.exp(-((near[:, None] - centers) ** 2) / (2 * WIDTH**2)) * envelope[:, None]
    features = torch.zeros((len(batch.positions) * elements, SHELLS), dtype=torch.float64, device=device)
    element = table[batch.atomic_numbers]
    for atom, neighbor in ((first, second), (second, first)):
        features.index_add_(0, atom * elements + element[neighbor], shells)
    by_element = features.view(len(batch.positions), elements, SHELLS)
    # neighbors of any element: a free atom lacks neighbors, and not those of one element
    return torch.cat([by_element, by_element.sum(dim=1, keepdim=True)], dim=1).flatten(1)


class TrainedEnvironments:
    """Range of the environments of each element in a training set, by which others are judged.

    An atom is as far outside as the norm of what its features exceed their ranges by. What is usual is found from the
    training set itself: how far the atoms of one half are outside of the range of the other, times MARGIN, and within
    LIMITS.

    Args:
        atomic_numbers: shape (elements,).
        smallest: shape (elements, features), of each feature among the atoms of each element.
        largest: the same, NaN where there was no atom.
        limit: shape (elements,), distance beyond which an atom is outside.
    """

    def __init__(self, atomic_numbers: IntArray, smallest: FloatArray, largest: FloatArray, limit: FloatArray) -> None:
        self.atomic_numbers = atomic_numbers
        self.smallest = smallest
        self.largest = largest
        self.limit = limit

    @classmethod
    def of(cls, batches: Sequence[Batch], atomic_numbers: Sequence[int]) -> TrainedEnvironments:
        """Describe the atoms of a training set.

        Args:
            batches: its frames, in random order.
            atomic_numbers: elements of the dataset.
        """
        features = np.concatenate([environments(batch, atomic_numbers).cpu().numpy() for batch in batches])
        numbers = np.concatenate([batch.atomic_numbers.cpu().numpy() for batch in batches])
        smallest = np.full((len(atomic_numbers), features.shape[1]), np.nan)
        largest, limit = smallest.copy(), np.full(len(atomic_numbers), LIMITS[0])
        for row, number in enumerate(atomic_numbers):
            atoms = features[numbers == number]
            if not len(atoms):
                continue
            smallest[row], largest[row] = atoms.min(axis=0), atoms.max(axis=0)
            halves = atoms[: len(atoms) // 2], atoms[len(atoms) // 2 :]
            for half, other in (halves, halves[::-1]):
                if len(half) and len(other):
                    usual = _outside(half, other.min(axis=0), other.max(axis=0)).max()
                    limit[row] = min(max(limit[row], MARGIN * usual), LIMITS[1])
        return cls(np.asarray(atomic_numbers), smallest, largest, limit)

    @classmethod
    def joined(cls, several: Sequence[TrainedEnvironments]) -> TrainedEnvironments | None:
        """Return the range of several training sets together; None where they have not the same elements."""
        first = several[0]
        if any(not np.array_equal(each.atomic_numbers, first.atomic_numbers) for each in several):
            return None
        return cls(
            first.atomic_numbers,
            np.fmin.reduce([each.smallest for each in several]),
            np.fmax.reduce([each.largest for each in several]),
            np.maximum.reduce([each.limit for each in several]),
        )

    def extrapolation(self, batch: Batch) -> FloatArray:
        """Return how far each atom is outside, relative to what is usual: shape (atoms,); above 1, it is outside.

        Atoms of elements that did not train, and neighbors of such, are infinitely far.
        """
        features = environments(batch, self.atomic_numbers.tolist()).cpu().numpy()
        numbers = batch.atomic_numbers.cpu().numpy()
        far = np.full(len(numbers), np.inf)
        for row, number in enumerate(self.atomic_numbers):
            chosen = numbers == number
            if np.isfinite(self.smallest[row]).all():
                far[chosen] = _outside(features[chosen], self.smallest[row], self.largest[row]) / self.limit[row]
        return far


def _outside(features: FloatArray, smallest: FloatArray, largest: FloatArray) -> FloatArray:
    beyond = np.maximum(np.maximum(smallest - features, features - largest), 0)
    return np.asarray(np.sqrt((beyond**2).sum(axis=1)))
