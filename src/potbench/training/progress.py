"""What the terminal shows while a potential trains."""

from __future__ import annotations

import math
import time
from datetime import timedelta
from typing import Any

from lightning.pytorch import LightningModule, Trainer, callbacks
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from typing_extensions import override

from potbench.units import reported

SHOWN = {"validation/energy_mae": "energy {:.3g} {unit}", "validation/forces_mae": "forces {:.3g} {unit}/Å"}
LONGEST_SILENCE = 120.0
"""Without a terminal, a line is due after so many seconds."""


class ProgressBar(callbacks.ProgressBar):
    """One bar for the whole training, with the validation MAE; without a terminal, ten lines, or one in two minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.console = Console()
        self.progress: Progress | None = None
        self._began = self._last_line = 0.0
        self._batches_before = 0

    @override
    def disable(self) -> None:
        # Lightning calls this in all processes but the first, and while it searches for a size of batches
        self.console.quiet = True

    @override
    def enable(self) -> None:
        self.console.quiet = not self.trainer.is_global_zero

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._began = self._last_line = time.monotonic()
        self._batches_before = _batches_done(trainer)
        if not self.console.is_terminal or self.console.quiet:
            return
        left = TimeRemainingColumn(compact=True)
        self.progress = Progress(TextColumn("epoch {task.description}"), BarColumn(24), left, console=self.console)
        self.progress.columns += (TextColumn("{task.fields[errors]}"),)
        self.progress.add_task(
            _epoch(trainer, trainer.current_epoch + 1),
            total=_batches_in_all(trainer),
            completed=_batches_done(trainer),
            errors="",
        )
        self.progress.start()

    @override
    def on_train_batch_end(self, trainer: Trainer, *arguments: Any, **named: Any) -> None:
        if self.progress:
            self.progress.advance(self.progress.task_ids[0])
        elif self._is_silent():
            number = trainer.fit_loop.epoch_loop.batch_progress.current.processed  # type: ignore[attr-defined]
            batch = f"batch {number:,}/{int(trainer.num_training_batches):,}"
            self._say(trainer, f"epoch {_epoch(trainer, trainer.current_epoch + 1)}, {batch}")

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
            described = _epoch(trainer, min(epoch + 1, last or epoch + 1))
            self.progress.update(self.progress.task_ids[0], description=described, errors=errors)
        elif epoch % max(1, (last or 0) // 10) == 0 or epoch in {1, last} or self._is_silent():
            self._say(trainer, f"epoch {_epoch(trainer, epoch)}, {errors}")

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    @override
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _is_silent(self) -> bool:
        return time.monotonic() - self._last_line >= LONGEST_SILENCE

    def _say(self, trainer: Trainer, text: str) -> None:
        self._last_line = time.monotonic()
        elapsed = self._last_line - self._began
        text += f", {timedelta(seconds=int(elapsed))} elapsed"
        done, in_all = _batches_done(trainer) - self._batches_before, _batches_in_all(trainer)
        if in_all is not None and done:
            left = elapsed * (in_all - self._batches_before - done) / done
            text += f", {timedelta(seconds=int(max(left, 0)))} left"
        self.console.print(text, highlight=False, soft_wrap=True)

    def _stop(self) -> None:
        if self.progress:
            self.progress.stop()
            self.progress = None


def _epoch(trainer: Trainer, number: int) -> str:
    return f"{number}/{_last_epoch(trainer) or '∞'}"


def _last_epoch(trainer: Trainer) -> int | None:
    """Return the number of epochs, as max_epochs and max_steps say; None where there is no end."""
    in_all = _batches_in_all(trainer)
    return None if in_all is None else math.ceil(in_all / int(trainer.num_training_batches))


def _batches_in_all(trainer: Trainer) -> int | None:
    """Return how many batches there are from the first epoch to the last; None where there is no end."""
    ends = []
    if trainer.max_epochs not in {None, -1}:
        ends.append(int(trainer.max_epochs) * int(trainer.num_training_batches))
    if trainer.max_steps != -1:
        # the last step of an epoch may have fewer batches than the others
        steps = math.ceil(int(trainer.num_training_batches) / trainer.accumulate_grad_batches)
        epochs, rest = divmod(trainer.max_steps, steps)
        ends.append(epochs * int(trainer.num_training_batches) + rest * trainer.accumulate_grad_batches)
    return min(ends, default=None)


def _batches_done(trainer: Trainer) -> int:
    return int(trainer.fit_loop.epoch_loop.batch_progress.total.processed)  # type: ignore[attr-defined]
