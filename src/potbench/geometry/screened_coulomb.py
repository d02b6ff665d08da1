"""Repulsion of two nuclei that the electrons of their atoms screen."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.units import BOHR, COULOMB

HEIGHTS = (0.18175, 0.50986, 0.28022, 0.02817)
DECAYS = (3.19980, 0.94229, 0.40290, 0.20162)


def universal_screening(distances: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Compute the universal potential of Ziegler, Biersack and Littmark (ZBL).

    V(r) = Z₁ Z₂ e²/4πε₀ / r · Σₖ cₖ exp(−dₖ r / a),   a = 0.8854 a₀ / (Z₁^0.23 + Z₂^0.23)

    Source: Ziegler, Biersack, Littmark, The Stopping and Range of Ions in Solids, Pergamon (1985).

    Args:
        distances: r, shape (pairs,), in Å, above zero.
        first: Z₁, shape (pairs,), atomic numbers, floating point.
        second: Z₂, shape (pairs,).

    Returns:
        V, shape (pairs,), in eV.
    """
    reduced = distances * (first**0.23 + second**0.23) / (0.8854 * BOHR)
    screening = torch.zeros_like(reduced)
    for height, decay in zip(HEIGHTS, DECAYS, strict=True):
        screening = screening + height * torch.exp(-decay * reduced)
    return COULOMB * first * second / distances * screening
