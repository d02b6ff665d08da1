"""A linear combination of the features."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.readouts.readout import Readout


class Linear(Readout):
    """Atomic energies that are linear in the features: eᵢ = w(elementᵢ) · Gᵢ / √F + b(elementᵢ), of F features.

    Trained like any readout, or solved at once, by `potbench.training.LeastSquaresTask`.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of the features of an atom.
    """

    def __init__(self, elements: list[str], num_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(len(elements), num_features) / math.sqrt(num_features))
        self.bias = nn.Parameter(torch.zeros(len(elements)))

    @override
    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:
        # of every element for every atom, since a copy of the weights for each atom would take far more memory
        energies = features @ self.weight.T / math.sqrt(max(1, self.weight.shape[1])) + self.bias
        return energies.gather(1, element.unsqueeze(1)).squeeze(1)

    def resize(self, num_features: int) -> None:
        """Give every element as many weights, all zero."""
        self.weight = nn.Parameter(self.weight.new_zeros(len(self.weight), num_features))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: Any) -> None:
        # a representation may have found that it needs fewer features than it would have by its settings
        loaded = state_dict.get(f"{prefix}weight")
        if loaded is not None and loaded.dim() == 2:
            self.resize(loaded.shape[1])
        super()._load_from_state_dict(state_dict, prefix, *arguments)
