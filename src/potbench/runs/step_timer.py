"""Times the steps of a training, to plan others."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from potbench.errors import require_positive
from potbench.runs.processor_time import processor_seconds
from potbench.whole_file import write_text


class _Now(NamedTuple):
    clock: float
    processors: float

    @classmethod
    def read(cls) -> _Now:
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize()
        return cls(time.perf_counter(), processor_seconds())


class StepTimer(Callback):
    """Measures the last optimizer steps of a short training, and the validation that ends it.

    Args:
        file: JSON is written there: seconds of a step and of a validation, of the clock and of the processors, and the
            time at which training began and ended, in seconds since 1970; and the batches of an epoch.
        timed: how many steps are measured; those before them warm up.
    """

    def __init__(self, file: str, timed: int = 50) -> None:
        require_positive(self, timed=timed)
        self.file = Path(file)
        self.timed = timed
        self._began = 0.0
        self._first = self._last = self._validated = _Now(0.0, 0.0)

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._began = time.time()

    @override
    def on_train_batch_start(self, trainer: Trainer, *arguments: Any, **named: Any) -> None:
        if trainer.global_step == trainer.max_steps - self.timed and not self._first.clock:
            self._first = _Now.read()

    @override
    def on_train_batch_end(self, trainer: Trainer, *arguments: Any, **named: Any) -> None:
        if trainer.global_step == trainer.max_steps:
            self._last = _Now.read()

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._validated = _Now.read()

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        measured = {
            "step": (self._last.clock - self._first.clock) / self.timed,
            "validation": max(self._validated.clock - self._last.clock, 0.0),
            "cpu_step": (self._last.processors - self._first.processors) / self.timed,
            "cpu_validation": max(self._validated.processors - self._last.processors, 0.0),
            "began": self._began,
            "ended": time.time(),
            "batches": int(trainer.num_training_batches),
        }
        write_text(self.file, json.dumps(measured))
