"""A run that is trained and tested in no time, as the command line does it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
import yaml
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.loading import AtomsDataModule
from potbench.runs.cost import Cost
from potbench.runs.evaluation import Stage
from potbench.runs.evaluator import Evaluator
from potbench.runs.folder import RunFolder
from potbench.runs.last_validation import LastValidation
from potbench.runs.recorder import Recorder
from potbench.training.csv_logger import CSVLogger
from tests.training.small_task import quiet_trainer, small_data, small_task

RULE = {"class_path": "potbench.loading.RandomSplit", "init_args": {"train": 11}}


def config(**changes: object) -> str:
    """The part of a config that is looked at."""
    return yaml.safe_dump({"data": {"init_args": {"split": RULE}}, **changes})


def contents(folder: Path) -> dict[str, str]:
    """Each file of a folder, and the sha256 of its bytes."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def fit(
    folder: RunFolder,
    epochs: int = 2,
    text: str = config(),
    checkpoint: Path | None = None,
    optimizer=torch.optim.Adam,
    recording: dict[str, object] | None = None,
    data: AtomsDataModule | None = None,
    **settings,
) -> Trainer:
    """Train, or resume."""
    steps = 0 if checkpoint is None else torch.load(checkpoint, weights_only=True)["global_step"]
    recorder = Recorder(folder, text, 5, str(checkpoint) if checkpoint else None, steps, **(recording or {}))
    saved = ModelCheckpoint(folder.checkpoints, "best", "validation/loss", save_last=True, enable_version_counter=False)
    dry = settings.get("fast_dev_run", False)
    trainer = quiet_trainer(
        folder.path,
        *(recorder, LastValidation(), Cost(), *([] if dry else [saved])),
        epochs=epochs,
        logger=not dry and CSVLogger(folder.path, steps),
        enable_checkpointing=not dry,
        **settings,
    )
    task = small_task(forces=1.0)
    task.optimizer = optimizer
    data = data or small_data(folder.path.parent, forces=True)
    trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    recorder.finish_fit(trainer)
    return trainer


def evaluate(
    folder: RunFolder,
    checkpoint: Path | None = None,
    data: AtomsDataModule | None = None,
    stage: Stage = "test",
    changes: str = "",
    **settings,
) -> Evaluator:
    """Test or validate a checkpoint, by default the best."""
    checkpoint = checkpoint or folder.best
    evaluator = Evaluator(folder, config(), 5, str(checkpoint), changes)
    trainer = quiet_trainer(folder.path, evaluator, **settings)
    task = small_task(forces=1.0)
    data = data or small_data(folder.path.parent, forces=True)
    evaluation = trainer.test if stage == "test" else trainer.validate
    evaluation(task, datamodule=data, ckpt_path=checkpoint, weights_only=True, verbose=False)
    if stage == "test":
        evaluator.save_predictions(trainer, task)
    evaluator.report(trainer, stage)
    return evaluator
