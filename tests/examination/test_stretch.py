from __future__ import annotations

import math

import pytest
import torch
from ase import Atoms
from ase.build import molecule
from torch import Tensor

from potbench.examination.protocol import MODES
from potbench.examination.stretch import Stretch
from potbench.geometry.pairs import pairs_in_molecules
from potbench.potentials.molecules import batch_of
from tests.examination.findings import of, verdicts
from tests.examination.toys import (
    Bottomless,
    Kinked,
    KinkedBesideAWall,
    Morse,
    PairPotential,
    Pointed,
    SecondMinimum,
    Steep,
    Stepped,
    Unconservative,
    subject,
)

HYDROGEN = Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])
MINIMA, HOLE, SLOPE, STEP, JUMP = "minima", "fall", "|F + dE/dr|", "step", "jump"


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_morse_potential_passes(mode) -> None:
    found = Stretch().examine(subject(Morse(["H"]), HYDROGEN), mode)
    assert set(verdicts(found).values()) == {"pass"}
    assert of(found, SLOPE).value < 1e-4
    assert of(found, JUMP).value < 1e-5
    energy, force = found.figures
    assert energy.lines[0].label == "H–H (0, 1)"
    lengths = energy.lines[0].x
    assert (len(lengths), lengths[-1] / lengths[0]) == (mode.scan_points, pytest.approx(1.8 / 0.7))
    for length, height in zip(lengths, energy.lines[0].y, strict=True):
        curve = Morse.depth * ((1 - math.exp(-Morse.range * (length - Morse.length))) ** 2 - 1)
        assert height == pytest.approx(curve * (1 - (length / 6) ** 4) ** 2 + Morse.depth, abs=5e-3)
    assert force.lines[0].y[0] > 0 > force.lines[0].y[-1]


@pytest.mark.parametrize(
    ("potential", "failing"),
    [
        (SecondMinimum, {MINIMA}),
        (Bottomless, {HOLE}),
        (Kinked, {JUMP}),
        (KinkedBesideAWall, {JUMP}),
        (Stepped, {STEP}),
        (Unconservative, {SLOPE}),
    ],
)
@pytest.mark.parametrize("mode", ["fast", "standard"])
def test_what_is_wrong_with_a_potential_is_what_fails(potential: type[Morse], failing: set[str], mode: str) -> None:
    found = Stretch().examine(subject(potential(["H"]), HYDROGEN), MODES[mode])
    failed = {quantity for quantity, verdict in verdicts(found).items() if verdict == "FAIL"}
    assert {
        next(word for word in (MINIMA, HOLE, SLOPE, STEP, JUMP) if word in quantity) for quantity in failed
    } == failing


def test_a_jump_has_its_height() -> None:
    found = of(Stretch().examine(subject(Kinked(["H"]), HYDROGEN), MODES["fast"]), JUMP)
    assert found.value == pytest.approx(Kinked.jump, rel=0.01)
    assert found.note == "Of H–H (0, 1) at 1 Å."


def test_a_step_has_its_height() -> None:
    found = of(Stretch().examine(subject(Stepped(["H"]), HYDROGEN), MODES["fast"]), STEP)
    assert found.value == pytest.approx(0.05, rel=0.01)
    assert found.note == "Of H–H (0, 1) at 1 Å."


def test_a_steep_wall_is_neither_a_jump_nor_a_wrong_force() -> None:
    found = Stretch().examine(subject(Steep(["H"]), HYDROGEN), MODES["fast"])
    assert set(verdicts(found).values()) == {"pass"}


def test_a_hole_has_its_depth() -> None:
    potential = Bottomless(["H"])
    found = Stretch().examine(subject(potential, HYDROGEN), MODES["standard"])
    heights = found.figures[0].lines[0].y[:20]
    assert of(found, HOLE).value == pytest.approx(max(heights) - heights[0])
    assert heights[0] < max(heights)


def test_forces_that_jump_at_the_minimum_are_seen_to_jump() -> None:
    found = of(Stretch().examine(subject(Pointed(["H"]), HYDROGEN), MODES["fast"]), JUMP)
    assert (found.verdict, found.value) == ("FAIL", pytest.approx(0.04, rel=0.05))


class Attraction(PairPotential):
    def of(self, distances):
        return 5 * distances


def test_a_molecule_that_collapses_fails() -> None:
    (found,) = Stretch().examine(subject(Attraction(["H"]), HYDROGEN), MODES["dev"]).findings
    assert (found.verdict, found.quantity, found.unit) == ("FAIL", "largest force at the minimum", "eV/Å")
    assert found.note


def test_every_bond_is_stretched_those_of_rings_by_their_two_atoms() -> None:
    cyclopropane = molecule("C3H6_D3h")
    first, second = pairs_in_molecules(batch_of([cyclopropane]))
    lengths = torch.as_tensor(cyclopropane.get_all_distances())[first, second]

    class Bonds(PairPotential):
        def of(self, distances: Tensor) -> Tensor:
            return 150 * (distances - lengths.repeat(len(distances) // len(lengths))).square()

    found = Stretch().examine(subject(Bonds(["H", "C"]), cyclopropane), MODES["dev"])
    labels = [line.label for line in found.figures[0].lines]
    assert any(label.startswith("C–C") and label.endswith("in a ring") for label in labels)
    assert of(found, SLOPE).verdict == "pass"


def test_without_bonds_there_is_nothing_to_stretch() -> None:
    far = Atoms("H2", [[0, 0, 0], [0, 0, 3]])
    (found,) = Stretch().examine(subject(Morse(["H"]), far), MODES["dev"]).findings
    assert (found.verdict, found.note) == ("refused", "The molecule has no bonds.")
