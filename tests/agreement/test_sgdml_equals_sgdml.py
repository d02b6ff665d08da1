"""sGDML against the package sgdml used as its authors do: its own task, its own solution, its own predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.potentials import SGDML
from potbench.potentials.sgdml_solver import SGDMLSolver, _trainer
from potbench.structures import Frames
from potbench.units import KCAL_PER_MOL
from tests.native_files.one_molecule import sample_frames


@pytest.fixture(autouse=True)
def _float64() -> None:
    torch.set_default_dtype(torch.float64)


def by_the_package(frames: Frames, length_scale: int) -> Any:
    """Trained on all frames, with the symmetries that the package finds."""
    trainer = _trainer()  # one in a process is all it allows
    from sgdml.predict import GDMLPredict

    data = {
        "name": np.array("by hand"),
        "theory": np.array("unknown"),
        "z": frames.atomic_numbers,
        "R": frames.positions,
        "E": frames.energy,
        "F": frames.forces,
    }
    task = trainer.create_task(data, len(frames.energy), data, 0, length_scale)
    return GDMLPredict(trainer.train(task), max_processes=1)


def assert_equal(train: Frames, test: Frames, length_scale: int) -> None:
    energy, forces = by_the_package(train, length_scale).predict(test.positions.reshape(len(test.energy), -1))
    potential = SGDML(["H", "C", "N", "O"])
    potential.load_state_dict(SGDMLSolver(train).solve(length_scale))
    prediction = potential.eval()(Batch.from_frames(test), forces=True)
    assert prediction.energy.detach().numpy() == pytest.approx(energy, rel=0, abs=1e-7)
    assert prediction.forces.numpy().ravel() == pytest.approx(forces.ravel(), rel=0, abs=1e-6)


@pytest.mark.parametrize("length_scale", [1, 10, 30])
@pytest.mark.parametrize("name", ["NH3", "CH3OH", "HCN"])
def test_energies_and_forces_are_those_of_the_package(name: str, length_scale: int) -> None:
    assert_equal(sample_frames(name, end=30), sample_frames(name, start=30, end=40), length_scale)


def test_energies_and_forces_are_those_of_the_package_for_rmd17(real_data: Path) -> None:
    train, test = (rmd17(real_data, part) for part in ("train", "test"))
    assert_equal(first(train, 60), first(test, 100), 20)


@pytest.mark.slow
def test_errors_for_rmd17_are_those_that_the_package_was_measured_with(real_data: Path) -> None:
    # ethanol, first split, 950 frames: minutes, and 15 GiB
    train, test = (rmd17(real_data, part) for part in ("train", "test"))
    potential = SGDML(["H", "C", "O"])
    potential.load_state_dict(SGDMLSolver(first(train, 950)).solve(20))
    batch = Batch.from_frames(test)
    prediction = potential.eval()(batch, forces=True)
    energy_error, force_error = prediction.energy - batch.energy, prediction.forces - batch.forces
    assert energy_error.abs().mean().item() == pytest.approx(3.20e-3, rel=0.05)
    assert force_error.abs().mean().item() == pytest.approx(16.96e-3, rel=0.05)


def rmd17(folder: Path, part: str) -> Frames:
    with np.load(folder / "rmd17" / f"rmd17_ethanol_{part}_01.npz") as arrays:
        return Frames(
            "ethanol",
            arrays["nuclear_charges"].astype(np.int64),
            arrays["coords"],
            arrays["energies"] * KCAL_PER_MOL,
            arrays["forces"] * KCAL_PER_MOL,
        )


def first(frames: Frames, count: int) -> Frames:
    return frames._replace(
        positions=frames.positions[:count], energy=frames.energy[:count], forces=frames.forces[:count]
    )
