"""The physical laws as functions: (potential, batch) → largest violation.

They need no more than the contract of a potential, on the CPU and in float64, which must also be the default dtype:
`check` sets it, and so do the tests, which call the same functions.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch

from potbench.batch import Batch
from potbench.errors import UnknownMoleculeError
from potbench.laws import batching, forces, locality, precision, symmetry
from potbench.laws.precision import default_dtype
from potbench.potentials.potential import Potential

__all__ = ["LAWS", "Law", "check"]


class Law(NamedTuple):
    """A law, and the violation that rounding explains.

    Attributes:
        name: a few words for tables.
        function: (potential, batch) → largest violation; the first line of its docstring states the law.
        tolerance: violations up to this are rounding errors.
        unit: of violation and tolerance.
    """

    name: str
    function: Callable[[Potential, Batch], float]
    tolerance: float
    unit: str


# Symmetries hold to rounding of totals of 10⁴ eV; finite differences to their step times a curvature, of up to
# 10² eV/Å² for bonds; through the cutoff, to a slope times the distance between the two places.
LAWS = (
    Law("shift", symmetry.shift, 1e-8, "eV or eV/Å"),
    Law("rotation", symmetry.rotation, 1e-8, "eV or eV/Å"),
    Law("reflection", symmetry.reflection, 1e-8, "eV or eV/Å"),
    Law("order of equal atoms", symmetry.order_of_equal_atoms, 1e-8, "eV or eV/Å"),
    Law("order of atoms", symmetry.order_of_atoms, 1e-8, "eV or eV/Å"),
    Law("gradient", forces.gradient, 1e-4, "eV/Å"),
    Law("net force", forces.net_force, 1e-8, "eV/Å"),
    Law("net torque", forces.net_torque, 1e-8, "eV"),
    Law("second derivatives", forces.second_derivatives, 1e-3, "eV/Å²"),
    Law("training gradient", forces.training_gradient, 1e-3, "eV/Å per weight"),
    Law("batch mates", batching.batch_mates, 1e-8, "eV or eV/Å"),
    Law("order of molecules", batching.order_of_molecules, 1e-8, "eV or eV/Å"),
    Law("batch of one", batching.batch_of_one, 1e-8, "eV or eV/Å"),
    Law("single atom", batching.single_atom, 1e-8, "eV/Å"),
    Law("through the cutoff", locality.through_the_cutoff, 1e-4, "eV or eV/Å"),
    Law("work", locality.work, 1e-4, "eV"),
    Law("far apart", locality.far_apart, 1e-8, "eV or eV/Å"),
    Law("single precision", precision.single_precision, 1e-4, "relative"),
)
"""Every law, in the order in which tables list them."""


def check(potential: Potential, batch: Batch) -> list[tuple[Law, float | None]]:
    """Test a copy of a potential against every law, on the CPU and in float64.

    Args:
        potential: left as it is.
        batch: a few molecules of different sizes, on the CPU.

    Returns:
        Each law with the largest violation of it, in the order of LAWS, not to be above its tolerance; None where the
        potential refuses the molecules that the law asks it about.
    """
    double = batch.with_positions(batch.positions.detach().double())
    with default_dtype(torch.float64):
        tested = copy.deepcopy(potential).cpu().double().eval()
        return [(law, _violation(law, tested, double)) for law in LAWS]


def _violation(law: Law, potential: Potential, batch: Batch) -> float | None:
    try:
        return law.function(potential, batch)
    except UnknownMoleculeError:
        return None
