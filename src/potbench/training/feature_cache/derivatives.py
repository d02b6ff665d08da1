"""Derivatives without most of what is zero."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from potbench.structures import IntArray

WORTH = 2000
"""Numbers of a frame that take as long to read as one part more takes to set up."""
ALIGNED = 16
"""Rows of so many numbers begin on lines of the cache; those that do not are read at a third of the speed."""
MOST = 256
"""Kinds of features whose parts are compared, each with each; rarer ones join the most similar of these."""
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
    """Derivatives of the features of frames that have the same number of atoms; what is in no part is zero.

    Attributes:
        own: of the features of an atom by its own position, shape (frames, atoms, 3, features), in Å⁻¹.
        parts: by the positions of other atoms.
        features: shape (features of all parts,), int64, which of the atoms · features of a molecule, part by part.
    """

    own: Tensor
    parts: tuple[Part, ...]
    features: Tensor

    @property
    def nbytes(self) -> int:
        """Bytes of memory they take."""
        return self.own.nbytes + sum(part.values.nbytes for part in self.parts)


def divide(table: Tensor, num_atoms: int) -> Derivatives:
    """Copy a table of derivatives without most of what is zero in every frame.

    Args:
        table: ∂G/∂x, shape (frames, atoms · 3, atoms · features), in Å⁻¹; what it says of the features of an atom by
            its own position is zero when it comes back.
        num_atoms: of a frame.
    """
    by_atoms = table.view(len(table), num_atoms, 3, num_atoms, -1)
    own = by_atoms.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2).contiguous()
    by_atoms.diagonal(dim1=1, dim2=3).zero_()
    changed = torch.stack([(frames != 0).any(0) for frames in torch.split(table, FRAMES_AT_ONCE)]).any(0)
    changes = changed.view(num_atoms, 3, -1).any(1).cpu().numpy()
    parts, columns = [], [torch.zeros(0, dtype=torch.int64)]
    for atoms, features in find_parts(changes):
        rows = (3 * torch.from_numpy(atoms).unsqueeze(1) + torch.arange(3)).flatten().to(table.device)
        chosen = torch.from_numpy(features).to(table.device)
        padding = -len(features) % ALIGNED
        values = table.new_zeros(len(table), len(rows), len(features) + padding)
        for frames, copied in zip(torch.split(table, FRAMES_AT_ONCE), torch.split(values, FRAMES_AT_ONCE), strict=True):
            copied[:, :, : len(features)] = frames.index_select(2, chosen).index_select(1, rows)
        parts.append(Part(values, rows))
        columns.append(torch.from_numpy(np.pad(features, (0, padding))))
    return Derivatives(own, tuple(parts), torch.cat(columns).to(table.device))


def find_parts(changes: BoolArray) -> list[tuple[IntArray, IntArray]]:
    """Atoms and features that belong together: features that the same atoms change.

    Features that different atoms change are put together where the zeros between them take less than a part more would.

    Args:
        changes: shape (atoms, atoms · features), whether an atom changes a feature in any frame.

    Returns:
        Atoms and features, ascending, of each part.
    """
    kinds, kind = np.unique(changes.T, axis=0, return_inverse=True)
    kinds, kind = kinds.astype(float), kind.ravel()
    common = kinds[np.argsort(-np.bincount(kind))[:MOST]]
    nearest = (kinds.sum(axis=1)[:, None] + common.sum(axis=1) - 2 * kinds @ common.T).argmin(axis=1)
    neighbors = np.zeros_like(common)
    np.maximum.at(neighbors, nearest, kinds)
    features = [np.flatnonzero(nearest[kind] == each) for each in range(len(common)) if neighbors[each].any()]
    neighbors = neighbors[neighbors.any(axis=1)]
    while len(features) > 1:
        counts, lengths = neighbors.sum(axis=1), np.array([len(each) for each in features])
        together = counts[:, None] + counts - neighbors @ neighbors.T
        apart = 3 * counts * lengths
        saved = apart[:, None] + apart + WORTH - 3 * together * (lengths[:, None] + lengths)
        np.fill_diagonal(saved, -np.inf)
        one, other = np.unravel_index(saved.argmax(), saved.shape)
        if saved[one, other] <= 0:
            break
        neighbors[one] = np.maximum(neighbors[one], neighbors[other])
        features[one] = np.sort(np.concatenate([features[one], features[other]]))
        neighbors = np.delete(neighbors, other, axis=0)
        del features[other]
    return [(np.flatnonzero(atoms), each) for atoms, each in zip(neighbors, features, strict=True)]
