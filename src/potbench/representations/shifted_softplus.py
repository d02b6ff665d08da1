"""The activation of SchNet."""

from __future__ import annotations

import math

from torch import Tensor, nn


class ShiftedSoftplus(nn.Module):
    """A smooth rectifier through the origin: ln(½ eˣ + ½) = softplus(x) − ln 2, where softplus overflows for no x.

    Source: Schütt et al., NIPS 2017, 991, doi:10.48550/arXiv.1706.08566.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Of any shape, elementwise."""
        return nn.functional.softplus(values) - math.log(2)
