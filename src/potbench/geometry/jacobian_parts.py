"""Derivatives without most of what is zero."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from potbench.structures import Derivatives, IntArray, Part

WORTH = 2000
"""Numbers of a frame that take as long to read as one part more takes to set up."""
ALIGNED = 16
"""Rows of so many numbers begin on lines of the cache; those that do not are read at a third of the speed."""
FRAMES_AT_ONCE = 128

BoolArray = npt.NDArray[np.bool_]


def divide(table: Tensor, touched: Tensor) -> Derivatives:
    """Copy a table of derivatives without most of what is zero in every frame.

    Args:
        table: ∂G/∂x, shape (frames, atoms · 3, atoms · features), in Å⁻¹; what it says of the features of an atom by
            its own position is zero when it comes back.
        touched: shape (atoms, atoms · features), bool, where an atom changes a feature in any frame.
    """
    size = len(touched)
    blocks = table.view(len(table), size, 3, size, -1)
    own = blocks.diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2).contiguous()
    blocks.diagonal(dim1=1, dim2=3).zero_()
    parts, columns = [], [torch.zeros(0, dtype=torch.int64)]
    for atoms, features in find_parts(touched.cpu().numpy()):
        rows = (3 * torch.from_numpy(atoms).unsqueeze(1) + torch.arange(3)).flatten().to(table.device)
        padded = torch.from_numpy(np.pad(features, (0, -len(features) % ALIGNED)))
        values = table.new_zeros(len(table), len(rows), len(padded))
        for some, copied in zip(torch.split(table, FRAMES_AT_ONCE), torch.split(values, FRAMES_AT_ONCE), strict=True):
            chosen = padded[: len(features)].to(table.device)
            copied[:, :, : len(features)] = some.index_select(2, chosen).index_select(1, rows)
        parts.append(Part(values, rows))
        columns.append(padded)
    return Derivatives(own, tuple(parts), torch.cat(columns).to(table.device))


def find_parts(touched: BoolArray) -> list[tuple[IntArray, IntArray]]:
    """Atoms and features that belong together: features that the same atoms change, other than the one they are of.

    Features that different atoms change are put together where the zeros between them take less than a part more would.

    Args:
        touched: as for `divide`.

    Returns:
        Atoms and features, ascending, of each part.
    """
    size, width = touched.shape
    own = np.repeat(np.eye(size, dtype=bool), width // size, axis=1)
    kinds, kind = np.unique((touched & ~own).T, axis=0, return_inverse=True)
    features = [np.flatnonzero(kind.ravel() == each) for each in range(len(kinds)) if kinds[each].any()]
    neighbors = kinds[kinds.any(axis=1)].astype(float)
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
