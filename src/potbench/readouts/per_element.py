"""One network for each element."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.structures import SYMBOLS


class PerElement(nn.Module):
    """A separate network for the atoms of each element; results are in the order of the atoms.

    The number of atoms of each element is known on the host, so that nothing synchronizes with the device.

    Args:
        elements: chemical symbols.
        network: chemical symbol → network from (atoms, features) to (atoms, outputs).
    """

    def __init__(self, elements: list[str], network: Callable[[str], nn.Module]) -> None:
        super().__init__()
        self.atomic_numbers = [SYMBOLS.index(symbol) for symbol in elements]
        self.networks = nn.ModuleDict({symbol: network(symbol) for symbol in elements})

    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:
        """Apply the networks: shape (atoms, features) → (atoms, outputs)."""
        order = torch.argsort(element, stable=True)
        counts = [batch.atoms_per_element.get(number, 0) for number in self.atomic_numbers]
        # selected element by element, so that rows are still in the processor's cache when their network reads them
        pairs = zip(self.networks.values(), torch.split(order, counts), strict=True)
        results = [network(features.index_select(0, atoms)) for network, atoms in pairs]
        outputs = torch.cat(results)
        return torch.empty_like(outputs).index_copy(0, order, outputs)
