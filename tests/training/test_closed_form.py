from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.errors import SettingError
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


def data_of(folder: Path, *chunks: Frames, train: int = 24, validation: int = 10, test: int = 6) -> AtomsDataModule:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "made.h5"
    file.write_text(" ".join(chunk.molecule for chunk in chunks))
    split = RandomSplit(train, validation, test)
    return AtomsDataModule(Made(file, lambda: list(chunks)), split, batch_size=5, root=folder / "prepared")


@pytest.fixture
def data(tmp_path: Path) -> AtomsDataModule:
    """Forty frames of methanol."""
    return data_of(tmp_path, sample_frames(end=40))


def task_of(*length_scales: int) -> ClosedFormTask:
    return ClosedFormTask(SGDML(ELEMENTS), length_scales or (10,))


def force_error(potential: SGDML, data: AtomsDataModule) -> float:
    """RMSE over the validation set, in eV/Å."""
    batch = gather(data.store, data.indices.validation)
    return float((potential(batch, forces=True).forces - batch.forces).detach().double().square().mean().sqrt())


def test_the_whole_training_set_is_solved_for_and_nothing_else(data: AtomsDataModule, tmp_path: Path) -> None:
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
        checkpoint = torch.load(tmp_path / f"{name}.ckpt", weights_only=True)
        again = task_of()
        again.load_state_dict(checkpoint["state_dict"])
        assert checkpoint["global_step"] == 1
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


def test_the_same_frames_in_several_chunks_are_one_molecule(tmp_path: Path) -> None:
    chunks = [sample_frames(start=start, end=start + 20)._replace(molecule=f"path {start}") for start in (0, 20)]
    task = task_of()
    quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=data_of(tmp_path, *chunks))
    assert len(task.potential.points) == 24


def hydrogens(num_frames: int, num_atoms: int) -> Frames:
    positions = np.random.default_rng(0).normal(size=(num_frames, num_atoms, 3)).astype(np.float32)
    return Frames("hydrogens", np.ones(num_atoms, dtype=int), positions, np.zeros(num_frames), positions)


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (
            [sample_frames(end=30), sample_frames("NH3", end=30)],
            "sGDML learns one molecule, its atoms in one order, and made has 2: C O H H H H and N H H H among them. "
            "Expected a dataset of one molecule, or another potential. Change the argument dataset of AtomsDataModule.",
        ),
        (
            [
                sample_frames(end=30),
                sample_frames(end=30)._replace(molecule="reordered", atomic_numbers=np.array([1, 1, 1, 1, 8, 6])),
            ],
            "made has 2: H H H H O C and C O H H H H among them.",
        ),
        (
            [frames("CH3OH", 40)],
            "sGDML is solved from forces, and made has none. Expected a dataset with forces, or another potential.",
        ),
        (
            [hydrogens(40, 1)],
            "sGDML compares distances between atoms, and made has single atoms. Expected a dataset of one molecule",
        ),
    ],
)
def test_datasets_it_cannot_learn_are_refused(chunks: list[Frames], message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=message):
        quiet_trainer(tmp_path, epochs=1).fit(task_of(), datamodule=data_of(tmp_path, *chunks))


def test_more_frames_than_the_memory_holds_are_refused_before_training(tmp_path: Path) -> None:
    data = data_of(tmp_path, hydrogens(200_020, 2), train=200_000)
    with pytest.raises(SettingError, match=r"Solving sGDML for 200,000 frames of 2 atoms takes .* split of AtomsData"):
        quiet_trainer(tmp_path, epochs=1).fit(task_of(), datamodule=data)


def test_a_single_frame_is_refused(tmp_path: Path) -> None:
    data = data_of(tmp_path, hydrogens(22, 2), train=1)
    with pytest.raises(
        SettingError, match=r"there is 1 to train on. Expected two training frames or more. .* split of"
    ):
        quiet_trainer(tmp_path, epochs=1).fit(task_of(), datamodule=data)


def test_more_than_one_pass_is_refused(data: AtomsDataModule, tmp_path: Path) -> None:
    with pytest.raises(SettingError) as caught:
        quiet_trainer(tmp_path, epochs=2).fit(task_of(), datamodule=data)
    assert str(caught.value) == (
        "max_epochs is 2, and sGDML is solved in one pass, by one process. Expected 1. "
        "Change the argument max_epochs of Trainer."
    )


def test_training_it_by_gradient_is_refused(data: AtomsDataModule, tmp_path: Path) -> None:
    task = GradientTask(SGDML(ELEMENTS))
    with pytest.raises(SettingError) as caught:
        quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=data)
    assert str(caught.value) == (
        "SGDML has no weights that could be trained by gradient. Expected a potential with weights; a kernel is solved "
        "by potbench.training.ClosedFormTask. Change the argument potential of GradientTask."
    )


def test_more_than_one_process_is_refused() -> None:
    task = task_of()
    task._trainer = SimpleNamespace(max_epochs=1, world_size=2, val_check_interval=1.0, callbacks=[])
    with pytest.raises(SettingError, match=r"devices is 2, .* Expected 1. Change the argument devices of Trainer."):
        task.require_one_pass()


@pytest.mark.parametrize("length_scales", [(), (10, 0)])
def test_length_scales_of_zero_or_of_none_at_all_are_refused(length_scales: tuple[int, ...]) -> None:
    with pytest.raises(SettingError) as caught:
        ClosedFormTask(SGDML(ELEMENTS), length_scales)
    assert str(caught.value) == (
        f"length_scales is {list(length_scales)}, expected one or more whole numbers, all above zero. "
        "Change the argument length_scales of ClosedFormTask."
    )
