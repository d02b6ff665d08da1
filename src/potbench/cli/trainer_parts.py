"""What potbench adds to a Trainer that a config describes: its callbacks and its loggers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import Logger

from potbench.runs.cost import Cost
from potbench.runs.recorder import Recorder
from potbench.training import FeatureCache
from potbench.training.csv_logger import CSVLogger
from potbench.training.progress import ProgressBar
from potbench.training.wandb_logger import WandbLogger


def with_own_callbacks(
    chosen: Callback | Sequence[Callback] | None, recorder: Recorder, fits: bool, saves_checkpoints: bool
) -> list[Callback]:
    """Return the callbacks of a config, and those of potbench that are not among them.

    Args:
        chosen: what the config says.
        recorder: writes the folder of the run.
        fits: whether the run is trained.
        saves_checkpoints: whether it saves checkpoints then.
    """
    callbacks = [chosen] if isinstance(chosen, Callback) else list(chosen or [])
    own: list[Callback] = [ProgressBar(), recorder]
    if fits and saves_checkpoints:
        run = recorder.run
        best_and_last = ModelCheckpoint(
            run.checkpoints,
            filename=run.best.stem,
            monitor="validation/loss",
            save_last=True,
            enable_version_counter=False,
        )
        own.append(best_and_last)
    if fits:
        own += [FeatureCache(), Cost()]
    kinds = {type(callback) for callback in callbacks}
    return callbacks + [callback for callback in own if type(callback) not in kinds]


def with_own_logger(chosen: Logger | Sequence[Logger] | bool | None, run_dir: Path, steps_done: int) -> list[Logger]:
    """Return the loggers of a config, after the one that writes metrics.csv."""
    loggers = [chosen] if isinstance(chosen, Logger) else list(chosen) if isinstance(chosen, Sequence) else []
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.keep_in(run_dir)
    return [CSVLogger(run_dir, steps_done), *loggers]
