from __future__ import annotations

import math
import time

import pytest
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.runs import cost as module
from potbench.runs.cost import Cost
from tests.training.small_task import quiet_trainer, small_data, small_task

pytestmark = pytest.mark.filterwarnings("ignore")


class Clock:
    """Advances only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "_now", clock)
    return clock


def timed_task(clock: Clock):
    """Three steps of 2 s, then a validation of 7 s, in each epoch."""
    task = small_task()

    def on_train_batch_end(*arguments):
        clock.now += 2

    def on_validation_epoch_end(*arguments):
        clock.now += 7

    task.on_train_batch_end = on_train_batch_end
    task.on_validation_epoch_end = on_validation_epoch_end
    return task


def test_throughput_is_frames_over_the_time_of_training_alone(tmp_path, clock):
    cost = Cost()
    quiet_trainer(tmp_path, cost, epochs=4).fit(timed_task(clock), datamodule=small_data(tmp_path))
    assert cost.frames == 4 * 11
    assert cost.training_seconds == 4 * 6
    assert cost.wall_seconds == 4 * (6 + 7)
    assert cost.frames_per_second == pytest.approx(44 / 24)


def test_before_any_step_there_is_no_throughput():
    assert Cost().frames_per_second == 0


def test_a_resumed_run_counts_on(tmp_path, clock):
    first = quiet_trainer(
        tmp_path,
        Cost(),
        ModelCheckpoint(tmp_path, save_last=True, monitor="validation/loss"),
        epochs=2,
        enable_checkpointing=True,
    )
    first.fit(timed_task(clock), datamodule=small_data(tmp_path))
    cost = Cost()
    second = quiet_trainer(tmp_path, cost, epochs=5)
    second.fit(timed_task(clock), datamodule=small_data(tmp_path), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert cost.frames == 5 * 11
    assert cost.training_seconds == 5 * 6
    assert cost.wall_seconds == 5 * 13


def test_cpu_time_is_that_of_all_cores_between_the_same_two_times_also_of_resumed_runs(tmp_path, clock, monkeypatch):
    # three cores are busy, also between epochs and after the training
    monkeypatch.setattr(module, "processor_seconds", lambda: 3 * clock.now)
    saved = ModelCheckpoint(tmp_path, save_last=True, monitor="validation/loss")
    first = quiet_trainer(tmp_path, Cost(), saved, epochs=2, enable_checkpointing=True)
    first.fit(timed_task(clock), datamodule=small_data(tmp_path))
    cost = Cost()
    second = quiet_trainer(tmp_path, cost, epochs=5)
    second.fit(timed_task(clock), datamodule=small_data(tmp_path), ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert cost.cpu_seconds == 3 * cost.wall_seconds == 3 * 5 * 13


def test_a_training_takes_the_time_of_its_one_thread_and_no_more(tmp_path):
    cost = Cost()
    quiet_trainer(tmp_path, cost, epochs=20).fit(small_task(), datamodule=small_data(tmp_path))
    assert 0 < cost.cpu_seconds <= 1.2 * cost.wall_seconds + 0.02


def test_what_an_earlier_version_did_not_measure_is_not_known(tmp_path):
    cost = Cost()
    cost.load_state_dict({"frames": 7, "training_seconds": 2.0, "wall_seconds": 3.0})
    assert math.isnan(cost.cpu_seconds)


def test_the_state_is_restored():
    cost = Cost()
    cost.frames, cost.training_seconds, cost.wall_seconds, cost.cpu_seconds = 7, 2.0, 3.0, 4.0
    other = Cost()
    other.load_state_dict(cost.state_dict())
    assert other.state_dict() == cost.state_dict()
    assert other.frames_per_second == 3.5


def test_the_clock_goes_forward():
    before = module._now()
    time.sleep(0.01)
    assert 0.01 <= module._now() - before < 5


def test_processor_time_is_that_of_all_processes(tmp_path, clock, monkeypatch):
    used = iter(range(0, 100, 3))
    monkeypatch.setattr(module, "processor_seconds", lambda: next(used))
    trainer = quiet_trainer(tmp_path)
    monkeypatch.setattr(type(trainer), "world_size", 2)
    monkeypatch.setattr(trainer.strategy, "reduce", lambda own, reduce_op: own + 4.0)
    cost = Cost()
    cost.on_train_start(trainer, timed_task(clock))
    cost.on_train_epoch_end(trainer, timed_task(clock))
    assert cost.cpu_seconds == 3 + 4
