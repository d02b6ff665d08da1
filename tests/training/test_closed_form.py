from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.loading import AtomsDataModule, RandomSplit
from potbench.loading.collate import gather
from potbench.potentials import SGDML
from potbench.potentials.sgdml_solver import SGDMLSolver
from potbench.structures import Frames
from potbench.training import ClosedFormTask, GradientTask
from potbench.units import KCAL_PER_MOL
from tests.native_files.made import Made, frames
from tests.native_files.one_molecule import sample_frames
from tests.training.small_task import quiet_trainer

ELEMENTS = ["H", "C", "N", "O"]


def data_of(folder: Path, *blocks: Frames, train: int = 24, validation: int = 10, test: int = 6) -> AtomsDataModule:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "made.h5"
    file.write_text(" ".join(block.molecule for block in blocks))
    split = RandomSplit(train, validation, test)
    return AtomsDataModule(Made(file, lambda: list(blocks)), split, batch_size=5, root=folder / "prepared")


@pytest.fixture
def data(tmp_path: Path) -> AtomsDataModule:
    """Forty frames of methanol."""
    return data_of(tmp_path, sample_frames(end=40))


def task_of(*length_scales: int) -> ClosedFormTask:
    return ClosedFormTask(SGDML(ELEMENTS), length_scales or (10,))


def force_error(potential: SGDML, data: AtomsDataModule) -> float:
    """RMSE over the validation part, in eV/Å."""
    batch = gather(data.store, data.indices.validation)
    return float((potential(batch, forces=True).forces - batch.forces).detach().double().square().mean().sqrt())


def test_all_of_the_training_part_is_solved_for_and_nothing_else(data: AtomsDataModule, tmp_path: Path) -> None:
    task = task_of()
    quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=data)
    rows = data.store.atoms_of(data.indices.train).rows
    train = Frames(
        "",
        sample_frames().atomic_numbers,
        data.store.positions[rows].reshape(-1, 6, 3).astype(np.float32),  # the precision of batches
        data.store.energy[data.indices.train],
        data.store.forces[rows].reshape(-1, 6, 3).astype(np.float32),
    )
    expected = SGDML(ELEMENTS)
    expected.load_state_dict(SGDMLSolver(train).solve(10))
    batch = gather(data.store, data.indices.test)
    assert torch.allclose(task.potential(batch).energy, expected(batch).energy, rtol=0, atol=1e-6)


def test_validation_and_checkpoint_are_of_what_was_solved(data: AtomsDataModule, tmp_path: Path) -> None:
    task = task_of()
    best = ModelCheckpoint(tmp_path, filename="best", monitor="validation/loss", save_last=True)
    trainer = quiet_trainer(tmp_path, best, epochs=1, enable_checkpointing=True)
    trainer.fit(task, datamodule=data)
    error = force_error(task.potential, data)
    assert trainer.callback_metrics["validation/forces_rmse"] * KCAL_PER_MOL == pytest.approx(error, rel=1e-5)
    assert error < 0.1 * data.statistics.forces_rms
    for name in ("best", "last"):
        kept = torch.load(tmp_path / f"{name}.ckpt", weights_only=True)
        again = task_of()
        again.load_state_dict(kept["state_dict"])
        assert kept["global_step"] == 1
        assert force_error(again.potential, data) == pytest.approx(error, rel=1e-6)


def test_length_scales_are_tried_until_the_validation_error_rises(
    data: AtomsDataModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = task_of(1, 4, 1, 10)
    quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=data)
    tried = re.findall(r"Length scale (\d+): RMSE of the validation forces ([\d.e-]+) eV/Å", capsys.readouterr().out)
    assert [int(scale) for scale, _ in tried] == [1, 4, 1]
    errors = [float(error) for _, error in tried]
    assert errors[1] < errors[0]
    assert task.potential.length_scale == 4
    assert force_error(task.potential, data) == pytest.approx(errors[1], rel=1e-3)


def test_the_same_frames_in_several_blocks_are_one_molecule(tmp_path: Path) -> None:
    blocks = [sample_frames(start=start, end=start + 20)._replace(molecule=f"path {start}") for start in (0, 20)]
    task = task_of()
    quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=data_of(tmp_path, *blocks))
    assert len(task.potential.points) == 24


def hydrogens(num_frames: int, num_atoms: int) -> Frames:
    positions = np.random.default_rng(0).normal(size=(num_frames, num_atoms, 3)).astype(np.float32)
    return Frames("hydrogens", np.ones(num_atoms, dtype=int), positions, np.zeros(num_frames), positions)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (
            [sample_frames(end=30), sample_frames("NH3", end=30)],
            "sGDML knows one molecule, its atoms in one order, and made has 2, C O H H H H and N H H H among them. "
            "Expected one: change data.init_args.dataset",
        ),
        (
            [
                sample_frames(end=30),
                sample_frames(end=30)._replace(molecule="turned", atomic_numbers=np.array([1, 1, 1, 1, 8, 6])),
            ],
            "made has 2, H H H H O C and C O H H H H among them.",
        ),
        ([frames("CH3OH", 40)], "sGDML is solved from forces, and made has none."),
        ([hydrogens(40, 1)], "sGDML compares distances, and made has single atoms."),
    ],
)
def test_data_it_cannot_learn_from_are_refused(blocks: list[Frames], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        quiet_trainer(tmp_path, epochs=1).fit(task_of(), datamodule=data_of(tmp_path, *blocks))


def test_more_frames_than_the_memory_holds_are_refused_at_the_door(tmp_path: Path) -> None:
    data = data_of(tmp_path, hydrogens(200_020, 2), train=200_000)
    with pytest.raises(ValueError, match=r"The kernel matrix of 200,000 frames of 2 atoms takes .* change data.init_"):
        quiet_trainer(tmp_path, epochs=1).fit(task_of(), datamodule=data)


def test_more_than_one_pass_is_refused(data: AtomsDataModule, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"trainer.max_epochs is 2, .* Set trainer.max_epochs to 1."):
        quiet_trainer(tmp_path, epochs=2).fit(task_of(), datamodule=data)


def test_training_it_by_gradient_is_refused(data: AtomsDataModule, tmp_path: Path) -> None:
    task = GradientTask(SGDML(ELEMENTS))
    with pytest.raises(ValueError, match=r"SGDML has no weights .* set model.class_path to potbench.training.ClosedF"):
        quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=data)


def test_more_than_one_process_is_refused() -> None:
    task = task_of()
    task._trainer = SimpleNamespace(max_epochs=1, world_size=2)
    with pytest.raises(ValueError, match=r"trainer.devices is 2, .* Set trainer.devices to 1."):
        task._refuse_settings()


@pytest.mark.parametrize("length_scales", [(), (10, 0)])
def test_length_scales_that_are_none_are_refused(length_scales: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"Change model.init_args.length_scales."):
        ClosedFormTask(SGDML(ELEMENTS), length_scales)
