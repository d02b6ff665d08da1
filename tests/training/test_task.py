from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from potbench.errors import SettingError
from potbench.loading import IndexSplit, SplitIndices
from potbench.loading.collate import gather
from potbench.loading.unseen_elements import UnseenElements
from potbench.potentials import AtomicPotential
from potbench.potentials.repulsion import Repulsion
from potbench.readers.typed_json import from_plain, to_json
from potbench.readouts import FeedForward
from potbench.representations import AEV
from potbench.runs.split_summary import SplitSummary
from potbench.training import EnergyForcesLoss, GradientTask
from tests.training.small_task import ELEMENTS, quiet_trainer, small_data, small_task

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


@pytest.mark.parametrize(("num_train", "is_warned"), [(8, True), (9, False)])
def test_elements_that_no_training_frame_has_are_said_with_the_frames_that_have_them(
    tmp_path, capsys, num_train, is_warned
):
    data = small_data(tmp_path)  # CH4 5, H2O 3, NH3 4, HCN 7 frames
    SplitIndices(np.arange(num_train), np.arange(9, 11), np.arange(14, 19)).save(tmp_path / "split.npz")
    data.split = IndexSplit(tmp_path / "split.npz")
    quiet_trainer(tmp_path, epochs=1).fit(small_task(), datamodule=data)
    said = capsys.readouterr().out
    assert ("Warning: no training frame has N: nothing is learned of it" in said) == is_warned
    assert ("Frames that have it (2 validation, 5 test) are predicted blindly" in said) == is_warned
    in_record = from_plain(SplitSummary, json.loads(to_json(SplitSummary.of(data, "by hand"))))
    assert in_record.unseen == (UnseenElements(("N",), 2, 5) if is_warned else UnseenElements())


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


@pytest.mark.parametrize("forces", [0.0, 1.0])
def test_with_repulsion_training_gives_the_same_numbers_and_only_shorter_distances_change(tmp_path, forces):
    tasks = []
    for on in (False, True):
        task = small_task(forces)
        if on:
            task.potential.repulsion = Repulsion(ELEMENTS)
        quiet_trainer(tmp_path).fit(task, datamodule=small_data(tmp_path, forces=True))
        tasks.append(task)
    without, trained = (task.potential.state_dict() for task in tasks)
    assert all(torch.equal(trained[name], without[name]) for name in without)
    repulsion = tasks[1].potential.repulsion
    shortest = dict(zip(repulsion.pairs, repulsion.shortest.tolist(), strict=True))
    assert 0.9 < shortest["H", "O"] < 1.0
    assert shortest["C", "O"] == math.inf
    data = small_data(tmp_path, forces=True)
    data.setup("fit")
    far = gather(data.store, data.indices.train)
    near = far.with_positions(0.5 * far.positions)
    off, on = ([task.potential.eval()(batch).energy for batch in (far, near)] for task in tasks)
    assert torch.equal(on[0], off[0])
    assert (on[1] - off[1] > 10).all()


def test_repulsion_of_another_property_than_energy_is_refused(tmp_path):
    task, data = small_task(), small_data(tmp_path)
    task.potential.repulsion = Repulsion(ELEMENTS)
    data.setup("fit")
    units = replace(data.store.manifest.units, energy="D")
    data.store.manifest = replace(data.store.manifest, units=units)
    with pytest.raises(SettingError, match=r"^made has a property in D in place of energies\. "):
        quiet_trainer(tmp_path).fit(task, datamodule=data)
