"""Atoms of a molecule that look at each other before they give their energy."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.padding import pad, slots, unpad
from potbench.limits import READOUT, require_positive
from potbench.readouts.per_element import PerElement
from potbench.readouts.readout import Readout


class Attention(Readout):
    """One block of a transformer over the atoms of each molecule, with weights for each element.

    x = A G + a,   y = norm(x + W Σⱼ wᵢⱼ vⱼ + w),   z = norm(y + feed_forward(y)),   energy = b · z + c
    wᵢⱼ = fᵢⱼ exp(qᵢ · kⱼ / √d) / Σₖ fᵢₖ exp(qᵢ · kₖ / √d)

    f falls from 1 to 0 at the cutoff and is 1 for the atom itself: an atom whose neighbours leave its reach ends up
    attending to itself alone, and nothing jumps on the way. Without a cutoff, f = 1 as in the source: every atom feels
    all others at any distance, and molecules far apart, taken for one, do not have the sum of their energies.

    Source: Vaswani et al., NeurIPS 2017, doi:10.48550/arXiv.1706.03762.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of the features of an atom.
        width: of x, y, z, and of q, k and v of all heads together.
        num_heads: how many w there are, each on its share of q, k and v, of length d.
        hidden_width: of the one hidden layer of feed_forward, with SiLU.
        cutoff: of f in Å; null for none.
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
        require_positive(READOUT, width=width, num_heads=num_heads, hidden_width=hidden_width, cutoff=cutoff)
        if width % num_heads:
            raise ValueError(
                f"The attention has width {width} and num_heads {num_heads}, expected a multiple of num_heads. "
                f"Change {READOUT}.width."
            )
        self.num_heads = num_heads
        self.cutoff = cutoff
        self.before = PerElement(elements, lambda _: _Before(num_features, width))
        self.after = PerElement(elements, lambda _: _After(width, hidden_width))

    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:  # noqa: D102
        # One table of all molecules: three to six times faster than a row of all pairs, in steps with forces.
        slot = slots(batch)
        projected, *parts = self.before(features, batch, element).chunk(4, dim=1)
        query, key, value = (
            pad(part.unflatten(1, (self.num_heads, -1)), slot, batch, 0.0).transpose(1, 2) for part in parts
        )
        weights = faded_softmax(query @ key.mT / math.sqrt(key.shape[-1]), self.fading(batch, slot).unsqueeze(1))
        attended = unpad((weights @ value).transpose(1, 2), slot).flatten(1)
        energies: Tensor = self.after(torch.cat([projected, attended], dim=1), batch, element)
        return energies.squeeze(-1)

    def fading(self, batch: Batch, slot: Tensor) -> Tensor:
        """How much each atom of a molecule is felt by each, f: shape (molecules, largest_molecule, largest_molecule).

        Args:
            batch: the molecules.
            slot: shape (atoms,), place of each atom in the table.
        """
        place = torch.arange(batch.largest_molecule, device=slot.device)
        taken = place < batch.atoms_per_molecule.unsqueeze(1)
        itself = torch.eye(len(place), dtype=torch.bool, device=slot.device)
        neighbors = taken.unsqueeze(1) & taken.unsqueeze(2) & ~itself
        if self.cutoff is None:
            return (neighbors | itself).to(batch.positions.dtype)
        positions = pad(batch.positions, slot, batch, 0.0)
        squares = (positions.unsqueeze(1) - positions.unsqueeze(2)).square().sum(dim=-1)
        # the root has no slope at zero, where atoms meet themselves
        distances = torch.where(neighbors, squares, self.cutoff**2).sqrt()
        return cosine_cutoff(distances, self.cutoff) + itself


def faded_softmax(scores: Tensor, fading: Tensor) -> Tensor:
    """Shares f exp(s) / Σ f exp(s) of the last dimension, each row of which has an f of 1.

    Args:
        scores: s, shape (…, atoms).
        fading: f, shape (…, atoms).

    Returns:
        Shape (…, atoms), each row with the sum 1; 0 where f is, whatever the score.
    """
    shares = fading * scores.masked_fill(fading == 0, -torch.inf).softmax(dim=-1)
    return shares / shares.sum(dim=-1, keepdim=True)


class _Before(nn.Module):
    """Features → x, q, k and v, one behind the other."""

    def __init__(self, num_features: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(num_features, width)
        self.query_key_value = nn.Linear(width, 3 * width)

    def forward(self, features: Tensor) -> Tensor:
        projected = self.project(features)
        return torch.cat([projected, self.query_key_value(projected)], dim=1)


class _After(nn.Module):
    """x and what was attended to, one behind the other → energy."""

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
