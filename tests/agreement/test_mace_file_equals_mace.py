"""A potential made of a file of MACE against MACE's own calculator with that file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import molecule

from potbench.batch import Batch
from potbench.potentials.mace_file import read_by_running
from potbench.potentials.mace_import import LOADS_ANYTHING
from potbench.structures import Frames
from tests.native_files.mace_model import MP, MP_B, OFF, mace_model, write_mace
from tests.rivals import skip_without_package

NAMES = ["CH3CH2OH", "NH3", "C6H6"]


@pytest.mark.parametrize(
    ("shape", "plain"), [(OFF, False), (MP, False), (MP_B, False), (OFF, True)], ids=["OFF", "MP", "MP_b", "plain"]
)
def test_energies_and_forces_are_those_of_maces_calculator(
    shape: dict, plain: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without_package(Path("mace"))
    monkeypatch.setenv(LOADS_ANYTHING, "0")  # the calculator's file sets it, for the whole process
    from mace.calculators import MACECalculator

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    content = write_mace(tmp_path / "a.model", mace_model(plain, **shape))
    torch.set_default_dtype(torch.float32)  # as where a user imports it
    potential, _ = read_by_running(content)
    monkeypatch.setenv(LOADS_ANYTHING, "1")  # torch would not load the file of its own calculator
    theirs = MACECalculator(str(tmp_path / "a.model"), device="cpu", default_dtype="float64")
    found = [molecule(name) for name in NAMES]
    for seed, atoms in enumerate(found):
        atoms.rattle(0.1, seed=seed)
        atoms.calc = theirs
    torch.set_default_dtype(torch.float64)
    batch = Batch.from_frames(*(Frames("", atoms.numbers, atoms.positions[None], np.zeros(1)) for atoms in found))
    ours = potential(batch, forces=True)
    energies = torch.tensor([atoms.get_potential_energy() for atoms in found])
    forces = torch.from_numpy(np.concatenate([atoms.get_forces() for atoms in found]))
    assert (ours.energy - energies).abs().max() < 1e-8
    assert (ours.forces - forces).abs().max() < 1e-8
    assert forces.abs().max() > 0.01
