"""sGDML: a kernel on the inverse distances within one molecule."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor
from typing_extensions import override

from potbench.batch import Batch, Prediction
from potbench.errors import UnknownMoleculeError
from potbench.potentials.potential import Potential
from potbench.structures import SYMBOLS

TINY = 1e-24
"""Å⁻²: squared distances of descriptors below it are rounding errors, where the derivative of the root diverges."""


class SGDML(Potential):
    """Energy of one molecule, by a kernel over training frames that is symmetric under permutations of equal atoms.

    E = c + Σⱼ Σₚ (1 + dⱼₚ) exp(−dⱼₚ) (x − p xⱼ) · p wⱼ,   dⱼₚ = √5/σ |x − p xⱼ|

    over the training frames j and the permutations p of atoms; x holds 1/r of every pair of atoms. The kernel is
    that of forces: w follows from the training forces by linear equations, c from the mean of the training energies.

    Source: Chmiela, Sauceda, Müller, Tkatchenko, Nat. Commun. 9, 3887 (2018), doi:10.1038/s41467-018-06169-2.

    Everything it learns is in buffers, whose sizes are those of the training set; they are empty before it is solved.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
    """

    atomic_numbers: Tensor
    points: Tensor
    weights: Tensor
    permutations: Tensor
    length_scale: Tensor
    constant: Tensor

    def __init__(self, elements: list[str]) -> None:
        super().__init__(elements)
        self.register_buffer("atomic_numbers", torch.zeros(0, dtype=torch.int64))  # (atoms,)
        self.register_buffer("points", torch.zeros(0, 0, dtype=torch.float64))  # xⱼ, (frames, pairs), Å⁻¹
        self.register_buffer("weights", torch.zeros(0, 0, dtype=torch.float64))  # wⱼ, (frames, pairs), eV Å
        self.register_buffer("permutations", torch.zeros(0, 0, dtype=torch.int64))  # p, (permutations, pairs)
        self.register_buffer("length_scale", torch.ones((), dtype=torch.float64))  # σ, Å⁻¹
        self.register_buffer("constant", torch.zeros((), dtype=torch.float64))  # c, eV

    @property
    @override
    def num_parameters(self) -> int:
        """Return the number of coefficients: one for each force component of the training set; w follows from them."""
        return 3 * len(self.atomic_numbers) * len(self.points)

    @override
    def energies(self, batch: Batch) -> Prediction:
        num_atoms = len(self.atomic_numbers)
        first, second = torch.tril_indices(num_atoms, num_atoms, -1, device=batch.positions.device)
        positions = batch.positions.double().view(-1, num_atoms, 3)
        here = 1 / (positions[:, first] - positions[:, second]).norm(dim=2)
        points = self.points[:, self.permutations].flatten(0, 1)
        weights = self.weights[:, self.permutations].flatten(0, 1)
        # differences are computed by matrix products, seven times as fast as one by one; relative to the center of the
        # points, so that they keep their digits: the weights are of 10⁵ eV Å and cancel each other
        center = points.mean(dim=0)
        here, points = here - center, points - center
        squares = here.square().sum(dim=1, keepdim=True) + points.square().sum(dim=1) - 2 * here @ points.T
        distances = math.sqrt(5) / self.length_scale * squares.clamp(min=TINY).sqrt()
        slopes = here @ weights.T - (points * weights).sum(dim=1)
        return Prediction(self.constant + ((1 + distances) * torch.exp(-distances) * slopes).sum(dim=1))

    @override
    def refuse_unknown(self, batch: Batch) -> None:
        """Raise UnknownMoleculeError for any molecule but the one it was solved for, its atoms in the same order."""
        super().refuse_unknown(batch)
        known = self.atomic_numbers
        if not len(known):
            raise UnknownMoleculeError(
                "sGDML has not been solved, and so knows no molecule. Solve it first, with `python -m potbench fit`."
            )
        same = torch.equal(batch.atomic_numbers, known.repeat(len(batch.atoms_per_molecule)))
        if same and batch.largest_molecule == len(known):
            return
        molecules = torch.split(batch.atomic_numbers, batch.atoms_per_molecule.tolist())
        other = next(numbers for numbers in molecules if not torch.equal(numbers, known))
        raise UnknownMoleculeError(
            f"sGDML knows one molecule, {symbols(known)}, its atoms in this order, and was given {symbols(other)}. "
            "Expected structures of that molecule alone; for others choose another potential."
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # the arrays move to other devices but stay double: in single precision the sum is wrong by eV
        arrays = {name: array for name, array in self.named_buffers(recurse=False) if array.is_floating_point()}
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch has none for it
        for name, array in arrays.items():
            setattr(self, name, array.to(self.get_buffer(name).device))
        return self

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: Any) -> None:
        # take the sizes from what is loaded
        for name, array in list(self.named_buffers(recurse=False)):
            if prefix + name in state_dict:
                setattr(self, name, array.new_empty(state_dict[prefix + name].shape))
        super()._load_from_state_dict(state_dict, prefix, *arguments)


def symbols(atomic_numbers: Tensor) -> str:
    """Return atomic numbers of shape (atoms,) as chemical symbols: C O H H H H."""
    return " ".join(SYMBOLS[number] for number in atomic_numbers.tolist())
