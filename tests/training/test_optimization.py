from __future__ import annotations

import csv
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import GradientAccumulationScheduler, LearningRateMonitor
from lightning.pytorch.cli import ReduceLROnPlateau
from torch.optim import lr_scheduler

from potbench.errors import SettingError
from potbench.training import GradientTask, OneCycle, StepDecay
from potbench.training.csv_logger import CSVLogger
from tests.training.small_task import quiet_trainer, small_data, small_potential

pytestmark = pytest.mark.filterwarnings("ignore")
STEPS, EPOCHS = 3, 4


class Rates(Callback):
    """The learning rate of each step, and the validation loss of each epoch that has one."""

    def __init__(self) -> None:
        self.of_step: list[float] = []
        self.validated: list[float] = []

    def on_train_batch_start(self, trainer: Trainer, *arguments: Any) -> None:
        self.of_step.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_validation_end(self, trainer: Trainer, *arguments: Any) -> None:
        if not trainer.sanity_checking:
            self.validated.append(float(trainer.callback_metrics["validation/loss"]))


def train(folder: Path, epochs: int = EPOCHS, trainer: dict[str, Any] | None = None, **settings: Any) -> Rates:
    """Train the small task, three steps an epoch."""
    rates = Rates()
    trainer = dict(trainer or {})
    callbacks = trainer.pop("callbacks", [])
    task = GradientTask(small_potential(), optimizer=partial(torch.optim.SGD, lr=0.01), **settings)
    quiet_trainer(folder, rates, *callbacks, epochs=epochs, **trainer).fit(task, datamodule=small_data(folder))
    return rates


