"""What the terminal shows while a potential trains."""

from __future__ import annotations

import math
from typing import Any

from lightning.pytorch import LightningModule, Trainer, callbacks
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from typing_extensions import override

from potbench.units import reported

SHOWN = {"validation/energy_mae": "energy {:.3g} {unit}", "validation/forces_mae": "forces {:.3g} {unit}/Å"}


class ProgressBar(callbacks.ProgressBar):
    """One bar for the whole training, with the validation MAE; without a terminal, ten lines."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console()
        self.progress: Progress | None = None

    @override
    def disable(self) -> None:
        # Lightning calls this in all processes but the first
        self.console = Console(quiet=True)

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.console.is_terminal or self.console.quiet:
            return
        left = TimeRemainingColumn(compact=True)
        self.progress = Progress(TextColumn("epoch {task.description}"), BarColumn(24), left, console=self.console)
        self.progress.columns += (TextColumn("{task.fields[errors]}"),)
        num_batches = int(trainer.num_training_batches)
        last = _last_epoch(trainer)
        self.progress.add_task(
            f"{trainer.current_epoch + 1}/{last or '∞'}",
            total=last and num_batches * last,
            completed=trainer.current_epoch * num_batches,
            errors="",
        )
        self.progress.start()

    @override
    def on_train_batch_end(self, *arguments: Any, **named: Any) -> None:
        if self.progress:
            self.progress.advance(self.progress.task_ids[0])

    @override
    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        epoch, last = trainer.current_epoch + 1, _last_epoch(trainer)
        metrics = trainer.callback_metrics
        unit, _ = reported(trainer.datamodule.store.energy_unit)  # type: ignore[attr-defined]
        shown = ", ".join(
            text.format(float(metrics[name]), unit=unit) for name, text in SHOWN.items() if name in metrics
        )
        errors = f"validation MAE: {shown or 'not yet'}"
        if self.progress:
            described = f"{min(epoch + 1, last or math.inf)}/{last or '∞'}"
            self.progress.update(self.progress.task_ids[0], description=described, errors=errors)
        elif epoch % max(1, (last or 0) // 10) == 0 or epoch in {1, last}:
            self.console.print(f"epoch {epoch}/{last or '∞'}, {errors}", highlight=False, soft_wrap=True)

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    @override
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _stop(self) -> None:
        if self.progress:
            self.progress.stop()
            self.progress = None


def _last_epoch(trainer: Trainer) -> int | None:
    return None if trainer.max_epochs == -1 else trainer.max_epochs
