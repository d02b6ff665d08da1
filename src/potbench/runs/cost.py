"""What training costs: frames per second, wall time, memory."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from potbench.batch import Batch


class Cost(Callback):
    """Measures training itself; validation is left out of the throughput, and preparation out of both.

    The clock is read at the ends of epochs alone, so that no step waits for it. A resumed run counts on.

    Attributes:
        frames: frames trained on, over all processes.
        training_seconds: time spent in training steps.
        wall_seconds: time from the first step to the last, validation included.
    """

    def __init__(self) -> None:
        self.frames = 0
        self.training_seconds = 0.0
        self.wall_seconds = 0.0
        self._epoch_started = 0.0
        self._paused = 0.0
        self._validation_started = 0.0

    @property
    def frames_per_second(self) -> float:
        """Frames trained on per second of training."""
        return self.frames / self.training_seconds if self.training_seconds else 0.0

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._epoch_started = _now()
        self._paused = 0.0

    def on_train_batch_end(  # noqa: D102
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self.frames += len(batch.atoms_per_molecule) * trainer.world_size

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._validation_started = _now()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._paused += _now() - self._validation_started

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        elapsed = _now() - self._epoch_started
        self.wall_seconds += elapsed
        self.training_seconds += elapsed - self._paused

    def state_dict(self) -> dict[str, Any]:  # noqa: D102
        return {key: getattr(self, key) for key in ("frames", "training_seconds", "wall_seconds")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:  # noqa: D102
        for key, value in state_dict.items():
            setattr(self, key, value)


def peak_memory() -> float:
    """Most memory this process held so far in MiB: of the GPU where there is one, else resident memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()
