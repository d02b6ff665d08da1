"""sGDML: a kernel on the inverse distances within one molecule."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor
from typing_extensions import override

from potbench.batch import Batch, Prediction
from potbench.errors import UnknownMoleculeError
from potbench.potentials.potential import Potential
from potbench.structures import SYMBOLS

TINY = 1e-24
"""Å⁻²: squared distances of descriptors below it are rounding errors, where the derivative of the root diverges."""


class Kernel(NamedTuple):
    """The points of the kernel, every permutation of each training frame, and what each contributes at a descriptor.

    Attributes:
        center: mean of the points, shape (pairs,), in Å⁻¹.
        points: relative to the center, shape (points, pairs), in Å⁻¹.
        weights: shape (points, pairs), in eV Å.
        squares: of the points, shape (points,), in Å⁻².
        products: of points and weights, shape (points,), in eV.
    """

    center: Tensor
    points: Tensor
    weights: Tensor
    squares: Tensor
    products: Tensor

    @classmethod
    def of(cls, points: Tensor, weights: Tensor, permutations: Tensor) -> Self:
        """Return the points of training frames, under all permutations."""
        every = points[:, permutations].flatten(0, 1)
        weights = weights[:, permutations].flatten(0, 1)
        # relative to the center they keep their digits in products: weights are of 10⁵ eV Å and cancel each other
        center = every.mean(dim=0)
        every = every - center
        return cls(center, every, weights, every.square().sum(dim=1), (every * weights).sum(dim=1))


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
        self._last: tuple[tuple[Tensor, ...], list[int], Kernel] | None = None

    @property
    @override
    def num_parameters(self) -> int:
        """Return the number of coefficients: one for each force component of the training set; w follows from them."""
        return 3 * len(self.atomic_numbers) * len(self.points)

    @override
    def energies(self, batch: Batch) -> Prediction:
        here, _, _ = self._descriptors(batch)
        distances, slopes = self._at(here, self._kernel())
        return Prediction(self.constant + ((1 + distances) * torch.exp(-distances) * slopes).sum(dim=1))

    @override
    def energies_and_gradient(self, batch: Batch) -> tuple[Prediction, Tensor]:
        if self.training:  # where it is differentiated again
            return super().energies_and_gradient(batch)
        with torch.no_grad():
            kernel = self._kernel()
            here, vectors, pairs = self._descriptors(batch)
            distances, slopes = self._at(here, kernel)
            falling = torch.exp(-distances)
            rising = (1 + distances) * falling
            steep = 5 / self.length_scale**2 * falling * slopes
            to_here = rising @ kernel.weights + steep @ kernel.points
            to_here -= steep.sum(dim=1, keepdim=True) * (here - kernel.center)
            along = -(to_here * here**3).unsqueeze(2) * vectors
            gradient = torch.zeros(len(here), len(self.atomic_numbers), 3, dtype=along.dtype, device=along.device)
            gradient.index_add_(1, pairs[0], along).index_add_(1, pairs[1], -along)
            energy = self.constant + (rising * slopes).sum(dim=1)
        return Prediction(energy), gradient.view(-1, 3).to(batch.positions.dtype)

    def _descriptors(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return 1/r of all pairs of each molecule, (molecules, pairs), their vectors and their atoms, (2, pairs)."""
        num_atoms = len(self.atomic_numbers)
        pairs = batch.once("pairs of sGDML", lambda: torch.tril_indices(num_atoms, num_atoms, -1, device=self.device))
        positions = batch.positions.double().view(-1, num_atoms, 3)
        vectors = positions[:, pairs[0]] - positions[:, pairs[1]]
        return 1 / vectors.norm(dim=2), vectors, pairs

    def _at(self, here: Tensor, kernel: Kernel) -> tuple[Tensor, Tensor]:
        """Return √5/σ |x − p xⱼ| and (x − p xⱼ) · p wⱼ, shape (molecules, points) each, by matrix products."""
        here = here - kernel.center
        squares = here.square().sum(dim=1, keepdim=True) + kernel.squares - 2 * here @ kernel.points.T
        distances = math.sqrt(5) / self.length_scale * squares.clamp(min=TINY).sqrt()
        return distances, here @ kernel.weights.T - kernel.products

    def _kernel(self) -> Kernel:
        """Return the points of the kernel; those of the last call, unless what they come from has changed."""
        sources = (self.points, self.weights, self.permutations)
        if torch.compiler.is_exporting():  # what is traced may not outlive it
            return Kernel.of(*sources)
        versions = [source._version for source in sources]
        known = self._last
        is_known = known is not None and known[1] == versions and all(map(operator.is_, known[0], sources))
        if known is None or not is_known:
            known = self._last = (sources, versions, Kernel.of(*sources))
        return known[2]

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
