"""What training costs: throughput, wall time, time of the processors."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from potbench.batch import Batch
from potbench.runs.processor_time import processor_seconds
from potbench.training import GradientTask

SAVED = ("frames", "training_seconds", "wall_seconds", "cpu_seconds", "captured_steps", "compiled_steps")
"""Attributes from which a resumed run continues."""


class Cost(Callback):
    """Counts frames and measures time, from the first step on; the throughput leaves validation out.

    The clock is read only where epochs and validations begin and end, and where a checkpoint is saved: no step is
    synchronized with it. A resumed run continues from the numbers in its checkpoint, also within an epoch.

    Attributes:
        frames: frames trained on, over all processes.
        training_seconds: time spent in training steps.
        wall_seconds: time from the first step to the last, validation included.
        cpu_seconds: of all cores together over the same time, of all processes and those that load their data; NaN
            where a run is resumed that did not measure it.
        captured_steps: steps that a GPU replayed.
        compiled_steps: steps of a program that was compiled for them.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.training_seconds = 0.0
        self.wall_seconds = 0.0
        self.cpu_seconds = 0.0
        self.captured_steps = 0
        self.compiled_steps = 0
        self._counted_until: float | None = None
        self._cpu_until = 0.0
        self._validates = False
        self._over_all_processes: Callable[[float], float] = float

    @property
    def frames_per_second(self) -> float:
        """Return how many frames were trained on per second of training."""
        return self.frames / self.training_seconds if self.training_seconds else 0.0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.world_size > 1:
            self._over_all_processes = partial(_sum, trainer)
        # a run that is resumed within an epoch does not start that epoch again
        self._start()

    @override
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start()

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.frames += trainer.train_dataloader.batch_sampler.size(batch_idx)  # type: ignore[union-attr]
        if isinstance(pl_module, GradientTask):
            self.captured_steps += pl_module.is_captured
            self.compiled_steps += pl_module.is_compiled

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._count()
        self._validates = True

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._count()
        self._validates = False

    @override
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._count()
        self._counted_until = None

    @override
    def state_dict(self) -> dict[str, Any]:
        self._count()
        return {key: getattr(self, key) for key in SAVED}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for key, value in {"cpu_seconds": math.nan, "captured_steps": 0, "compiled_steps": 0, **state_dict}.items():
            setattr(self, key, value)

    def _start(self) -> None:
        self._counted_until, self._cpu_until = _now(), processor_seconds()

    def _count(self) -> None:
        """Add the time since the last call; a collective call."""
        if self._counted_until is None:
            return
        now, cpu = _now(), processor_seconds()
        self.wall_seconds += now - self._counted_until
        self.cpu_seconds += self._over_all_processes(cpu - self._cpu_until)
        self.training_seconds += 0.0 if self._validates else now - self._counted_until
        self._counted_until, self._cpu_until = now, cpu


def _sum(trainer: Trainer, seconds: float) -> float:
    own = torch.tensor(seconds, dtype=torch.float64, device=trainer.strategy.root_device)
    return float(trainer.strategy.reduce(own, reduce_op="sum"))


def _now() -> float:
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.synchronize()
    return time.perf_counter()
