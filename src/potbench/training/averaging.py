"""What Lightning's averages of weights need to be right for a potential."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor
from typing_extensions import override


class AveragesWeightsAlone(Callback):
    """Keeps an average of weights to the weights, and has it begin with them; it belongs before that callback.

    Lightning averages buffers as well, among them the table that tells elements apart, of integers. It copies the task
    before its offset and scale are fitted, and validates, saves and ends with that copy for as long as no step was
    averaged.

    Args:
        averaging: Lightning's callback, such as its EMAWeightAveraging.
    """

    def __init__(self, averaging: WeightAveraging) -> None:
        self.averaging = averaging

    @override
    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._update(pl_module)

    @override
    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._update(pl_module)

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._update(pl_module)

    @override
    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._update(pl_module)

    @torch.no_grad()
    def _update(self, task: LightningModule) -> None:
        """Copy what is not averaged into the average: all buffers, and before the first average the weights too."""
        average = self.averaging._average_model
        if average is None:  # an evaluation
            return
        _copy(task.buffers(), average.module.buffers())
        if average.n_averaged == 0:
            _copy(task.parameters(), average.module.parameters())


def _copy(sources: Iterable[Tensor], targets: Iterable[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source)
