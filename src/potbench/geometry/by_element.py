"""Atoms of each element, for what differs between elements."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from potbench.batch import Batch


def atoms_by_element(batch: Batch, element: Tensor, atomic_numbers: Sequence[int]) -> tuple[Tensor, ...]:
    """List the atoms of each element, in the order of the batch: shape (atoms of it,), int64, for each.

    How many there are is known on the host, so that nothing synchronizes with the device. In exported programs, whose
    shapes must not depend on the elements, every element has all atoms; see `in_order_of_atoms`.

    Args:
        batch: the molecules.
        element: shape (atoms,), int64, index of each atom's element.
        atomic_numbers: of the elements.
    """
    if torch.compiler.is_exporting():
        return (torch.arange(element.shape[0], device=element.device),) * len(atomic_numbers)
    order = batch.once(f"atoms by element {atomic_numbers}", lambda: torch.argsort(element, stable=True))
    return torch.split(order, [batch.atoms_per_element.get(number, 0) for number in atomic_numbers])


def in_order_of_atoms(values: Sequence[Tensor], atoms: Sequence[Tensor], element: Tensor) -> Tensor:
    """Bring values of the atoms of each element into the order of the batch.

    Args:
        values: shape (atoms of it, outputs) for each element.
        atoms: from `atoms_by_element`.
        element: shape (atoms,), int64, index of each atom's element.

    Returns:
        Shape (atoms, outputs).
    """
    if torch.compiler.is_exporting():
        every = torch.stack(list(values))
        return every.gather(0, element.view(1, -1, 1).expand(1, -1, every.shape[2])).squeeze(0)
    together = torch.cat(list(values))
    return torch.empty_like(together).index_copy(0, torch.cat(list(atoms)), together)
