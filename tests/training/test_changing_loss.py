from __future__ import annotations

import csv
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from potbench.batch import Batch, Prediction
from potbench.errors import SettingError
from potbench.training import ChangingLoss, EnergyForcesLoss, FeatureCache, GradientTask
from potbench.training.csv_logger import CSVLogger
from tests.native_files.made import frames
from tests.training.small_task import quiet_trainer, small_data, small_potential

pytestmark = pytest.mark.filterwarnings("ignore")


def planned(num_steps: float = 100, **settings: float) -> ChangingLoss:
    loss = ChangingLoss(**settings)
    loss.plan(lambda: num_steps)
    return loss


FORCES_FIRST = {"energy": 2.0, "forces": 1.0, "first_energy": 0.0, "first_forces": 5.0}


@pytest.mark.parametrize(("begin", "end"), [(0.2, 0.6), (20, 60), (0.2, 60), (20, 0.6)])
def test_the_weights_change_linearly_between_two_times(begin, end):
    loss = planned(begin=begin, end=end, **FORCES_FIRST)
    found = [loss.weights_at(step) for step in (0, 20, 30, 40, 60, 99)]
    expected = [(0, 5), (0, 5), (0.5, 4), (1, 3), (2, 1), (2, 1)]
    assert [tuple(weights) for weights in found] == [pytest.approx(pair) for pair in expected]


@pytest.mark.parametrize("time", [0.5, 50])
def test_with_two_equal_times_they_change_at_once(time):
    loss = planned(begin=time, end=time, **FORCES_FIRST)
    assert [loss.weights_at(step) for step in (0, 49, 50, 99)] == [(0, 5), (0, 5), (2, 1), (2, 1)]


def test_from_the_beginning_they_are_the_final_ones_where_the_times_are_zero():
    assert planned(begin=0, end=0, **FORCES_FIRST).weights_at(0) == (2, 1)


def test_the_loss_has_the_final_weights_unless_it_is_told_others():
    torch.manual_seed(0)
    batch = Batch.from_frames(frames("CH4", 1, forces=True, seed=0))
    prediction = Prediction(batch.energy + 1, batch.forces + torch.randn_like(batch.forces))
    loss = planned(begin=50, end=50, **FORCES_FIRST)
    assert torch.equal(loss(prediction, batch), EnergyForcesLoss(2.0, 1.0)(prediction, batch))
    first = loss(prediction, batch, loss.weights_at(0))
    assert torch.equal(first, EnergyForcesLoss(0.0, 5.0)(prediction, batch))


def train(
    folder: Path, loss: EnergyForcesLoss, *callbacks: Any, epochs: int = 2, **settings: Any
) -> tuple[GradientTask, list[dict[str, str]]]:
    """Train for three steps an epoch; return the rows of metrics.csv as well."""
    logger = CSVLogger(folder)
    task = GradientTask(small_potential(), loss, partial(torch.optim.SGD, lr=1e-3))
    trainer = quiet_trainer(folder, *callbacks, epochs=epochs, logger=logger, **settings)
    trainer.fit(task, datamodule=small_data(folder, forces=True))
    logger.save()
    return task, list(csv.DictReader(logger.file.open()))


def weights_of(task: GradientTask) -> list[torch.Tensor]:
    return list(task.potential.state_dict().values())


@pytest.mark.parametrize(
    ("first", "final"), [((0.0, 1.0), (1.0, 1.0)), ((1.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0))]
)
def test_each_phase_trains_by_its_own_weights(tmp_path, first, final):
    """Three steps with the first weights, and three with the final ones, are those of two plain losses."""

    class Swapped(Callback):
        def on_train_epoch_start(self, trainer: Trainer, task: GradientTask) -> None:
            task.loss = losses[trainer.current_epoch]

    losses = [EnergyForcesLoss(*first), EnergyForcesLoss(*final)]
    changing = ChangingLoss(*final, first_energy=first[0], first_forces=first[1], begin=3, end=3)
    changed, swapped = train(tmp_path, changing)[0], train(tmp_path, EnergyForcesLoss(1.0, 1.0), Swapped())[0]
    assert all(map(torch.equal, weights_of(changed), weights_of(swapped)))


def test_validation_uses_the_final_weights_and_measures_forces_from_the_beginning(tmp_path):
    # neither trains anything within the first epoch that the other does not
    first = {"first_energy": 1.0, "first_forces": 0.0, "begin": 3, "end": 3}
    _, rows = train(tmp_path / "changing", ChangingLoss(1.0, 10.0, **first), epochs=2)
    task, one = train(tmp_path / "energies", EnergyForcesLoss(1.0, 0.0), epochs=1)
    validated = [row for row in rows if row["validation/loss"]]
    assert [bool(row["validation/forces_mae"]) for row in validated] == [True, True]
    assert (
        validated[0]["validation/energy_mae"] == next(r for r in one if r["validation/loss"])["validation/energy_mae"]
    )
    task.loss = EnergyForcesLoss(1.0, 10.0)
    trainer = quiet_trainer(tmp_path)
    trainer.validate(task, datamodule=small_data(tmp_path / "energies", forces=True), verbose=False)
    assert float(validated[0]["validation/loss"]) == float(trainer.callback_metrics["validation/loss"])


