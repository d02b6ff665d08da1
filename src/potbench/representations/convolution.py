"""Messages between the two atoms of a pair."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.geometry.pairs import Pairs


def convolve(features: Tensor, filters: Tensor, pairs: Pairs) -> Tensor:
    """Sum over neighbours, yᵢ = Σⱼ Wᵢⱼ ⊙ xⱼ, where both atoms of a pair see the other through the same filter.

    Args:
        features: x, shape (atoms, …).
        filters: W, shape (pairs, …), broadcast against the features.
        pairs: who is whose neighbour.

    Returns:
        Shape of the features.
    """
    to_first = filters * features.index_select(0, pairs.second)
    to_second = filters * features.index_select(0, pairs.first)
    return torch.zeros_like(features).index_add(0, pairs.first, to_first).index_add(0, pairs.second, to_second)
