from __future__ import annotations

import pytest
from ase import Atoms
from ase.build import molecule

from potbench.examination.dimers import Dimers
from potbench.examination.protocol import MODES
from potbench.potentials.sgdml import SGDML
from tests.examination.findings import of, verdicts
from tests.examination.toys import Bottomless, CutOff, Flat, Kinked, Morse, Stepped, subject

HYDROGEN = Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])


@pytest.mark.parametrize("mode", ["fast", "standard"])
def test_a_morse_potential_passes(mode: str) -> None:
    found = Dimers().examine(subject(Morse(["H"]), HYDROGEN), MODES[mode])
    assert set(verdicts(found).values()) == {"pass"}
    assert of(found, "jump").value < 1e-5
    (line,) = found.figures[0].lines
    assert (line.label, line.x[0], line.x[-1]) == ("H–H", pytest.approx(0.3), pytest.approx(6.5))
    assert line.y[-1] == 0
    assert min(line.y) == pytest.approx(-4.5, rel=0.01)


def test_every_pair_of_elements_is_examined() -> None:
    found = Dimers().examine(subject(Morse(["H", "O", "C"]), molecule("CH3OH")), MODES["dev"])
    assert [line.label for line in found.figures[0].lines] == ["H–H", "H–C", "H–O", "C–C", "C–O", "O–O"]


@pytest.mark.parametrize(
    ("potential", "failing"),
    [
        (Bottomless, ["no rise of the energy at short range", "fall of the energy at short range"]),
        (Flat, ["no rise of the energy at short range"]),
        (Kinked, ["largest jump of a force"]),
        (Stepped, ["largest step of the energy"]),
    ],
)
def test_what_is_wrong_with_a_potential_is_what_fails(potential: type[Morse], failing: list[str]) -> None:
    found = Dimers().examine(subject(potential(["H"]), HYDROGEN), MODES["fast"])
    assert [quantity for quantity, verdict in verdicts(found).items() if verdict == "FAIL"] == failing


def test_a_step_at_the_cutoff_is_a_jump_and_long_range_is_not_lone_atoms() -> None:
    found = Dimers().examine(subject(CutOff(["H"]), HYDROGEN), MODES["fast"])
    assert of(found, "jump").verdict == "FAIL"
    assert of(found, "jump").value == pytest.approx(1.4, rel=0.1)  # the slope that ends there, in eV/Å
    long = Morse(["H"])
    long.cutoff, long.length = 1.0, 0.5
    long.of = lambda distances: -1 / distances  # type: ignore[method-assign]
    assert of(Dimers().examine(subject(long, HYDROGEN), MODES["dev"]), "lone atoms").value == pytest.approx(1 / 1.5)


def test_a_potential_of_one_molecule_refuses_dimers() -> None:
    (found,) = Dimers().examine(subject(SGDML(["H"]), HYDROGEN), MODES["dev"]).findings
    assert found.verdict == "refused"
    assert "sGDML" in found.note
