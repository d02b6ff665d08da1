from __future__ import annotations

import math

import pytest
import torch

from potbench.errors import SettingError
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import AEV
from potbench.training import EnergyForcesLoss, GradientTask
from tests.training.small_task import quiet_trainer, small_data, small_task

ENERGIES = {"energy_mae", "energy_rmse", "energy_r2", "energy_mae_per_atom"}
FORCES = {"forces_mae", "forces_rmse"}


def test_weighting_forces_of_a_dataset_without_forces_is_refused_before_training(tmp_path):
    task = small_task(forces=100.0)
    with pytest.raises(SettingError) as caught:
        quiet_trainer(tmp_path).fit(task, datamodule=small_data(tmp_path))
    assert str(caught.value) == (
        "The loss weights forces by 100.0, but made has no forces. Expected 0. "
        "Change the argument forces of EnergyForcesLoss."
    )
    assert (caught.value.owner, caught.value.setting) == (EnergyForcesLoss, "forces")


def test_elements_that_the_potential_lacks_are_refused_before_training(tmp_path):
    potential = AtomicPotential(["H", "C"], AEV, lambda elements, size: FeedForward(elements, size, [8]))
    with pytest.raises(SettingError) as caught:
        quiet_trainer(tmp_path).fit(GradientTask(potential), datamodule=small_data(tmp_path))
    assert str(caught.value) == (
        "The dataset made has N, O, but the potential was built for H, C. "
        "Expected all elements of the dataset: H, C, N, O. Change the argument elements of AtomicPotential."
    )
    assert caught.value.owner is AtomicPotential


@pytest.mark.parametrize(("forces", "measured"), [(0.0, ENERGIES), (1.0, ENERGIES | FORCES)])
def test_validation_logs_errors_of_what_is_trained_and_the_loss(tmp_path, forces, measured):
    trainer = quiet_trainer(tmp_path, epochs=1)
    trainer.fit(small_task(forces), datamodule=small_data(tmp_path, forces=True))
    logged = {name for name in trainer.callback_metrics if name.startswith("validation/")}
    assert logged == {f"validation/{name}" for name in measured | {"loss"}}
    assert all(math.isfinite(value) for value in trainer.callback_metrics.values())


def test_the_test_logs_errors_of_all_that_the_dataset_has_and_returns_each_prediction_once(tmp_path):
    data, task = small_data(tmp_path, forces=True), small_task()
    trainer = quiet_trainer(tmp_path)
    for _ in range(2):
        (logged,) = trainer.test(task, datamodule=data, verbose=False)
    assert set(logged) == {f"test/{name}" for name in ENERGIES | FORCES | {"loss"}}
    predictions = task.test_predictions()
    assert predictions["frame"].tolist() == data.indices.test.tolist()
    differences = predictions["predicted_energy"] - predictions["energy"]
    assert differences.dtype == torch.float64
    assert logged["test/loss"] == pytest.approx(differences.square().mean().item(), rel=1e-6)
    assert len(predictions["forces"]) == len(predictions["predicted_forces"]) > 0
