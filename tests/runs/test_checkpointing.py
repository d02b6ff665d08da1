"""What the checkpoints of a run hold, and when they are saved."""

from __future__ import annotations

import math
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, Timer
from lightning.pytorch.trainer.states import RunningStage, TrainerFn

from potbench.errors import DivergedError, SettingError
from potbench.runs.checkpointing import BestCheckpoint, checkpoint_callbacks
from potbench.runs.folder import RunFolder
from potbench.runs.metrics import best_validation
from potbench.runs.signals import Stopped
from tests.runs.broken_off import BreakOff, BrokenOffError, fit, state
from tests.runs.differences import differences

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training leaves."""
    folder = tmp_path_factory.mktemp("unbroken")
    fit(folder)
    return state(folder)


class Send(BreakOff):
    """Sends a signal to this process in a hook."""

    def __init__(self, number: int, hook: str, count: int) -> None:
        super().__init__(hook, count)
        self.number = number

    def act(self) -> None:
        os.kill(os.getpid(), self.number)


@pytest.mark.parametrize(("hook", "count"), [("on_train_batch_end", 8), ("on_train_epoch_end", 3), ("on_train_end", 1)])
def test_early_stopping_continues_where_it_was(tmp_path, hook, count):
    settings: dict[str, Any] = {"epochs": 9, "task": "plateau"}
    fit(tmp_path / "unbroken", early_stopping(), **settings)
    with pytest.raises(BrokenOffError):
        fit(tmp_path / "broken", early_stopping(), BreakOff(hook, count), **settings)
    resumed = fit(tmp_path / "broken", early_stopping(), resume=True, **settings)
    assert differences(state(tmp_path / "broken"), state(tmp_path / "unbroken")) == []
    assert resumed.current_epoch == 3


def test_a_training_that_early_stopping_ended_trains_on_when_it_is_made_longer(tmp_path):
    ended = fit(tmp_path, early_stopping(), epochs=9, task="constant")
    assert fit(tmp_path, early_stopping(), epochs=9, task="constant", resume=True).global_step == ended.global_step
    assert fit(tmp_path, early_stopping(), epochs=10, task="constant", resume=True).global_step > ended.global_step


def early_stopping() -> EarlyStopping:
    """Ends after three epochs: an improvement of 1000 is too much to ask for."""
    return EarlyStopping("validation/loss", min_delta=1000.0, patience=2)


def test_a_training_that_max_time_ended_resumes_within_its_epoch(tmp_path, capsys):
    fit(tmp_path / "unbroken")
    first = fit(tmp_path / "broken", OutOfTime(5))
    assert first.global_step == 5
    assert "Training ended in epoch 2: max_time is over" in capsys.readouterr().out
    # it was validated once more
    rows = (tmp_path / "broken" / "run" / "metrics.csv").read_text().splitlines()
    fit(tmp_path / "broken", resume=True)
    broken, unbroken = state(tmp_path / "broken"), state(tmp_path / "unbroken")
    assert broken.pop("metrics").startswith("\n".join(rows))
    unbroken.pop("metrics")
    broken["last"]["callbacks"]["LastCheckpoint"].pop("rows")
    unbroken["last"]["callbacks"]["LastCheckpoint"].pop("rows")
    assert differences(broken["last"]["state_dict"], unbroken["last"]["state_dict"]) == []
    assert differences(broken["last"]["optimizer_states"], unbroken["last"]["optimizer_states"]) == []
    assert differences(broken["last"]["loss_of_epoch"], unbroken["last"]["loss_of_epoch"]) == []


def test_without_more_time_a_training_that_max_time_ended_ends_at_once(tmp_path, capsys):
    first = fit(tmp_path, OutOfTime(5))
    again = fit(tmp_path, OutOfTime(0), resume=True)
    assert again.global_step == first.global_step
    assert "max_time is over" in capsys.readouterr().out


class OutOfTime(Timer):
    """A Timer whose time is over after some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(duration=timedelta(seconds=1))
        self.steps = steps
        self.left = 1.0

    def time_elapsed(self, stage: str = RunningStage.TRAINING) -> float:
        return 1.0 - self.left

    def on_fit_start(self, trainer: Trainer, *arguments: Any, **named: Any) -> None:
        self._look(trainer)

    def on_train_batch_end(self, trainer: Trainer, *arguments: Any, **named: Any) -> None:
        self._look(trainer)

    def _look(self, trainer: Trainer) -> None:
        self.left = float(self.steps - trainer.global_step)
        self._check_time_remaining(trainer)


def test_the_last_checkpoint_is_that_of_the_last_epoch_and_the_best_that_of_the_best(tmp_path):
    trainer = fit(tmp_path, task="too fast", epochs=4)
    run = RunFolder(tmp_path / "run")
    last, best = (torch.load(file, weights_only=True) for file in (run.last, run.best))
    epoch, _ = best_validation(run.metrics)
    assert epoch < 3, "the test needs a training that becomes worse"
    assert (last["global_step"], best["global_step"]) == (12, 3 * (epoch + 1))
    final = trainer.lightning_module.state_dict()
    assert all(torch.equal(weight, final[name]) for name, weight in last["state_dict"].items())


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ((math.nan, 5.0, 6.0), [1]),
        ((3.0, math.nan, 2.0, 2.5), [0, 2]),
        ((3.0, 3.0, 3.0), [0]),
        ((math.inf, math.nan, -math.inf), [2]),
    ],
)
def test_only_a_smaller_loss_is_better(losses, best):
    saved: list[int] = []
    checkpoint = BestCheckpoint(Path("best.ckpt"))
    for epoch, loss in enumerate(losses):
        trainer = Mock(fast_dev_run=False, sanity_checking=False, callback_metrics={"validation/loss": loss})
        trainer.state.fn = TrainerFn.FITTING
        trainer.strategy.reduce_boolean_decision = bool
        trainer.save_checkpoint = lambda file, epoch=epoch: saved.append(epoch)
        checkpoint.on_validation_end(trainer, Mock())
    assert saved == best


