"""A potential that trains in no time, on frames without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from potbench.loading import AtomsDataModule, RandomSplit
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import AEV
from potbench.training import EnergyForcesLoss, GradientTask
from tests.native_files.made import Made, blocks

ELEMENTS = ["H", "C", "N", "O"]


def small_potential(dropout: float = 0.0, **constants: Any) -> AtomicPotential:
    """A short AEV and one small network per element; the same weights each time."""
    torch.manual_seed(0)
    short = {"radial_shifts": 4, "angular_shifts": 2, "angular_sections": 2, **constants}
    return AtomicPotential(
        ELEMENTS,
        lambda elements: AEV(elements, **short),
        lambda elements, num_features: FeedForward(elements, num_features, [8], dropout=dropout),
    )


def small_data(folder: Path, forces: bool = False, num_workers: int = 0) -> AtomsDataModule:
    """Nineteen molecules: eleven train, four validate, four test."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "made.h5"
    file.write_text(f"forces: {forces}")
    source = Made(file, lambda: blocks(forces))
    return AtomsDataModule(source, RandomSplit(11, 4, 4), batch_size=4, num_workers=num_workers)


def small_task(forces: float = 0.0, **constants: Any) -> GradientTask:
    """Trains the potential by Adam."""
    return GradientTask(small_potential(**constants), EnergyForcesLoss(forces=forces))


def quiet_trainer(folder: Path, *callbacks: Callback, epochs: int = 2, **settings: Any) -> Trainer:
    """A Trainer that leaves no files unless asked to."""
    return Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        callbacks=list(callbacks),
        enable_model_summary=False,
        inference_mode=False,
        use_distributed_sampler=False,
        **{
            "accelerator": "cpu",
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            **settings,
        },
    )
