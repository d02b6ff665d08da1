"""Messages between the two atoms of a pair."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.geometry.pairs import Pairs


def convolve(features: Tensor, filters: Tensor, pairs: Pairs) -> Tensor:
    """Sum over neighbors, yᵢ = Σⱼ Wᵢⱼ ⊙ xⱼ, with one filter for both atoms of a pair.

    Args:
        features: x, shape (atoms, …).
        filters: W, shape (pairs, …), broadcast against the features.
        pairs: the neighbors, each pair once.

    Returns:
        Shape of the features.
    """
    to_first = filters * features.index_select(0, pairs.second)
    to_second = filters * features.index_select(0, pairs.first)
    # in mixed precision, features can be of lower precision than what is summed
    nothing = torch.zeros_like(features, dtype=to_first.dtype)
    return nothing.index_add(0, pairs.first, to_first).index_add(0, pairs.second, to_second)
