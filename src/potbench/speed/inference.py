"""Single molecules by calculators of ASE: the libraries' own and potbench's, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import molecule
from rich import box
from rich.table import Table
from typing_extensions import override

from potbench.errors import MissingPackageError
from potbench.speed.calculators import calculators, of_libraries, of_sgdml
from potbench.speed.report import Report
from potbench.speed.rival import time_calls
from potbench.speed.rivals import Rival
from potbench.speed.spread import Spread

Timed = Callable[[Atoms, int], float]
"""A molecule and how often it is computed → milliseconds of a call."""
ASPIRIN = Atoms(
    "CCOOCCCCCCCOOHHHHHHHH",
    [
        *[(3.08, 1.18, -0.84), (2.03, 0.46, -0.04), (2.10, 0.25, 1.16), (1.01, 0.07, -0.90), (-0.06, -0.53, -0.22)],
        *[(-0.10, -1.93, -0.24), (-1.15, -2.59, 0.40), (-2.16, -1.86, 1.03), (-2.12, -0.46, 1.03)],
        *[(-1.07, 0.22, 0.40), (-1.03, 1.71, 0.37), (-0.23, 2.41, -0.21), (-2.04, 2.26, 1.08), (2.63, 2.04, -1.35)],
        *[(3.53, 0.50, -1.56), (3.86, 1.55, -0.17), (0.68, -2.50, -0.73), (-1.19, -3.68, 0.40)],
        *[(-2.97, -2.38, 1.53), (-2.92, 0.08, 1.53), (-1.88, 3.22, 0.98)],
    ],
)


@dataclass(frozen=True)
class Calls:
    """Calls for energy and forces of one molecule, by two calculators in turns.

    Args:
        network: which.
        molecule: its formula.
        atoms: how many it has.
        package: whose calculator potbench's is compared with.
        theirs: CPU milliseconds of a call.
        ours: CPU milliseconds of a call.
        ratio: of ours to theirs, turn by turn.
    """

    network: str
    molecule: str
    atoms: int
    package: str
    theirs: Spread
    ours: Spread
    ratio: Spread


@dataclass(frozen=True, kw_only=True)
class InferenceReport(Report):
    """Figures of single calls.

    Args:
        rounds: how many turns were timed.
        calls: of each network and molecule.
        notes: why what could be there is not.
    """

    rounds: int
    calls: list[Calls]
    notes: list[str] = field(default_factory=list)

    @override
    def tables(self) -> Iterator[Table]:
        table = Table("Energy and forces", "", "Library", box=box.SIMPLE, caption="\n".join(self.notes) or None)
        for name in ("Its calculator (CPU ms)", "potbench (CPU ms)", "potbench / its"):
            table.add_column(name, justify="right")
        for found in self.calls:
            name = f"{found.molecule}, {found.atoms} atoms"
            figures = found.theirs.text(".2f"), found.ours.text(".2f"), found.ratio.text(".2f")
            table.add_row(found.network, name, found.package, *figures)
        yield table


def measure(calls: int, num_rounds: int, rivals: Mapping[str, Rival] | None = None) -> InferenceReport:
    """Let the calculators take turns.

    Args:
        calls: in a turn.
        num_rounds: turns that are timed; one before them is not.
        rivals: network → a calculator in another process, which has weights of its own.

    Raises:
        ValueError: two calculators of the same weights do not give the same forces.
    """
    found: list[Calls] = []
    notes: list[str] = []
    for atoms in (molecule("CH3CH2OH"), ASPIRIN):

        def take_turns(network: str, library: str, theirs: Timed, ours: Any, atoms: Atoms = atoms) -> None:
            turns = [(theirs(atoms, calls), time_calls(ours, atoms, calls)) for _ in range(num_rounds + 1)][1:]
            their, our = zip(*turns, strict=True)
            ratio = Spread.of([one / other for other, one in turns])
            name = atoms.get_chemical_formula()
            found.append(Calls(network, name, len(atoms), library, Spread.of(their), Spread.of(our), ratio))

        ours = calculators()
        for network, (library, theirs) in of_libraries(ours).items():
            require_same_forces(network, atoms, theirs, ours[network])
            take_turns(network, library, partial(time_calls, theirs), ours[network])
        try:
            theirs, solved = of_sgdml(atoms)
        except MissingPackageError as error:
            notes = [str(error)]
        else:
            require_same_forces("sGDML", atoms, theirs, solved)
            take_turns("sGDML", "sGDML", partial(time_calls, theirs), solved)
        for network, rival in (rivals or {}).items():
            take_turns(network, rival.package, rival.time_calls, ours["Hybrid" if network == "MACE" else network])
    order = {network: place for place, network in reversed([*enumerate(one.network for one in found)])}
    found.sort(key=lambda one: (order[one.network], one.package))
    data = "ethanol and aspirin, one at a time"
    return InferenceReport(data=data, rounds=num_rounds, calls=found, notes=notes)


def require_same_forces(network: str, molecule: Atoms, theirs: Any, ours: Any) -> None:
    """Raise ValueError unless two calculators give the same forces, up to rounding."""
    one, other = molecule.copy(), molecule.copy()
    one.calc, other.calc = theirs, ours
    difference = np.abs(one.get_forces() - other.get_forces()).max()
    largest = np.abs(other.get_forces()).max()
    if not difference < 1e-3 * largest:
        raise ValueError(
            f"The forces of {network} differ by {difference:.3g} eV/Å of {largest:.3g}, expected the same up to "
            "rounding: the comparison would not be fair. This is a mistake in potbench; please report it."
        )
