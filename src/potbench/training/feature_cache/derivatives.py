"""Derivatives of features, stored without most of the zeros."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from potbench.structures import IntArray

COST_OF_A_PART = 2000
"""Derivatives per frame that are read in the time that one more part costs at every step."""
ALIGNMENT = 16
"""Rows whose length is a multiple of this begin on cache lines; others are read at a third of the speed."""
MOST_KINDS = 256
"""Kinds of features that are compared pairwise; rarer kinds are added to the most similar of these."""
FRAMES_AT_ONCE = 128

BoolArray = npt.NDArray[np.bool_]


class Part(NamedTuple):
    """Derivatives of some features of molecules with respect to some coordinates.

    Attributes:
        values: ∂G/∂x, shape (frames, coordinates, features), in Å⁻¹.
        coordinates: shape (coordinates,), int64, which of the atoms · 3 of a molecule.
    """

    values: Tensor
    coordinates: Tensor


class Derivatives(NamedTuple):
    """Derivatives of the features of frames that have the same number of atoms; those in no part are zero.

    Attributes:
        own: with respect to the position of the atom itself, shape (frames, atoms, 3, features), in Å⁻¹.
        parts: with respect to the positions of other atoms.
        features: shape (features of all parts,), int64, which of the atoms · features of a molecule, part by part.
    """

    own: Tensor
    parts: tuple[Part, ...]
    features: Tensor

    @property
    def nbytes(self) -> int:
        """Return the bytes of memory they take."""
        return self.own.nbytes + sum(part.values.nbytes for part in self.parts)


def divide(table: Tensor, num_atoms: int) -> Derivatives:
    """Copy a table of derivatives without most of those that are zero in every frame.

    Args:
        table: ∂G/∂x, shape (frames, atoms · 3, atoms · features), in Å⁻¹; it is changed.
        num_atoms: atoms of a frame.
    """
    by_atoms = table.view(len(table), num_atoms, 3, num_atoms, -1)
    own = by_atoms.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)
    by_atoms.diagonal(dim1=1, dim2=3).zero_()
    nonzero = torch.stack([(frames != 0).any(0) for frames in torch.split(table, FRAMES_AT_ONCE)]).any(0)
    depends = nonzero.view(num_atoms, 3, -1).any(1).cpu().numpy()
    parts, columns = [], [torch.zeros(0, dtype=torch.int64)]
    for atoms, features in find_parts(depends):
        rows = (3 * torch.from_numpy(atoms).unsqueeze(1) + torch.arange(3)).flatten().to(table.device)
        chosen = torch.from_numpy(features).to(table.device)
        padding = -len(features) % ALIGNMENT
        values = table.new_zeros(len(table), len(rows), len(features) + padding)
        for frames, copied in zip(torch.split(table, FRAMES_AT_ONCE), torch.split(values, FRAMES_AT_ONCE), strict=True):
            copied[:, :, : len(features)] = frames.index_select(2, chosen).index_select(1, rows)
        parts.append(Part(values, rows))
        columns.append(torch.from_numpy(np.pad(features, (0, padding))))
    return Derivatives(own, tuple(parts), torch.cat(columns).to(table.device))


def find_parts(depends: BoolArray) -> list[tuple[IntArray, IntArray]]:
    """Group features that depend on the same atoms.

    Groups of different atoms are merged where reading the zeros between them takes less time than one more part.

    Args:
        depends: shape (atoms, atoms · features), whether a feature depends on the position of an atom in any frame.

    Returns:
        Atoms and features of each part, ascending.
    """
    # features of one kind depend on the same atoms; each kind is a row of zeros and ones, one for each atom
    kinds, kind = np.unique(depends.T, axis=0, return_inverse=True)
    kinds, kind = kinds.astype(float), kind.ravel()
    common = kinds[np.argsort(-np.bincount(kind))[:MOST_KINDS]]
    num_different = kinds.sum(axis=1)[:, None] + common.sum(axis=1) - 2 * kinds @ common.T
    nearest = num_different.argmin(axis=1)
    atoms = np.zeros_like(common)
    np.maximum.at(atoms, nearest, kinds)
    features = [np.flatnonzero(nearest[kind] == each) for each in range(len(common)) if atoms[each].any()]
    atoms = atoms[atoms.any(axis=1)]
    while len(features) > 1:
        num_atoms, num_features = atoms.sum(axis=1), np.array([len(each) for each in features])
        size = 3 * num_atoms * num_features
        num_atoms_merged = num_atoms[:, None] + num_atoms - atoms @ atoms.T
        size_merged = 3 * num_atoms_merged * (num_features[:, None] + num_features)
        saved = size[:, None] + size + COST_OF_A_PART - size_merged
        np.fill_diagonal(saved, -np.inf)
        one, other = np.unravel_index(saved.argmax(), saved.shape)
        if saved[one, other] <= 0:
            break
        atoms[one] = np.maximum(atoms[one], atoms[other])
        features[one] = np.sort(np.concatenate([features[one], features[other]]))
        atoms = np.delete(atoms, other, axis=0)
        del features[other]
    return [(np.flatnonzero(chosen), each) for chosen, each in zip(atoms, features, strict=True)]
