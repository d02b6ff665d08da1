"""Small trainings that leave checkpoints and rows, and may be broken off in any hook."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import LearningRateMonitor
from torch.optim.lr_scheduler import ExponentialLR, ReduceLROnPlateau

from potbench.runs.checkpointing import checkpoint_callbacks
from potbench.runs.cost import Cost
from potbench.runs.folder import RunFolder
from potbench.runs.last_validation import LastValidation
from potbench.training import ChangingLoss, GradientTask, OneCycle
from potbench.training.csv_logger import CSVLogger
from tests.training.small_task import quiet_trainer, small_data, small_potential


class BrokenOffError(Exception):
    """Stands for the death of the process."""


class BreakOff(Callback):
    """Raises in a hook, the n-th time that it is called."""

    def __init__(self, hook: str, count: int) -> None:
        self.count = count
        setattr(self, hook, self._called)

    def _called(self, trainer: Trainer, *arguments: Any) -> None:
        if trainer.sanity_checking:
            return
        self.count -= 1
        if self.count == 0:
            self.act()

    def act(self) -> None:
        raise BrokenOffError


class PlateauTask(GradientTask):
    """Lowers its learning rate where the validation does not improve."""

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.3)
        plateau = {"scheduler": schedule, "monitor": "validation/loss", "strict": False}
        return {"optimizer": optimizer, "lr_scheduler": plateau}


class StepsTask(GradientTask):
    """Lowers its learning rate at every step, by the number of all steps."""

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class EpochsTask(GradientTask):
    """Lowers its learning rate after every epoch."""

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.05)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)]


class TooFastTask(GradientTask):
    """Learns so fast that it becomes worse."""

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=0.5)


def warmed(schedule: Callable[..., Any]) -> Callable[..., GradientTask]:
    """Warms up for more than an epoch, which is of three steps."""
    optimizer = partial(torch.optim.Adam, lr=0.05)
    return partial(GradientTask, optimizer=optimizer, schedule=schedule, warmup_steps=5)


TASKS: dict[str, Callable[..., GradientTask]] = {
    "constant": GradientTask,
    "epochs": EpochsTask,
    "plateau": PlateauTask,
    "steps": StepsTask,
    "too fast": TooFastTask,
    "warm plateau": warmed(partial(ReduceLROnPlateau, factor=0.5, patience=0, threshold=0.3)),
    "warm epochs": warmed(partial(ExponentialLR, gamma=0.5)),
    "energies later": partial(GradientTask, loss=ChangingLoss(end=0.8), schedule=partial(OneCycle, max_lr=0.05)),
}
TIMES = ("training_seconds", "wall_seconds", "cpu_seconds")


def fit(
    folder: Path,
    *callbacks: Callback,
    task: str = "steps",
    every_steps: int | None = None,
    every_minutes: float | None = None,
    saves: bool = True,
    own: list[Callback] | None = None,
    workers: int = 0,
    forces: bool = False,
    resume: bool = False,
    **settings: Any,
) -> Trainer:
    """Train the small task in a run folder; the Trainer may be used up.

    Args:
        folder: of the dataset and the run.
        callbacks: added to those that every run has.
        task: key of TASKS.
        every_steps: of checkpoint_callbacks.
        every_minutes: of checkpoint_callbacks.
        saves: of checkpoint_callbacks.
        own: in place of checkpoint_callbacks.
        workers: of the loader.
        forces: whether the data have some.
        resume: from the last checkpoint, where there is one.
        settings: of the Trainer.
    """
    run = RunFolder(folder / "run")
    trained = TASKS[task](small_potential())
    first = checkpoint_callbacks(run, every_minutes, every_steps, saves) if own is None else own
    settings = {"epochs": 3, "log_every_n_steps": 1, "enable_checkpointing": True, **settings}
    logger, others = CSVLogger(run.path), [LearningRateMonitor(), LastValidation()]
    trainer = quiet_trainer(folder, *first, *others, *callbacks, Cost(), logger=logger, **settings)
    checkpoint = run.last if resume and run.last.is_file() else None
    data = small_data(folder, forces, num_workers=workers)
    trainer.fit(trained, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    return trainer


def state(folder: Path) -> dict[str, Any]:
    """Everything that a training leaves, but for times."""
    run = RunFolder(folder / "run")
    last = torch.load(run.last, weights_only=True)
    for name in TIMES:
        last["callbacks"]["Cost"].pop(name)
    return {
        "last": last,
        "best": torch.load(run.best, weights_only=True)["state_dict"] if run.best.is_file() else None,
        "metrics": run.metrics.read_text(),
    }
