from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.batch import Prediction
from potbench.errors import DivergedError
from potbench.geometry.sums import sum_per_molecule
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.loading.collate import gather
from potbench.structures import Frames
from potbench.training import EnergyForcesLoss, GradientTask
from potbench.training.changing_loss import ChangingLoss
from potbench.training.divergence import STEPS_AT_ONCE, Divergence
from potbench.training.loss import Weights
from tests.native_files.made import Made, blocks
from tests.training.small_task import quiet_trainer, small_data, small_potential, small_task


def data_with(folder: Path, change, forces: bool = True) -> AtomsDataModule:
    """The small data, whose first frame, a methane, is changed; it is in the training set."""

    def changed() -> list[Frames]:
        first, *others = blocks(forces)
        positions, energy = first.positions.copy(), first.energy.copy()
        change(positions, energy)
        return [first._replace(positions=positions, energy=energy), *others]

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "made.h5"
    file.write_text(f"{change} {forces}")
    data = AtomsDataModule(Made(file, changed), RandomSplit(17, 1, 1, seed=0), batch_size=4)
    data.prepare_data()
    data.setup("fit")
    assert 0 in data.indices.train
    return data


def message(task: GradientTask, data: AtomsDataModule, folder: Path, *callbacks: Callback, **settings) -> str:
    with pytest.raises(DivergedError) as caught:
        quiet_trainer(folder, *callbacks, **settings).fit(task, datamodule=data)
    return str(caught.value)


def in_one_place(positions: np.ndarray, energy: np.ndarray) -> None:
    positions[0, 1] = positions[0, 0]


def test_the_loss_of_the_offset_is_that_of_reference_energies_and_zero_forces(tmp_path):
    data, loss = small_data(tmp_path, forces=True), EnergyForcesLoss(energy=0.5, forces=2.0, per_atom=True)
    data.prepare_data()
    data.setup("fit")
    batch = gather(data.store, data.indices.train)
    references = torch.zeros(100, dtype=torch.float64)
    for number, energy in data.statistics.reference_energies.items():
        references[number] = energy
    energy = sum_per_molecule(references[batch.atomic_numbers], batch.molecule_index, len(batch.energy))
    expected = float(loss(Prediction(energy, torch.zeros_like(batch.forces)), batch).mean())
    divergence = Divergence(loss, data)
    assert str(divergence) == (
        f"Loss of the reference energies alone, with zero forces: {expected:.4g} (mean over 11 training frames)."
    )
    # errors a thousand times as large, and weights that may change over time
    assert divergence.limit() >= 1e6 * expected * (1 - 1e-6)
    assert divergence.limit(Weights(1.0, 4.0)) == pytest.approx(2 * divergence.limit(), rel=1e-9)
    assert divergence.limit(Weights(0.5, 0.0)) < divergence.limit(Weights(0.5, 1.0)) < divergence.limit()


@pytest.mark.parametrize("check_val_every_n_epoch", [1, 2])
def test_a_training_whose_loss_is_still_a_number_is_stopped_before_a_checkpoint(tmp_path, check_val_every_n_epoch):
    def from_the_second_epoch_on(optimizer, num_steps):
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1e10 * (step >= 3))

    task = GradientTask(
        small_potential(), optimizer=partial(torch.optim.Adam, lr=1e-3), schedule=from_the_second_epoch_on
    )
    checkpoints = ModelCheckpoint(tmp_path / "checkpoints", monitor="validation/loss", save_last=True)
    settings = {"enable_checkpointing": True, "check_val_every_n_epoch": check_val_every_n_epoch}
    said = message(task, small_data(tmp_path), tmp_path, checkpoints, epochs=4, **settings)
    loss = float(said.partition("loss is ")[2].split()[0])
    assert 1e9 < loss < np.inf
    assert f"The training loss is {loss:.4g} in epoch 2, at step 5: training has diverged. Expected less than" in said
    assert said.endswith(
        " Likely cause: the learning rate. Lower it: max_lr of the schedule, or lr of the optimizer. Checkpoints of "
        "earlier epochs are as they were."
    )
    saved = [torch.load(file, weights_only=True) for file in tmp_path.rglob("*.ckpt")]
    assert {checkpoint["global_step"] for checkpoint in saved} == ({3} if check_val_every_n_epoch == 1 else set())


def test_the_frames_with_the_largest_losses_are_named(tmp_path):
    task, data = small_task(), small_data(tmp_path)
    data.prepare_data()
    data.setup("fit")
    task.optimizer = partial(torch.optim.Adam, lr=1e10)
    said = message(task, data, tmp_path, max_steps=5)
    named = said.partition("the largest losses are those of ")[2].partition(". ")[0].split(", ")
    frames = [int(name.split()[0]) for name in named]
    assert "The batch has 4 frames; " in said or "The batch has 3 frames; " in said
    assert set(frames) <= set(data.indices.train.tolist())
    molecules = data.store.molecule_names[data.store.molecule_of(np.array(frames))]
    assert named == [f"{frame} ({molecule})" for frame, molecule in zip(frames, molecules, strict=True)]


