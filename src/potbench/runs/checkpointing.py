"""The checkpoints of a run: the last, from which it resumes, and the best."""

from __future__ import annotations

import math
import shlex
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, Timer
from lightning.pytorch.trainer.states import TrainerFn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import require_positive
from potbench.runs.folder import RunFolder
from potbench.runs.place import Place, continue_from_here
from potbench.runs.process_watch import ProcessWatch
from potbench.runs.signals import NAMES, Signals, Stopped, end_at_once
from potbench.training.csv_logger import CSVLogger

MONITORED = "validation/loss"
DUE = 1
"""What a process wants: nothing (0), a checkpoint, or the number of a signal, which is larger."""


def checkpoint_callbacks(
    run: RunFolder, every_minutes: float | None = None, every_steps: int | None = None, saves: bool = True
) -> list[Callback]:
    """Return what saves the checkpoints of a run; they belong before all other callbacks.

    Args:
        run: the folder.
        every_minutes: save the last checkpoint within epochs too, after so many minutes.
        every_steps: save it within epochs too, after so many optimizer steps.
        saves: whether there are checkpoints at all; without them, signals still end the training in good order.

    Raises:
        SettingError: a number is not above zero.
    """
    require_positive(checkpoint_callbacks, every_minutes=every_minutes, every_steps=every_steps)
    last = LastCheckpoint(run, every_minutes, every_steps, saves)
    return [last, BestCheckpoint(run.best)] if saves else [last]


class LastCheckpoint(Callback):
    """Saves last.ckpt after every epoch, and ends the training when a signal asks for it.

    It saves where a resumed training can continue as if it had never ended: when the next batch, the validation or the
    next epoch is about to begin, with all that belongs to the last one behind it. As the first of all callbacks it does
    so before another has begun.

    Args:
        run: the folder.
        every_minutes: save within epochs too, after so many minutes; None for no such limit.
        every_steps: save within epochs too, after so many optimizer steps; None for no such limit.
        saves: whether anything is saved.
    """

    def __init__(
        self, run: RunFolder, every_minutes: float | None = None, every_steps: int | None = None, saves: bool = True
    ) -> None:
        self.run = run
        self.every_minutes = every_minutes
        self.every_steps = every_steps
        self.saves = saves
        self.signals = Signals()
        self._watch: ProcessWatch | None = None
        self._group: torch.distributed.ProcessGroup | None = None
        self._saved: Place | None = None
        self._saved_at = 0.0
        self._saving: Place | None = None
        self._validated_step = -1
        self._resumed: dict[str, Any] = {}

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.is_global_zero and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            for folder in (self.run.path, self.run.checkpoints, self.run.figures):
                for partial in folder.glob("*.partial"):  # of a process that was killed
                    partial.unlink(missing_ok=True)
        # Lightning's own handler speaks with other processes in the middle of whatever is being done
        trainer._signal_connector._sigterm_notifier_fn = end_at_once  # type: ignore[assignment]
        self._watch = ProcessWatch.of(trainer, self._advice)

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        continue_from_here(trainer)
        trainer._logger_connector._callback_metrics.update(self._resumed.get("metrics", {}))
        self._saved, self._saved_at = Place.of(trainer), time.monotonic()
        if trainer.world_size > 1:
            self._group = torch.distributed.new_group(backend="gloo")
        if pl_module.automatic_optimization:
            # others save nothing before they end: they end at once
            self.signals.install()

    @override
    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        if not pl_module.automatic_optimization:
            return
        # Lightning counts a step twice where a training resumes behind a validation
        trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step
        if (
            batch_idx
            and batch_idx % trainer.accumulate_grad_batches == 0
            and trainer.global_step > self._validated_step
        ):
            self._visit(trainer, Place.of(trainer))

    @override
    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if _trains(trainer) and _repeats_validation(trainer) and not trainer.fit_loop._should_accumulate():
            self._visit(trainer, Place.of(trainer, validates=True))

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if _trains(trainer):
            self._validated_step = trainer.global_step

    @override
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._visit(trainer, Place.of(trainer), always=True)

    @override
    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.signals.remove()
        self._save(trainer, Place.of(trainer))

    @override
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.should_stop and _time_is_over(trainer):
            epoch = _epoch(Place.of(trainer))
            trainer.print(f"Training ended in epoch {epoch}: max_time is over, which counts all parts of a run.")

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self._watch:
            self._watch.end()

    @override
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.signals.remove()
        lost = self._watch.lost_by(exception) if self._watch else None
        if lost:
            raise Stopped(f"{lost}; the training ends. {self._advice}", 1, lost=True) from exception

    @override
    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        for logger in trainer.loggers:
            logger.save()
        if self._saving:
            self._saving.write_into(checkpoint)
        checkpoint["callbacks"][self.state_key] = {
            "metrics": dict(trainer.callback_metrics),
            "rows": next((logger.num_rows for logger in trainer.loggers if isinstance(logger, CSVLogger)), None),
            "should_stop": trainer.should_stop and not _time_is_over(trainer),
            "length": _length(trainer),
        }

    @override
    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self._resumed = checkpoint["callbacks"].get(self.state_key, {})
        for logger in trainer.loggers:
            if isinstance(logger, CSVLogger) and self._resumed.get("rows") is not None:
                logger.keep_rows(self._resumed["rows"])
        # early stopping has ended it; a longer training trains on
        trainer.should_stop = self._resumed.get("should_stop", False) and self._resumed["length"] == _length(trainer)

    def _visit(self, trainer: Trainer, place: Place, always: bool = False) -> None:
        """Save what is due, and end the training where a signal came, in all processes at the same place."""
        wanted = self._agreed(self.signals.received or DUE * self._is_due(trainer))
        if wanted or always:
            self._save(trainer, place)
        if wanted > DUE:
            self.signals.remove()
            raise Stopped(f"stopped by {NAMES[wanted]} in epoch {_epoch(place)}. {self._advice}", 128 + wanted)

    def _is_due(self, trainer: Trainer) -> bool:
        by_time = self.every_minutes is not None and time.monotonic() - self._saved_at >= 60 * self.every_minutes
        by_steps = self.every_steps is not None and trainer.global_step % self.every_steps == 0
        return by_time or by_steps

    def _agreed(self, wanted: int) -> int:
        """Return the largest of what the processes want; a collective call."""
        if self._group is None:
            return wanted
        largest = torch.tensor(wanted)
        torch.distributed.all_reduce(largest, torch.distributed.ReduceOp.MAX, self._group)
        return int(largest)

    def _save(self, trainer: Trainer, place: Place) -> None:
        if not self.saves or place == self._saved or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self._saving = place
        try:
            trainer.save_checkpoint(self.run.last)
        finally:
            self._saving = None
        self._saved, self._saved_at = place, time.monotonic()

    @property
    def _advice(self) -> str:
        if not self.saves:
            return "No checkpoint was saved."
        return f"Resume with: python -m potbench fit {shlex.quote(str(self.run.path))}"


