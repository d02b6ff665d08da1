"""How training goes on between two validations: learning rate, gradient norm, throughput, memory."""

from __future__ import annotations

import time
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.optim import Optimizer
from typing_extensions import override

from potbench.batch import Batch
from potbench.training.csv_logger import CSVLogger
from potbench.training.memory import peak_memory


class Monitor(Callback):
    """Logs the learning rate, the norm of the gradient, the throughput and the memory.

    It does so every `log_every_n_steps` steps of the Trainer and after the last step of an epoch; all other steps cost
    nothing, and are not synchronized with the host. The norm is that of the whole gradient before it is clipped; the
    throughput, in frames/s over all processes, leaves validation out.

    Args:
        csv: whether metrics.csv has these numbers as well, not the dashboards alone.
    """

    def __init__(self, csv: bool = True) -> None:
        self.csv = csv
        self._measured: dict[str, float | Tensor] = {}
        self._frames = 0
        self._seconds = 0.0
        self._since = 0.0

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restart()  # a run that is resumed within an epoch does not start that epoch again

    @override
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restart()

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._seconds += time.perf_counter() - self._since

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._since = time.perf_counter()

    @override
    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        if not trainer.is_global_zero or not _is_due(trainer, trainer.global_step + 1):
            return
        groups = optimizer.param_groups
        names = [f"_{number}" for number in range(1, len(groups) + 1)] if len(groups) > 1 else [""]
        self._measured = {f"train/learning_rate{name}": group["lr"] for name, group in zip(names, groups, strict=True)}
        gradients = [weight.grad for group in groups for weight in group["params"] if weight.grad is not None]
        self._measured["train/gradient_norm"] = torch.nn.utils.get_total_norm(gradients)

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        self._frames += trainer.train_dataloader.batch_sampler.size(batch_idx)  # type: ignore[union-attr]
        # a potential that is solved takes no optimizer steps
        if not self._measured and not (trainer.is_last_batch and trainer.is_global_zero):
            return
        # reading the norm waits for the device, so that the time is that of whole steps
        metrics = {name: float(value) for name, value in self._measured.items()}
        now = time.perf_counter()
        metrics["train/throughput_frames_per_s"] = self._frames / (self._seconds + now - self._since)
        metrics["train/peak_memory_MiB"] = peak_memory()
        metrics["epoch"] = trainer.current_epoch
        self._restart()
        for logger in trainer.loggers:
            if self.csv or not isinstance(logger, CSVLogger):
                logger.log_metrics(metrics, step=max(trainer.global_step - 1, 0))
                logger.save()

    def _restart(self) -> None:
        self._measured, self._frames, self._seconds, self._since = {}, 0, 0.0, time.perf_counter()


def _is_due(trainer: Trainer, step: int) -> bool:
    every = trainer.log_every_n_steps  # type: ignore[attr-defined]
    return trainer.is_last_batch or bool(every and step % every == 0)
