"""Envelopes that bring interactions smoothly to zero at a cutoff."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def cosine_cutoff(distances: Tensor, cutoff: float) -> Tensor:
    """Compute the cosine envelope, 1 at distance 0 and 0 from the cutoff on, with a continuous slope.

    f(r) = ½ + ½ cos(π r / r_c)   for r < r_c

    Source: Behler, Parrinello, Phys. Rev. Lett. 98, 146401 (2007), doi:10.1103/PhysRevLett.98.146401.

    Args:
        distances: of any shape, in Å.
        cutoff: r_c in Å.

    Returns:
        Shape of the distances, between 0 and 1, without unit.
    """
    return 0.5 + 0.5 * torch.cos(distances.clamp(max=cutoff) * (math.pi / cutoff))