class BestCheckpoint(Checkpoint):
    """Saves best.ckpt whenever the validation loss is smaller than ever before; one that is not finite is never best.

    Args:
        file: where.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.loss = math.inf

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not _trains(trainer) or MONITORED not in trainer.callback_metrics:
            return
        loss = float(trainer.callback_metrics[MONITORED])
        if trainer.strategy.reduce_boolean_decision(loss < self.loss):
            self.loss = loss
            trainer.save_checkpoint(self.file)

    @override
    def state_dict(self) -> dict[str, Any]:
        return {"loss": self.loss}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.loss = state_dict["loss"]

    @override
    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Read the smallest loss from checkpoints of earlier versions, which Lightning's ModelCheckpoint saved."""
        for key, state in checkpoint["callbacks"].items():
            score = state.get("best_model_score") if key.startswith("ModelCheckpoint") else None
            if score is not None and state.get("monitor") == MONITORED:
                self.loss = float(score)


def _trains(trainer: Trainer) -> bool:
    return trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking and not trainer.fast_dev_run  # type: ignore[attr-defined]


def _repeats_validation(trainer: Trainer) -> bool:
    """Return whether a training that resumes at this validation begins with it, and not where it is out of turn."""
    by_time = trainer._val_check_time_interval is not None  # type: ignore[attr-defined]
    is_over = trainer.should_stop or 0 <= trainer.max_steps <= trainer.global_step
    return not by_time and not is_over


def _time_is_over(trainer: Trainer) -> bool:
    timers = [callback for callback in trainer.callbacks if isinstance(callback, Timer)]  # type: ignore[attr-defined]
    return any(left is not None and left <= 0 for left in (timer.time_remaining() for timer in timers))


def _length(trainer: Trainer) -> list[int | None]:
    return [trainer.max_epochs, trainer.max_steps]


def _epoch(place: Place) -> int:
    return max(1, place.epochs + (place.batches > 0))
