"""One network for each element."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.by_element import atoms_by_element, in_order_of_atoms
from potbench.structures import SYMBOLS


class PerElement(nn.Module):
    """A separate network for the atoms of each element; results are in the order of the atoms.

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
        atoms = atoms_by_element(batch, element, self.atomic_numbers)
        # selected element by element, so that rows are still in the processor's cache when their network reads them
        pairs = zip(self.networks.values(), atoms, strict=True)
        return in_order_of_atoms([network(features.index_select(0, own)) for network, own in pairs], atoms, element)