@pytest.mark.parametrize(
    ("number", "name", "status", "hook", "count", "epoch"),
    [
        (signal.SIGTERM, "SIGTERM", 143, "on_train_batch_end", 1, 1),
        (signal.SIGUSR1, "SIGUSR1", 138, "on_train_batch_start", 5, 2),
        (signal.SIGINT, "Ctrl-C", 130, "on_train_batch_end", 3, 1),
        (signal.SIGTERM, "SIGTERM", 143, "on_validation_batch_end", 1, 1),
        (signal.SIGUSR1, "SIGUSR1", 138, "on_train_epoch_end", 2, 2),
    ],
)
def test_a_signal_ends_the_training_where_it_can_be_resumed(
    tmp_path, unbroken, number, name, status, hook, count, epoch
):
    with pytest.raises(Stopped) as stopped:
        fit(tmp_path, Send(number, hook, count))
    assert stopped.value.status == status
    assert str(stopped.value) == (
        f"stopped by {name} in epoch {epoch}. Resume with: python -m potbench fit {tmp_path / 'run'}"
    )
    fit(tmp_path, resume=True)
    assert differences(state(tmp_path), unbroken) == []


def test_a_signal_at_the_very_end_does_not_keep_the_training_from_its_end(tmp_path, unbroken):
    fit(tmp_path, Send(signal.SIGTERM, "on_validation_batch_end", 3))
    assert differences(state(tmp_path), unbroken) == []


def test_without_checkpoints_a_signal_ends_the_training_too(tmp_path):
    with pytest.raises(Stopped, match=r"stopped by SIGTERM in epoch 1\. No checkpoint was saved\."):
        fit(tmp_path, Send(signal.SIGTERM, "on_train_batch_end", 2), saves=False, enable_checkpointing=False)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_what_a_user_adds_displaces_nothing(tmp_path, unbroken):
    own = ModelCheckpoint(tmp_path / "own", monitor="validation/loss", save_last=True, save_top_k=-1)
    trainer = fit(tmp_path, own, EarlyStopping("validation/loss", patience=9))
    assert len(list((tmp_path / "own").iterdir())) == 4
    assert trainer.callbacks[-1].__class__ is ModelCheckpoint, "it is called when all else was"
    left, expected = state(tmp_path), unbroken
    assert differences(left["last"]["state_dict"], expected["last"]["state_dict"]) == []
    assert left["metrics"] == expected["metrics"]


@pytest.mark.parametrize("name", ["last", "best"])
def test_a_run_of_an_earlier_version_resumes(tmp_path, unbroken, name):
    run = RunFolder(tmp_path / "run")
    earlier = ModelCheckpoint(
        run.checkpoints, filename="best", monitor="validation/loss", save_last=True, enable_version_counter=False
    )
    with pytest.raises(BrokenOffError):
        fit(tmp_path, earlier, BreakOff("on_train_batch_end", 8), own=[])
    run.last.rename(tmp_path / "last.ckpt")
    (run.best if name == "best" else tmp_path / "last.ckpt").rename(run.last)
    trainer = fit(tmp_path, resume=True)
    expected = unbroken["last"]
    assert differences(trainer.lightning_module.state_dict(), expected["state_dict"]) == []
    best = next(callback for callback in trainer.callbacks if isinstance(callback, BestCheckpoint))
    assert best.state_dict() == expected["callbacks"]["BestCheckpoint"]


def test_a_training_that_diverges_leaves_the_checkpoint_before(tmp_path):
    with pytest.raises(DivergedError):
        fit(tmp_path, Spoil(4), every_steps=1)
    last = torch.load(RunFolder(tmp_path / "run").last, weights_only=True)
    assert last["global_step"] == 4


class Spoil(Callback):
    """Sets the weights to NaN after some steps."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def on_train_batch_start(self, trainer: Trainer, *arguments: Any) -> None:
        if trainer.global_step == self.steps:
            for weight in trainer.lightning_module.parameters():
                weight.data.fill_(math.nan)


def test_files_of_a_process_that_was_killed_while_it_wrote_are_removed(tmp_path):
    run = RunFolder(tmp_path / "run")
    left = [run.path / "record.json.12ab34cd.partial", run.checkpoints / "last.ckpt.12ab34cd.partial"]
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    fit(tmp_path, epochs=1)
    assert not any(file.exists() for file in left)


@pytest.mark.parametrize("setting", ["every_minutes", "every_steps"])
def test_intervals_are_above_zero(tmp_path, setting):
    with pytest.raises(SettingError, match=f"{setting} is 0, expected more than 0"):
        checkpoint_callbacks(RunFolder(tmp_path), **{setting: 0})


def test_checkpoints_are_saved_within_epochs_after_some_minutes(tmp_path, monkeypatch):
    now = iter(range(0, 10**6, 61))
    monkeypatch.setattr("potbench.runs.checkpointing.time.monotonic", lambda: next(now))
    with pytest.raises(BrokenOffError):
        fit(tmp_path, BreakOff("on_train_batch_end", 2), every_minutes=1.0)
    assert torch.load(RunFolder(tmp_path / "run").last, weights_only=True)["global_step"] == 1
