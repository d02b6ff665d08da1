"""One network for each element."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.structures import SYMBOLS


class PerElement(nn.Module):
    """Sends the atoms of each element through a network of their own, and puts the results back in order.

    The counts of each element are known on the host, so the device is never asked how many there are.

    Args:
        elements: chemical symbols.
        network: chemical symbol → network from (atoms, features) to (atoms, outputs).
    """

    def __init__(self, elements: list[str], network: Callable[[str], nn.Module]) -> None:
        super().__init__()
        self.atomic_numbers = [SYMBOLS.index(symbol) for symbol in elements]
        self.networks = nn.ModuleDict({symbol: network(symbol) for symbol in elements})

    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:
        """Shape (atoms, features) → (atoms, outputs)."""
        order = torch.argsort(element, stable=True)
        counts = [batch.atoms_per_element.get(number, 0) for number in self.atomic_numbers]
        # picked element by element, so that rows are still near the processor when their network reads them
        pairs = zip(self.networks.values(), torch.split(order, counts), strict=True)
        results = [network(features.index_select(0, atoms)) for network, atoms in pairs]
        outputs = torch.cat(results)
        return torch.empty_like(outputs).index_copy(0, order, outputs)
