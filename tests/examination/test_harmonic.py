from __future__ import annotations

import math

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.data import atomic_masses
from ase.optimize import BFGS
from ase.vibrations import Vibrations

from potbench.batch import Batch, Prediction
from potbench.examination.harmonic import Harmonic
from potbench.examination.protocol import MODES
from potbench.inference.calculator import Calculator
from tests.examination.findings import of, verdicts
from tests.examination.toys import Ethane, Flat, Morse, Pointed, subject
from tests.inference.toy import Springs

HYDROGEN = Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])
ETHANE = molecule("C2H6")
DEV = MODES["dev"]


def wavenumber(stiffness: float, mass: float) -> float:
    """√(k/m) / 2πc in cm⁻¹, of k in eV/Å² and m in Da."""
    return math.sqrt(stiffness * 1.602176634e1 / (mass * 1.66053906660e-27)) / (2 * math.pi * 2.99792458e10)


def test_a_diatomic_molecule_vibrates_as_a_spring_does() -> None:
    found = Harmonic().examine(subject(Springs(["H"]), HYDROGEN), DEV)
    expected = wavenumber(Springs.stiffness, atomic_masses[1] / 2)
    (line,) = found.figures[0].lines
    assert line.y == (pytest.approx(expected, rel=1e-5),)
    assert of(found, "zero-point energy").value == pytest.approx(expected / 2 * 1.239841984e-4, rel=1e-5)
    assert of(found, "rotation").note == "Of 5."
    assert set(verdicts(found).values()) == {"pass", ""}


def test_vibrations_are_those_of_ase(tmp_path) -> None:
    ethane = subject(Ethane(ETHANE), ETHANE)
    found = Harmonic().examine(ethane, DEV)
    atoms = ETHANE.copy()
    atoms.calc = Calculator(ethane.potential)
    vibrations = Vibrations(atoms, name=str(tmp_path / "ase"), delta=1e-3)
    vibrations.run()
    expected = np.sort(vibrations.get_frequencies().real)[6:]
    assert found.figures[0].lines[0].y == pytest.approx(expected, abs=0.1)
    assert len(expected) == 3 * 8 - 6
    assert set(verdicts(found).values()) == {"pass", ""}


def test_a_molecule_that_does_not_vibrate_at_all_fails() -> None:
    found = of(Harmonic().examine(subject(Flat(["H"]), HYDROGEN), DEV), "vibrations missing")
    assert (found.verdict, found.value, found.note) == ("FAIL", 1, "None is above 20 cm⁻¹.")


class Saddle(Ethane):
    """The staggered ethane is at the top of the barrier."""

    barrier = -0.125


class Tied(Springs):
    """Springs to the origin, of 0.1 eV/Å²: it feels where a molecule is."""

    def energies(self, batch: Batch) -> Prediction:
        found = super().energies(batch)
        of_atoms = 0.05 * batch.positions.square().sum(dim=1)
        return found._replace(energy=found.energy.index_add(0, batch.molecule_index, of_atoms))


def test_a_saddle_point_has_an_imaginary_vibration() -> None:
    found = of(Harmonic().examine(subject(Saddle(ETHANE), ETHANE), DEV), "imaginary")
    assert (found.verdict, found.unit) == ("FAIL", "cm⁻¹")
    expected = Harmonic().examine(subject(Ethane(ETHANE), ETHANE), DEV).figures[0].lines[0].y[0]
    assert found.value == pytest.approx(expected, rel=0.15)  # the torsion, its curvature reversed


def test_a_potential_that_feels_where_a_molecule_is_fails() -> None:
    centered = Atoms("H2", [[0, 0, -0.4], [0, 0, 0.4]])
    found = of(Harmonic().examine(subject(Tied(["H"]), centered), DEV), "rotation")
    assert found.verdict == "FAIL"
    assert found.value == pytest.approx(wavenumber(0.1, atomic_masses[1]), rel=0.01)


class NotANumber(Morse):
    """Its forces are NaN in batches: beside the minimum."""

    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        found = super().forward(batch, forces)
        return found._replace(forces=np.nan * found.forces) if len(found.energy) > 1 and forces else found


def test_forces_that_are_no_numbers_fail() -> None:
    found = Harmonic().examine(subject(NotANumber(["H"]), HYDROGEN), DEV)
    assert of(found, "rotation").verdict == "FAIL"
    assert of(found, "rotation").value is None


def test_without_a_minimum_there_are_no_vibrations() -> None:
    found = Harmonic().examine(subject(Pointed(["H"]), HYDROGEN), DEV)
    assert verdicts(found) == {"largest force at the minimum": "FAIL"}
    assert of(found, "minimum").value == pytest.approx(0.02, abs=0.005)


def test_a_single_atom_does_not_vibrate() -> None:
    (found,) = Harmonic().examine(subject(Morse(["H"]), Atoms("H")), DEV).findings
    assert (found.verdict, found.note) == ("refused", "A single atom does not vibrate.")


def test_where_the_level_of_theory_is_at_hand_it_is_the_reference(tmp_path) -> None:
    tblite = pytest.importorskip("tblite.ase")
    atoms = HYDROGEN.copy()
    atoms.calc = tblite.TBLite(method="GFN2-xTB", verbosity=0)
    BFGS(atoms, logfile=None).run(fmax=1e-3)
    vibrations = Vibrations(atoms, name=str(tmp_path / "ase"))
    vibrations.run()
    found = Harmonic().examine(subject(Springs(["H"]), HYDROGEN, theory="GFN2-xTB"), DEV)
    own, reference = found.figures[0].lines
    error = of(found, "mean error of frequencies")
    assert reference.y[0] == pytest.approx(vibrations.get_frequencies().real.max(), rel=1e-3)
    assert error.value == pytest.approx(abs(own.y[0] - reference.y[0]))
    assert (error.verdict, error.unit, error.note) == ("", "cm⁻¹", "The reference is GFN2-xTB.")
    assert of(found, "error of the zero-point energy").value == pytest.approx(
        (own.y[0] - reference.y[0]) / 2 * 1.239841984e-4, rel=1e-5
    )


@pytest.mark.parametrize(
    ("theory", "mode", "note"),
    [
        ("", "fast", "the level of theory is not known"),
        ("not stated", "fast", "the level of theory is not known"),
        ("CCSD(T)", "standard", "There is no reference, for CCSD(T)."),
        ("PBE/def2-SVP", "fast", "computed in the mode standard alone"),
    ],
)
def test_without_a_reference_the_zero_point_energy_says_why(theory: str, mode: str, note: str) -> None:
    found = Harmonic().examine(subject(Springs(["H"]), HYDROGEN, theory=theory), MODES[mode])
    assert note in of(found, "zero-point energy").note
    assert len(found.figures[0].lines) == 1
