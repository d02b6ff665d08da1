"""A training resumed within an epoch sees the batches that an unbroken one would have seen."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.loading.loader import BatchLoader
from potbench.loading.sampler import GlobalBatchSampler
from tests.training.small_task import quiet_trainer, small_data, small_task

pytestmark = pytest.mark.filterwarnings("ignore")


class Seen(Callback):
    """Keeps the frames of each training batch, and stops after some."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.frames: list[list[int]] = []
        self.stop_after = stop_after

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.frames.append(batch.frame.tolist())

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        if len(self.frames) == self.stop_after:
            raise KeyboardInterrupt


def fit(folder: Path, seen: Seen, checkpoint: Path | None = None, num_workers: int = 0) -> torch.nn.Module:
    task = small_task()
    every_step = ModelCheckpoint(folder, filename="now", every_n_train_steps=1, enable_version_counter=False)
    trainer = quiet_trainer(folder, every_step, seen, epochs=3, enable_checkpointing=True)
    try:
        data = small_data(folder, num_workers=num_workers)
        trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except (KeyboardInterrupt, SystemExit):
        pass
    return task


@pytest.mark.parametrize(
    ("stop_after", "num_workers"), [(1, 0), (2, 0), (3, 0), (4, 0), (6, 0), (8, 0), (3, 2), (5, 2)]
)
def test_every_batch_is_trained_on_once_wherever_training_was_broken_off(tmp_path, stop_after, num_workers):
    unbroken, first, second = Seen(), Seen(stop_after), Seen()
    expected = fit(tmp_path / "unbroken", unbroken)
    assert len(unbroken.frames) == 9
    fit(tmp_path / "broken", first, num_workers=num_workers)
    resumed = fit(tmp_path / "broken", second, tmp_path / "broken" / "now.ckpt", num_workers)
    assert first.frames + second.frames == unbroken.frames
    for one, other in zip(resumed.parameters(), expected.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_workers_leave_signals_to_the_main_process(store, number):
    # a cluster sends them to all processes, a terminal to all of its group
    loader = BatchLoader(store, GlobalBatchSampler(np.arange(19), 2), lambda: {"epoch": 0, "batches": 0}, num_workers=2)
    before = set(multiprocessing.active_children())
    batches = iter(loader)
    # the first of each worker: a process that has not begun to work dies of a signal like any other
    next(batches)
    next(batches)
    workers = set(multiprocessing.active_children()) - before
    # by another process: the main one may end its workers
    others = [subprocess.run(["kill", f"-{int(number)}", str(worker.pid)], check=True) for worker in workers]
    assert len(others) == 2
    assert sum(1 for _ in batches) == 8
    assert all(worker.is_alive() for worker in workers)
    for worker in workers:
        worker.terminate()
        worker.join(10)
        assert worker.exitcode == 0


def test_a_training_that_resumes_draws_its_epoch_ahead_by_workers(tmp_path):
    # a schedule makes the loader before Lightning restores the counters
    data = small_data(tmp_path, num_workers=2)
    data.setup("fit")
    data.load_state_dict({"epoch": 2, "batches": 1})
    expected = small_data(tmp_path)
    expected.setup("fit")
    sampler = expected.train_dataloader().batch_sampler
    sampler.set_epoch(2)
    frames = [batch.tolist() for batch in sampler][1:]
    assert [batch.frame.tolist() for batch in data.train_dataloader()] == frames


@pytest.mark.parametrize(("batches", "begins_at"), [(0, (2, 0)), (3, (3, 0))])
def test_batches_of_another_size_begin_with_an_epoch(tmp_path, batches, begins_at):
    data = small_data(tmp_path)
    data.setup("fit")
    size = data.batch_size  # three batches an epoch
    data.batch_size = 2
    data.load_state_dict({"epoch": 2, "batches": batches, "batch_size": size})
    sampler = data.train_dataloader().batch_sampler
    assert (sampler._first_epoch, sampler._first_batch) == begins_at


def test_batches_of_another_size_are_refused_within_an_epoch(tmp_path):
    data = small_data(tmp_path)
    data.setup("fit")
    data.batch_size = 2
    with pytest.raises(SettingError, match=r"off after 2 batches of an epoch, of 4 frames each\. Expected 4, until"):
        data.load_state_dict({"epoch": 2, "batches": 2, "batch_size": 4})
    assert data.state_dict()["batch_size"] == 2
