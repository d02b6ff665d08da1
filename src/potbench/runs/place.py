"""Where in a training a checkpoint is saved, in the counters by which Lightning resumes."""

from __future__ import annotations

from typing import Any, NamedTuple

from lightning.pytorch import Trainer

from potbench.loading.loader import Position


class Place(NamedTuple):
    """A place where a resumed training continues.

    Lightning's counters say the same in many ways, some of which skip a validation, repeat an epoch or are not
    understood with `max_steps`: a checkpoint is written in one way for each of the three places that there are.

    Args:
        epochs: how many are complete.
        batches: how many of the next epoch were trained on; with none, the place is between two epochs.
        validates: whether a validation comes next.
    """

    epochs: int
    batches: int
    validates: bool = False

    @classmethod
    def of(cls, trainer: Trainer, validates: bool = False) -> Place:
        """Return where a training is; not while a batch is trained on.

        Args:
            trainer: trains.
            validates: whether a validation comes next.
        """
        position: Position = trainer.datamodule.position  # type: ignore[attr-defined]
        return cls(position["epoch"], position["batches"], validates)

    def write_into(self, checkpoint: dict[str, Any]) -> None:
        """Make a checkpoint resume here.

        Args:
            checkpoint: what Lightning is about to save.
        """
        loops = checkpoint["loops"]["fit_loop"]
        begun = self.epochs + (self.batches > 0)
        epoch = _done(self.epochs) | {"ready": begun, "started": begun}
        loops["epoch_progress"] = {"total": epoch, "current": dict(epoch)}
        batches = loops["epoch_loop.batch_progress"]
        batches["current"] = _done(self.batches)
        batches["total"] = _done(batches["total"]["completed"])
        batches["is_last_batch"] = batches["is_last_batch"] and self.validates
        validation = loops["epoch_loop.val_loop.batch_progress"]
        validated = validation["total"]["completed"]
        validation["total"], validation["current"] = _done(validated), _done(validation["current"]["completed"])
        if self.validates:
            # the first batch of the validation has begun: Lightning validates from there
            validation["total"] |= {"ready": validated + 1, "started": validated + 1}
            validation["current"] = {**_done(0), "ready": 1, "started": 1}


def continue_from_here(trainer: Trainer) -> None:
    """Correct what Lightning takes a resumed training for, once it has read the counters.

    Args:
        trainer: is about to train.
    """
    loop = trainer.fit_loop
    # else the first epoch would not advance schedules that look at the validation
    loop._restarting = False
    if Place.of(trainer).batches == 0:
        # with max_steps, Lightning would begin with the end of the last epoch
        loop.epoch_loop.restarting = False
    loop.epoch_loop.val_loop.batch_progress.total.reset_on_restart()


def _done(number: int) -> dict[str, int]:
    return dict.fromkeys(("ready", "started", "processed", "completed"), number)