def test_two_atoms_in_one_place_are_told_from_a_high_learning_rate(tmp_path, monkeypatch):
    # as in a store of an earlier version: now they are refused when it is prepared
    monkeypatch.setattr("potbench.loading.preparation.refuse_same_place", lambda chunks, name: chunks)
    said = message(small_task(forces=1.0), data_with(tmp_path, in_one_place), tmp_path)
    assert (
        "Likely cause: two atoms in one place, 0 (C) and 1 (H), 0.000 Å apart, of frame 0 (CH4). Remove the frame, or "
        "correct it: `python -m potbench data check` looks for such frames."
    ) in said
    assert "learning rate" not in said


def test_a_frame_whose_update_spoiled_the_weights_is_found_in_the_batch_before(tmp_path):
    class SpoilAfter(Callback):
        """Does what the gradient of a frame does that is not finite while its loss is."""

        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            if 0 in batch.frame.tolist():
                next(pl_module.parameters()).data.fill_(torch.nan)

    def nearly_in_one_place(positions: np.ndarray, energy: np.ndarray) -> None:
        positions[0, 2] = positions[0, 1] + 0.01

    data = data_with(tmp_path, nearly_in_one_place, forces=False)
    data.batch_size = 1
    orders = (np.random.default_rng([seed, 0]).permutation(data.indices.train) for seed in range(1000))
    data.seed = next(seed for seed, order in enumerate(orders) if order[0] == 0)  # the losses of step 1 are read alone
    said = message(small_task(), data, tmp_path, SpoilAfter(), num_sanity_val_steps=0)
    assert "Likely cause: two atoms in one place, 1 (H) and 2 (H), 0.017 Å apart, of frame 0 (CH4)." in said


def test_a_label_out_of_range_is_told_from_a_high_learning_rate(tmp_path, monkeypatch):
    def far_off(positions: np.ndarray, energy: np.ndarray) -> None:
        energy[0] += 5e7

    task, data = small_task(), data_with(tmp_path, far_off, forces=False)
    task.potential.given_scale = 1.0
    monkeypatch.setattr("potbench.training.divergence.TIMES_AS_LARGE", 2)
    said = message(task, data, tmp_path)
    assert "the largest losses are those of 0 (CH4), " in said
    assert "Likely cause: energy or forces of frame 0 (CH4) are out of range." in said


def test_weights_that_were_not_updated_yet_are_told_from_a_high_learning_rate(tmp_path):
    task = small_task()
    task.potential.given_scale = 1e6
    task.potential.scale.fill_(1e6)
    before = {name: weight.clone() for name, weight in task.state_dict().items()}
    said = message(task, small_data(tmp_path), tmp_path, num_sanity_val_steps=0)
    assert " in epoch 1, at step 1: training has diverged." in said
    assert "Likely cause: the potential, whose weights were not updated yet. Lower its scale" in said
    assert all(
        torch.equal(before[name], weight)
        for name, weight in task.potential.state_dict(prefix="potential.").items()
        if "offset" not in name
    )


def test_a_validation_loss_out_of_range_stops_the_training_as_well(tmp_path):
    class Spoil(Callback):
        def on_validation_epoch_start(self, trainer, pl_module):
            if trainer.global_step:
                pl_module.potential.scale *= 1e9

    said = message(small_task(), small_data(tmp_path), tmp_path, Spoil())
    assert "The validation loss is " in said
    assert " in epoch 1, after step 3: training has diverged." in said


def test_losses_are_read_once_in_a_hundred_steps(tmp_path, monkeypatch):
    reads = []
    copy = Divergence._copy
    monkeypatch.setattr(
        Divergence, "_copy", lambda self, trainer: (reads.append(len(self._steps)), copy(self, trainer))
    )
    data = small_data(tmp_path)
    data.batch_size = 1
    trainer = quiet_trainer(tmp_path, epochs=20, check_val_every_n_epoch=100, num_sanity_val_steps=0)
    monkeypatch.setattr(GradientTask, "on_train_epoch_end", lambda self: None)
    trainer.fit(small_task(), datamodule=data)
    assert trainer.global_step == 220
    assert reads == [1, STEPS_AT_ONCE, STEPS_AT_ONCE]


def test_a_validation_on_its_own_is_not_stopped(tmp_path):
    task, data = small_task(), small_data(tmp_path)
    trainer = quiet_trainer(tmp_path)
    trainer.fit(task, datamodule=data)
    task.potential.scale *= 1e12
    trainer.validate(task, datamodule=data)
    assert trainer.callback_metrics["validation/loss"] > 1e12


def test_a_loss_that_is_larger_at_first_has_a_larger_limit(tmp_path):
    loss = ChangingLoss(energy=1e-7, forces=1e-7, first_energy=1e3, first_forces=1e3, begin=0.9, end=0.9)
    trainer = quiet_trainer(tmp_path, epochs=2)
    trainer.fit(GradientTask(small_potential(), loss), datamodule=small_data(tmp_path, forces=True))
    assert trainer.global_step == 6
