"""The end of a training is validated, however seldom that is done before."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override


class LastValidation(Callback):
    """Has the last epoch of a training validated, and its last step where that ends within an epoch."""

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # a run that is resumed within an epoch does not start that epoch again
        self.on_train_epoch_start(trainer, pl_module)

    @override
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.check_val_every_n_epoch and trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1

    @override
    def on_train_batch_end(self, trainer: Trainer, *arguments: Any, **named: Any) -> None:
        if trainer.global_step == trainer.max_steps:
            if trainer.check_val_every_n_epoch:
                trainer.check_val_every_n_epoch = 1
            trainer.val_check_batch = 1
            trainer._val_check_time_interval = None  # type: ignore[attr-defined]
