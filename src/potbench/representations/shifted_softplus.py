"""The activation of SchNet."""

from __future__ import annotations

import math

from torch import Tensor, nn


class ShiftedSoftplus(nn.Module):
    """Smooth rectifier through the origin: ln(½ eˣ + ½) = softplus(x) − ln 2, which does not overflow.

    Source: Schütt et al., NIPS 2017, 991, doi:10.48550/arXiv.1706.08566.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Apply it to each element; any shape."""
        return nn.functional.softplus(values) - math.log(2)