def test_forces_that_are_weighted_later_are_cached_with_their_derivatives(tmp_path, capsys):
    loss = ChangingLoss(1.0, 1.0, first_energy=1.0, first_forces=0.0)
    train(tmp_path, loss, FeatureCache(), epochs=15)
    assert "their derivatives are computed once" in capsys.readouterr().out


def test_a_phase_without_forces_computes_none(tmp_path, monkeypatch):
    asked: list[bool] = []
    task = GradientTask(small_potential(), ChangingLoss(first_energy=1.0, first_forces=0.0, begin=2, end=2))
    forward = task.potential.forward

    def counted(batch: Batch, forces: bool = False) -> Prediction:
        if task.trainer.training:
            asked.append(forces)
        return forward(batch, forces=forces)

    monkeypatch.setattr(task.potential, "forward", counted)
    quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=small_data(tmp_path, forces=True))
    assert asked == [False, False, True]


REFUSED = {
    "a negative weight": ({"first_forces": -1.0}, "first_forces is -1.0, expected a weight of at least 0."),
    "no number": ({"first_energy": math.nan}, "first_energy is nan, expected a weight of at least 0."),
    "nothing to train on at first": (
        {"first_energy": 0.0, "first_forces": 0.0},
        "The first weights of energy and forces are both 0. Expected one of them above 0.",
    ),
    "nothing to train on at last": ({"energy": 0.0, "forces": 0.0}, "The weights of energy and forces are both 0."),
    "a half step": ({"end": 1.5}, "end is 1.5, expected a fraction of the training, or a whole number of steps"),
    "a time before the first": ({"begin": -0.1}, "begin is -0.1, expected a fraction of the training"),
    "no end": ({"end": math.inf}, "end is inf, expected a fraction of the training"),
    "an end before the beginning": (
        {"begin": 0.6, "end": 0.4},
        "The weights of the loss begin to change at 0.6 and end at 0.4. Expected a time that is not before begin.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_weights_and_times_that_cannot_work_are_refused_by_name(name):
    settings, said = REFUSED[name]
    with pytest.raises(SettingError) as caught:
        ChangingLoss(**settings)
    assert said in str(caught.value)
    assert caught.value.owner is ChangingLoss
    assert caught.value.setting in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "num_steps", "said", "owner"),
    [
        ({"begin": 0.5, "end": 40}, 100, "begin to change at 0.5 and end at 40. Expected a time that", ChangingLoss),
        (
            {"begin": 2, "end": 101},
            100,
            "change until step 101, and the training has 100. Expected a step",
            ChangingLoss,
        ),
        ({"begin": 0, "end": 0.5}, math.inf, "at fractions of the training, whose length is not known.", Trainer),
        ({"begin": 0.5, "end": 200}, math.inf, "at fractions of the training, whose length is not known.", Trainer),
    ],
)
def test_times_that_do_not_suit_the_training_are_refused(settings, num_steps, said, owner):
    with pytest.raises(SettingError) as caught:
        planned(num_steps, **settings)
    assert said in str(caught.value)
    assert caught.value.owner is owner


def test_steps_need_no_training_that_ends():
    assert planned(math.inf, begin=2, end=4, **FORCES_FIRST).weights_at(3) == (1, 3)


def test_forces_that_the_dataset_lacks_are_refused_by_the_weight_that_wants_them(tmp_path):
    loss = ChangingLoss(forces=0.0, first_forces=2.0)
    with pytest.raises(SettingError, match=r"The loss weights forces by 2\.0, but made has no forces") as caught:
        quiet_trainer(tmp_path).fit(GradientTask(small_potential(), loss), datamodule=small_data(tmp_path))
    assert caught.value.setting == "first_forces"


def test_a_training_that_is_made_longer_keeps_its_plan(tmp_path):
    settings: dict[str, Any] = {"begin": 0.5, "end": 1.0, **FORCES_FIRST}
    task = GradientTask(small_potential(), ChangingLoss(**settings))
    trainer = quiet_trainer(tmp_path, epochs=2)
    trainer.fit(task, datamodule=small_data(tmp_path, forces=True))
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    longer = GradientTask(small_potential(), ChangingLoss(**settings))
    data = small_data(tmp_path, forces=True)
    quiet_trainer(tmp_path, epochs=8).fit(longer, datamodule=data, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert longer.global_step == 24
    assert [longer.loss.weights_at(step) for step in (3, 6, 12)] == [(0, 5), (2, 1), (2, 1)]
