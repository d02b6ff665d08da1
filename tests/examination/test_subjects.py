from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase.build import molecule

from potbench.datasets import RMD17, ExtendedXYZ, Several
from potbench.datasets.dataset import Trajectory
from potbench.errors import RunError
from potbench.examination.minimum import lowest
from potbench.examination.protocol import MODES, Subject
from potbench.examination.subjects import subjects_of
from potbench.loading import AtomsDataModule, Store
from potbench.structures import Frames
from tests.inference.toy import Springs

FIVE = ("H2O", "CH4", "CH3OH", "CH3CH2OH", "C6H6")


def conformers(formula: str, number: int, name: str = "", **columns: str) -> Frames:
    atoms = molecule(formula)
    random = np.random.default_rng(len(atoms))
    positions = atoms.positions + 0.01 * random.normal(size=(number, len(atoms), 3))
    texts = {key: np.full(number, value) for key, value in columns.items()}
    return Frames(name or formula, atoms.numbers, positions, -np.arange(number, dtype=float), columns=texts or None)


def subjects(folder: Path, frames: list[Frames], mode: str = "dev", dataset: object = None) -> list[Subject]:
    store = Store.write(folder / "store", frames)
    known = dataset or SimpleNamespace(trajectory=None, trajectories={})
    data = SimpleNamespace(store=store, dataset=known)
    return subjects_of(Springs(["H", "C", "O"]), data, np.arange(len(store)), MODES[mode])  # type: ignore[arg-type]


def test_one_molecule_is_of_middle_size_and_more_are_spread_over_the_sizes(tmp_path: Path) -> None:
    frames = [conformers(formula, 3) for formula in FIVE]
    frames.append(Frames("H", np.array([1]), np.zeros((1, 1, 3)), np.zeros(1)))
    assert [each.name for each in subjects(tmp_path / "a", frames)] == ["CH3OH"]
    found = subjects(tmp_path / "b", frames[::-1], "standard")  # of ten there are five; an atom does not move
    assert [each.name for each in found] == list(FIVE)
    assert [len(each.frames.energy) for each in found] == [3] * 5


def test_lone_atoms_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No molecule of the test set has two atoms"):
        subjects(tmp_path, [Frames("H", np.array([1]), np.zeros((2, 1, 3)), np.zeros(2))])


def test_frames_of_other_isomers_and_orders_of_atoms_are_left_out(tmp_path: Path) -> None:
    ethanol = conformers("CH3CH2OH", 4, "C2H6O")
    ether = conformers("CH3OCH3", 3, "C2H6O")
    turned = ethanol._replace(atomic_numbers=ethanol.atomic_numbers[::-1].copy(), positions=ethanol.positions[:, ::-1])
    # an isomer with atoms in the same order
    positions = np.empty_like(ether.positions)
    for number in (1, 6, 8):
        positions[:, ethanol.atomic_numbers == number] = ether.positions[:, ether.atomic_numbers == number]
    isomers = ether._replace(atomic_numbers=ethanol.atomic_numbers, positions=positions)
    (found,) = subjects(tmp_path, [ethanol, turned, isomers])
    assert found.frames.positions == pytest.approx(ethanol.positions)
    assert lowest(found.frames) == 3


def test_frames_of_the_coldest_trajectory_are_examined(tmp_path: Path) -> None:
    def file(temperature: float | None) -> ExtendedXYZ:
        return ExtendedXYZ("none.xyz", temperature=temperature, sampled_by="GFN2-xTB")

    dataset = Several({"cold": file(300), "hot": file(600), "path": file(None)})
    parts = {"hot": 5, "path": 4, "cold": 3}
    frames = [conformers("H2O", number, file=name) for name, number in parts.items()]
    (found,) = subjects(tmp_path / "a", frames, dataset=dataset)
    assert (found.temperature, found.sampled_by, len(found.frames.energy)) == (300, "GFN2-xTB", 3)
    (found,) = subjects(tmp_path / "b", frames[1:2], dataset=dataset)
    assert (found.temperature, found.sampled_by, len(found.frames.energy)) == (None, "", 4)


def test_revised_labels_are_of_another_level_of_theory_than_the_trajectory() -> None:
    assert RMD17("ethanol").trajectory == Trajectory(500, "PBE+TS")
    assert RMD17("ethanol", "original").trajectory == Trajectory(500)
    assert AtomsDataModule(RMD17("ethanol")).dataset.trajectories == {}