def by_torch(make: Any, number: int) -> list[float]:
    """Learning rates that a schedule gives when it is advanced again and again."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.01)
    schedule, rates = make(optimizer), []
    for _ in range(number):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


OF_TORCH = {
    "StepLR": partial(lr_scheduler.StepLR, step_size=2),
    "ExponentialLR": partial(lr_scheduler.ExponentialLR, gamma=0.9),
    "LinearLR": partial(lr_scheduler.LinearLR, total_iters=3),
    "CosineAnnealingLR": partial(lr_scheduler.CosineAnnealingLR, T_max=100),
    "CosineAnnealingWarmRestarts": partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=2),
    "OneCycleLR": partial(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=STEPS * EPOCHS),
    "SequentialLR": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.ConstantLR(optimizer, 0.5), lr_scheduler.ExponentialLR(optimizer, 0.9)],
        milestones=[2],
    ),
}


@pytest.mark.parametrize("interval", ["step", None])
@pytest.mark.parametrize("name", OF_TORCH)
def test_schedules_of_torch_are_advanced_after_every_epoch_or_step(tmp_path, name, interval):
    found = train(tmp_path, schedule=OF_TORCH[name], schedule_interval=interval).of_step
    if interval == "step":
        assert found == by_torch(OF_TORCH[name], STEPS * EPOCHS)
    else:
        assert found == [rate for rate in by_torch(OF_TORCH[name], EPOCHS) for _ in range(STEPS)]


@pytest.mark.parametrize(
    "schedule",
    [
        partial(OneCycle, max_lr=0.1),
        partial(StepDecay, factor=0.5, every=2),
        lambda optimizer, num_steps: OneCycle(optimizer, num_steps, max_lr=0.1),
    ],
)
def test_schedules_over_the_whole_training_are_told_its_length_and_advanced_at_every_step(tmp_path, schedule):
    expected = by_torch(lambda optimizer: schedule(optimizer, num_steps=STEPS * EPOCHS), STEPS * EPOCHS)
    assert train(tmp_path, schedule=schedule).of_step == expected
    assert expected[0] != expected[2]


@pytest.mark.parametrize("kind", [lr_scheduler.ReduceLROnPlateau, partial(ReduceLROnPlateau, monitor="train/loss")])
def test_a_schedule_that_looks_at_the_validation_is_advanced_after_validations_alone(tmp_path, kind):
    # an improvement to a tenth is too much to ask for
    plateau = partial(kind, factor=0.5, patience=0, threshold=0.9)
    rates = train(tmp_path, 6, {"check_val_every_n_epoch": 2}, schedule=plateau)
    assert len(rates.validated) == 3
    assert rates.of_step[::STEPS] == [0.01, 0.01, 0.01, 0.01, 0.005, 0.005]


def test_the_warm_up_is_counted_in_steps_whatever_the_schedule(tmp_path):
    schedule = OF_TORCH["ExponentialLR"]
    alone = train(tmp_path, schedule=schedule).of_step
    warmed = train(tmp_path, schedule=schedule, warmup_steps=4).of_step
    factors = [min(1.0, (step + 1) / 5) for step in range(len(alone))]
    assert warmed == [rate * factor for rate, factor in zip(alone, factors, strict=True)]


def test_batches_whose_gradients_are_accumulated_are_one_step_of_the_warm_up(tmp_path):
    rates = train(tmp_path, 1, {"accumulate_grad_batches": 2}, warmup_steps=1).of_step
    assert rates == [0.005, 0.005, 0.01]


@pytest.mark.parametrize("batches", [1, STEPS])
def test_each_batch_draws_random_numbers_of_its_own(tmp_path, batches):
    class Seeds(Callback):
        def on_train_batch_end(self, *arguments: Any) -> None:
            found.append(torch.initial_seed())

    found: list[int] = []
    trainer = quiet_trainer(tmp_path, Seeds(), epochs=2, accumulate_grad_batches=batches)
    trainer.fit(GradientTask(small_potential()), datamodule=small_data(tmp_path))
    assert len(set(found)) == len(found) == 2 * STEPS


def test_dropout_follows_seed_everything(tmp_path, monkeypatch):
    class Seeds(Callback):
        def on_train_batch_end(self, *arguments: Any) -> None:
            found[-1].append(torch.initial_seed())

    found: list[list[int]] = []
    for seed in (1, 2, 1):
        found.append([])
        monkeypatch.setenv("PL_GLOBAL_SEED", str(seed))  # as Lightning's seed_everything does
        trainer = quiet_trainer(tmp_path, Seeds(), epochs=1)
        trainer.fit(GradientTask(small_potential()), datamodule=small_data(tmp_path))
    assert found[0] == found[2]
    assert not {*found[0]} & {*found[1]}


@pytest.mark.parametrize("schedule", [None, OF_TORCH["StepLR"]])
def test_the_learning_rate_is_logged_once_as_it_is(tmp_path, schedule):
    task = GradientTask(small_potential(), schedule=schedule, warmup_steps=9)
    logger = CSVLogger(tmp_path)
    settings = {"logger": logger, "log_every_n_steps": 1}
    monitor = LearningRateMonitor(logging_interval="step")
    quiet_trainer(tmp_path, monitor, epochs=1, **settings).fit(task, datamodule=small_data(tmp_path))
    logger.save()
    rows = list(csv.DictReader(logger.file.open()))
    assert [float(row["lr-Adam"]) for row in rows if row["lr-Adam"]] == pytest.approx([1e-4, 2e-4, 3e-4])
    assert [name for name in rows[0] if name.startswith("lr-")] == ["lr-Adam"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, ""),
        (
            {"schedule": partial(OneCycle, max_lr=0.1)},
            "Learning rate: OneCycle, with the momentum, advanced after every step.\n",
        ),
        (
            {"schedule": partial(OneCycle, max_lr=0.1, momentum=None)},
            "Learning rate: OneCycle, advanced after every step.\n",
        ),
        ({"schedule": OF_TORCH["StepLR"]}, "Learning rate: StepLR, advanced after every epoch.\n"),
        (
            {"schedule": lr_scheduler.ReduceLROnPlateau, "warmup_steps": 1000},
            "Learning rate: ReduceLROnPlateau, advanced after every validated epoch; rising in the first 1,000 "
            "steps.\n",
        ),
        ({"warmup_steps": 10}, "Learning rate: rising in the first 10 steps.\n"),
    ],
)
def test_a_line_says_when_the_schedule_is_advanced(tmp_path, capsys, settings, said):
    train(tmp_path, 1, **settings)
    printed = capsys.readouterr().out
    assert "".join(line for line in printed.splitlines(keepends=True) if line.startswith("Learning rate")) == said


REFUSED = {
    "another interval": (
        {"schedule": partial(OneCycle, max_lr=0.1), "schedule_interval": "epoch"},
        {},
        "schedule_interval",
        "The schedule is planned for the number of optimizer steps, and would be advanced after epochs.",
    ),
    "a validation in every step": (
        {"schedule": lr_scheduler.ReduceLROnPlateau, "schedule_interval": "step"},
        {},
        "schedule_interval",
        "ReduceLROnPlateau looks at the validation loss, which is measured after epochs.",
    ),
    "no validation of epochs": (
        {"schedule": lr_scheduler.ReduceLROnPlateau},
        {"check_val_every_n_epoch": None, "val_check_interval": 2},
        "check_val_every_n_epoch",
        "ReduceLROnPlateau looks at the validation loss of an epoch, and check_val_every_n_epoch is null.",
    ),
    "an end before that of the training": (
        {"schedule": partial(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=11), "schedule_interval": "step"},
        {},
        "schedule",
        "OneCycleLR ends after 11 steps, the training after 12. Expected a schedule that is as long.",
    ),
    "a rate of zero before the end of the training": (
        {"schedule": lr_scheduler.PolynomialLR},
        {"epochs": 6},
        "schedule",
        "PolynomialLR ends after 5 epochs, the training after 6. Expected a schedule that is as long.",
    ),
    "an end, but none of the training": (
        {"schedule": partial(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=11)},
        {"max_steps": 3, "epochs": -1},
        "schedule",
        "OneCycleLR ends after 11 epochs, the training at no number that is known.",
    ),
    "epochs of several lengths": (
        {"schedule": partial(OneCycle, max_lr=0.1)},
        {"callbacks": [GradientAccumulationScheduler({0: 1, 1: 2})]},
        "callbacks",
        "GradientAccumulationScheduler changes the steps of an epoch, and schedule or loss are planned for a number of "
        "steps. Expected accumulate_grad_batches of the Trainer.",
    ),
    "schedules of schedules": (
        {"schedule": lr_scheduler.ChainedScheduler},
        {},
        "schedule",
        "ChainedScheduler is made of other schedules, which a setting cannot name. Expected a single schedule.",
    ),
    "an argument that is missing": (
        {"schedule": lr_scheduler.StepLR},
        {},
        "schedule",
        "missing 1 required positional argument: 'step_size'. Expected arguments that the schedule accepts.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_schedules_that_do_not_suit_the_training_are_refused_before_the_first_step(tmp_path, name):
    settings, trainer, setting, said = REFUSED[name]
    trainer = dict(trainer)
    with pytest.raises(SettingError) as caught:
        train(tmp_path, trainer.pop("epochs", EPOCHS), trainer, **settings)
    assert said in str(caught.value)
    assert caught.value.setting == setting


def test_a_negative_warm_up_is_refused():
    with pytest.raises(SettingError, match="warmup_steps is -1, expected 0 or more"):
        GradientTask(small_potential(), warmup_steps=-1)


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "AdamW": {},
    "SGD": {"lr": 1e-3},
    "Adadelta": {},
    "LBFGS": {"line_search_fn": "strong_wolfe"},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_of_torch_lower_the_loss(tmp_path, name):
    task = GradientTask(small_potential(), optimizer=partial(getattr(torch.optim, name), **OPTIMIZERS[name]))
    data = small_data(tmp_path)
    data.batch_size = 11  # all, which LBFGS is made for
    losses: list[float] = []

    class Loss(Callback):
        def on_train_epoch_end(self, trainer: Trainer, *arguments: Any) -> None:
            losses.append(float(task._mean_loss()))

    quiet_trainer(tmp_path, Loss(), epochs=4).fit(task, datamodule=data)
    assert losses[-1] < losses[0]
