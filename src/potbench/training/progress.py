"""What one sees while a potential trains."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import LightningModule, Trainer, callbacks
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from potbench.units import reported

SHOWN = {"validation/energy_mae": "energy {:.3g} {unit}", "validation/forces_mae": "forces {:.3g} {unit}/Å"}


class ProgressBar(callbacks.ProgressBar):
    """One bar for the whole training, with the validation MAE; where there is no terminal, a line every tenth."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console()
        self.progress: Progress | None = None

    def disable(self) -> None:
        """Show nothing; Lightning calls this on all processes but the first."""
        self.console = Console(quiet=True)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        if not self.console.is_terminal or self.console.quiet:
            return
        left = TimeRemainingColumn(compact=True)
        self.progress = Progress(TextColumn("epoch {task.description}"), BarColumn(24), left, console=self.console)
        self.progress.columns += (TextColumn("{task.fields[errors]}"),)
        num_batches = int(trainer.num_training_batches)
        total = None if trainer.max_epochs in (None, -1) else num_batches * int(trainer.max_epochs or 0)
        self.progress.add_task(
            f"{trainer.current_epoch + 1}/{trainer.max_epochs}",
            total=total,
            completed=trainer.current_epoch * num_batches,
            errors="",
        )
        self.progress.start()

    def on_train_batch_end(self, *arguments: Any, **named: Any) -> None:  # noqa: D102
        if self.progress:
            self.progress.advance(self.progress.task_ids[0])

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        epoch, last = trainer.current_epoch + 1, trainer.max_epochs or -1
        metrics = trainer.callback_metrics
        unit, _ = reported(trainer.datamodule.store.energy_unit)  # type: ignore[attr-defined]
        shown = ", ".join(
            text.format(float(metrics[name]), unit=unit) for name, text in SHOWN.items() if name in metrics
        )
        errors = f"validation MAE: {shown or 'not yet'}"
        if self.progress:
            said = f"{min(epoch + 1, last) if last > 0 else epoch + 1}/{last if last > 0 else '∞'}"
            self.progress.update(self.progress.task_ids[0], description=said, errors=errors)
        elif epoch % max(1, last // 10) == 0 or epoch in {1, last}:
            self.console.print(f"epoch {epoch}/{last}, {errors}", highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: D102
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: D102
        self._stop()

    def _stop(self) -> None:
        if self.progress:
            self.progress.stop()
            self.progress = None
