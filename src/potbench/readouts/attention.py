"""Attention among the atoms of a molecule."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_positive
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.padding import pad, slots, unpad
from potbench.readouts.per_element import PerElement
from potbench.readouts.readout import Readout


class Attention(Readout):
    """One transformer layer over the atoms of each molecule, with separate weights for each element.

    x = A G + a,   y = norm(x + W Σⱼ wᵢⱼ vⱼ + w),   z = norm(y + feed_forward(y)),   energy = b · z + c
    wᵢⱼ = fᵢⱼ exp(qᵢ · kⱼ / √d) / Σₖ fᵢₖ exp(qᵢ · kₖ / √d)

    f falls from 1 to 0 at the cutoff and is 1 for the atom itself: an atom whose neighbors leave its cutoff attends to
    itself alone in the end, and energies stay smooth on the way. Without a cutoff, f = 1 as in the source: every atom
    attends to all others at any distance, and the energies of two molecules far apart, treated as one, do not add.

    Source: Vaswani et al., NeurIPS 2017, doi:10.48550/arXiv.1706.03762.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of the features of an atom.
        width: of x, y, z, and of q, k and v of all heads together.
        num_heads: number of heads, each with its own w and its share of q, k and v, of length d.
        hidden_width: of the one hidden layer of feed_forward, with SiLU.
        cutoff: of f in Å; None for no cutoff.
    """

    def __init__(
        self,
        elements: list[str],
        num_features: int,
        width: int = 128,
        num_heads: int = 2,
        hidden_width: int = 512,
        cutoff: float | None = 5.2,
    ) -> None:
        super().__init__()
        require_positive(self, width=width, num_heads=num_heads, hidden_width=hidden_width, cutoff=cutoff)
        if width % num_heads:
            problem = f"The attention has width {width} and num_heads {num_heads}"
            raise SettingError(self, "width", width, "a multiple of num_heads", problem)
        self.num_heads = num_heads
        self.cutoff = cutoff
        self.before = PerElement(elements, lambda _: _Before(num_features, width))
        self.after = PerElement(elements, lambda _: _After(width, hidden_width))

    @override
    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:
        # a padded table of all molecules is three to six times faster than a list of all pairs, in steps with forces
        slot = slots(batch)
        projected, *parts = self.before(features, batch, element).chunk(4, dim=1)
        query, key, value = (
            pad(part.unflatten(1, (self.num_heads, -1)), slot, batch, 0.0).transpose(1, 2) for part in parts
        )
        scores = query @ key.mT / math.sqrt(key.shape[-1])
        weights = softmax_within_cutoff(scores, self.cutoff_values(batch, slot).unsqueeze(1))
        attended = unpad((weights @ value).transpose(1, 2), slot).flatten(1)
        energies: Tensor = self.after(torch.cat([projected, attended], dim=1), batch, element)
        return energies.squeeze(-1)

    def cutoff_values(self, batch: Batch, slot: Tensor) -> Tensor:
        """Compute the envelope f of each pair of atoms of a molecule.

        Args:
            batch: the molecules.
            slot: shape (atoms,), place of each atom in the table.

        Returns:
            Shape (molecules, largest_molecule, largest_molecule); 0 for empty places, but 1 on the diagonal.
        """
        place = torch.arange(batch.largest_molecule, device=slot.device)
        taken = place < batch.atoms_per_molecule.unsqueeze(1)
        itself = torch.eye(place.shape[0], dtype=torch.bool, device=slot.device)
        neighbors = taken.unsqueeze(1) & taken.unsqueeze(2) & ~itself
        if self.cutoff is None:
            return (neighbors | itself).to(batch.positions.dtype)
        positions = pad(batch.positions, slot, batch, 0.0)
        squares = (positions.unsqueeze(1) - positions.unsqueeze(2)).square().sum(dim=-1)
        # the derivative of the root is infinite at zero, the distance of an atom from itself
        distances = torch.where(neighbors, squares, self.cutoff**2).sqrt()
        return cosine_cutoff(distances, self.cutoff) + itself


def softmax_within_cutoff(scores: Tensor, cutoff_values: Tensor) -> Tensor:
    """Compute f exp(s) / Σ f exp(s) over the last dimension.

    Args:
        scores: s, shape (…, atoms).
        cutoff_values: f, shape (…, atoms); 1 for at least one atom of each row.

    Returns:
        Shape (…, atoms), each row with the sum 1; 0 where f is 0, whatever the score.
    """
    weighted = cutoff_values * scores.masked_fill(cutoff_values == 0, -torch.inf).softmax(dim=-1)
    return weighted / weighted.sum(dim=-1, keepdim=True)


class _Before(nn.Module):
    """Features → x, q, k and v, concatenated."""

    def __init__(self, num_features: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(num_features, width)
        self.query_key_value = nn.Linear(width, 3 * width)

    def forward(self, features: Tensor) -> Tensor:
        projected = self.project(features)
        return torch.cat([projected, self.query_key_value(projected)], dim=1)


class _After(nn.Module):
    """x and Σⱼ wᵢⱼ vⱼ, concatenated → energy."""

    def __init__(self, width: int, hidden_width: int) -> None:
        super().__init__()
        self.out = nn.Linear(width, width)
        self.first_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(nn.Linear(width, hidden_width), nn.SiLU(), nn.Linear(hidden_width, width))
        self.second_norm = nn.LayerNorm(width)
        self.energy = nn.Linear(width, 1)

    def forward(self, joined: Tensor) -> Tensor:
        projected, attended = joined.chunk(2, dim=1)
        mixed = self.first_norm(projected + self.out(attended))
        energies: Tensor = self.energy(self.second_norm(mixed + self.feed_forward(mixed)))
        return energies
