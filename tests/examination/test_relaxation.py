from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from potbench.errors import UnknownMoleculeError
from potbench.examination.protocol import MODES
from potbench.examination.relaxation import Relaxation
from tests.examination.findings import of, verdicts
from tests.examination.toys import Morse, PairPotential, subject


def hydrogen(*lengths: float) -> list[Atoms]:
    return [Atoms("H2", [[0, 0, 0], [0, 0, length]]) for length in lengths]


def test_frames_go_to_one_minimum() -> None:
    found = Relaxation().examine(subject(Morse(["H"]), *hydrogen(*np.linspace(0.65, 0.8, 9))), MODES["fast"])
    assert set(verdicts(found).values()) == {"pass", ""}
    assert of(found, "spread").value < 1e-5
    before, after = found.figures[0].lines
    assert before.x == (0, 3, 5, 8)  # evenly chosen
    assert max(after.y) < 1e-5 < min(before.y)


class Repulsion(PairPotential):
    def of(self, distances):
        return 1 / distances


class Attraction(PairPotential):
    def of(self, distances):
        return 5 * distances


def test_bonds_that_break_fail() -> None:
    found = Relaxation().examine(subject(Repulsion(["H"]), *hydrogen(0.7, 0.8)), MODES["fast"])
    assert of(found, "bonds").value == 1
    assert of(found, "bonds").verdict == "FAIL"
    assert of(found, "higher energy").verdict == "pass"


def test_molecules_that_collapse_neither_converge_nor_stay_whole() -> None:
    found = Relaxation().examine(subject(Attraction(["H"]), *hydrogen(0.7)), MODES["dev"])
    assert (of(found, "converge").verdict, of(found, "bonds").verdict) == ("FAIL", "FAIL")
    assert not found.figures


class Uphill(Morse):
    """Its forces point away from the minimum."""

    def forward(self, batch, forces=False):
        found = super().forward(batch, forces)
        return found if found.forces is None else found._replace(forces=-found.forces)


def test_an_energy_that_rises_fails() -> None:
    found = Relaxation().examine(subject(Uphill(["H"]), *hydrogen(0.8)), MODES["dev"])
    assert of(found, "higher energy").verdict == "FAIL"


def test_an_unknown_molecule_is_refused() -> None:
    with pytest.raises(UnknownMoleculeError, match="does not know H"):
        Relaxation().examine(subject(Morse(["O"]), *hydrogen(0.8)), MODES["dev"])
