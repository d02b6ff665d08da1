"""What a Trainer can do and tasks cannot."""

from __future__ import annotations

from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import MPSAccelerator
from lightning.pytorch.callbacks import BatchSizeFinder, LearningRateFinder, StochasticWeightAveraging

from potbench.errors import SettingError

PRECISIONS = ("32-true", "64-true", "bf16-mixed", "16-mixed")
"""Those that leave offset, scale, total energies and sums in float64; others convert all numbers of a task."""


def require_supported(trainer: Trainer, stage: str) -> None:
    """Raise SettingError where the settings of a Trainer would spoil a training, or do nothing.

    Args:
        trainer: of a task.
        stage: "fit" where it trains.
    """
    if isinstance(trainer.accelerator, MPSAccelerator):
        problem = "Apple's GPUs (MPS) have no float64, which total energies need"
        raise SettingError(Trainer, "accelerator", "mps", "cpu", problem)
    precision = trainer.precision
    if precision not in PRECISIONS:
        raise SettingError(
            Trainer,
            "precision",
            precision,
            f"one of {', '.join(PRECISIONS)}",
            f"With precision {precision}, total energies of 10,000 eV and more would be rounded to several eV",
        )
    for callback in trainer.callbacks if stage == "fit" else ():  # type: ignore[attr-defined]
        name = type(callback).__name__
        if isinstance(callback, LearningRateFinder):
            problem = f"{name} sets an attribute of the task, while optimizer and schedule have the learning rate"
            expected = "a learning rate that is set: max_lr of the schedule, or lr of the optimizer"
            raise SettingError(Trainer, "callbacks", name, expected, problem)
        if isinstance(callback, BatchSizeFinder):
            problem = f"{name} changes the size of batches when the schedule is made already, and no config knows it"
            raise SettingError(Trainer, "callbacks", name, "a size that is set: batch_size of the data", problem)
        if isinstance(callback, StochasticWeightAveraging):
            problem = (
                f"{name} averages weights after the last checkpoint is saved, so that no checkpoint has the average"
            )
            expected = "lightning.pytorch.callbacks.EMAWeightAveraging"
            raise SettingError(Trainer, "callbacks", name, expected, problem)
