from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import CalculationFailed
from ase.calculators.emt import EMT

from potbench.errors import GenerationError
from potbench.generation import sampling
from potbench.generation.conformers import Conformers
from potbench.generation.recipe import Recipe
from potbench.generation.sampling import CLOSEST, compute_frame, find_modes, nearest_atoms, sample_molecule

RECIPE = Recipe("ase.calculators.emt.EMT", {}, "EMT", 300.0, seed=7)


class FailsEverySecondTime(EMT):
    calls = 0
    armed = False

    def calculate(self, atoms=None, properties=None, system_changes=()):
        type(self).calls += self.armed
        if type(self).calls % 2:
            raise CalculationFailed("as the test wants")
        super().calculate(atoms, properties or ["energy"], list(system_changes))


class AlwaysFails(EMT):
    def calculate(self, atoms=None, properties=None, system_changes=()):
        raise CalculationFailed("as the test wants")


def sample(name: str, num_frames: int, path: Path, recipe: Recipe = RECIPE, atoms: Atoms | None = None) -> Conformers:
    return sample_molecule(name, atoms or molecule(name), num_frames, recipe, path, lambda _: None)


def test_frames_newly_at_hand_are_counted(tmp_path: Path):
    counted: list[int] = []
    for num_frames in (3, 5, 4):
        sample_molecule("H2O", molecule("H2O"), num_frames, RECIPE, tmp_path / "work.npz", counted.append)
    assert counted == [0, 1, 1, 1, 3, 1, 1, 4]


def test_more_frames_are_added_to_those_there_are(tmp_path: Path):
    few = sample("H2O", 3, tmp_path / "work.npz")
    more = sample("H2O", 6, tmp_path / "work.npz")
    at_once = sample("H2O", 6, tmp_path / "other.npz")
    assert more.energy == at_once.energy
    assert more.energy[:3] == few.energy


def test_unfinished_work_of_another_geometry_is_not_mixed_in(tmp_path: Path):
    sample("H2O", 2, tmp_path / "work.npz")
    water = molecule("H2O")
    water.positions[0, 0] += 0.1
    with pytest.raises(GenerationError, match="began from another geometry of H2O"):
        sample("H2O", 4, tmp_path / "work.npz", atoms=water)


def test_a_frame_that_cannot_be_computed_is_drawn_again_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def arm(*arguments):
        modes = find_modes(*arguments)
        monkeypatch.setattr(FailsEverySecondTime, "armed", True)
        return modes

    monkeypatch.setattr(sampling, "find_modes", arm)
    monkeypatch.setattr(FailsEverySecondTime, "calls", 0)
    recipe = Recipe(f"{__name__}.FailsEverySecondTime", {}, "EMT", 300.0, seed=7)
    made = sample("H2O", 10, tmp_path / "work.npz", recipe)
    assert len(made.energy) == 10
    assert made.summary().redrawn_not_converged == 10


def test_frames_that_can_never_be_computed_end_the_work():
    modes = find_modes("H2O", molecule("H2O"), RECIPE)
    failing = Recipe(f"{__name__}.AlwaysFails", {}, "EMT", 300.0, seed=7)
    with pytest.raises(GenerationError) as caught:
        compute_frame("H2O", molecule("H2O"), 4, modes, failing)
    assert str(caught.value) == (
        "Frame 4 of H2O was drawn 100 times: in 0 draws atoms came too close, 100 could not be computed. Expected at "
        "least one good draw. Lower the temperature, or check the calculator."
    )


def test_no_two_atoms_come_too_close(tmp_path: Path):
    made = sample("H2O", 30, tmp_path / "work.npz", Recipe(RECIPE.calculator, {}, "EMT", 500_000.0, seed=7))
    atoms = molecule("H2O")
    for positions in made.positions:
        atoms.positions = positions
        assert nearest_atoms(atoms) >= CLOSEST
    assert made.summary().redrawn_atoms_too_close > 0


def test_another_seed_gives_other_frames(tmp_path: Path):
    one = sample("H2O", 2, tmp_path / "one.npz")
    other = sample("H2O", 2, tmp_path / "other.npz", Recipe(RECIPE.calculator, {}, "EMT", 300.0, seed=8))
    assert not np.isclose(one.positions, other.positions).all(axis=(1, 2)).any()


def test_an_element_that_the_calculator_does_not_know_is_said():
    with pytest.raises(GenerationError, match=r"EMT cannot compute HCl .* leave the molecule out\.$"):
        find_modes("HCl", molecule("HCl"), RECIPE)


def test_a_molecule_without_a_minimum_is_named():
    with pytest.raises(GenerationError, match=r"^CO2: The energy falls along a mode of"):
        find_modes("CO2", molecule("CO2"), RECIPE)
