"""A checkpoint as `fit` writes it, of a small potential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from potbench.potentials import AtomicPotential
from potbench.potentials.potential import Potential
from potbench.readouts import FeedForward
from potbench.representations import AEV

ELEMENTS = ["H", "C", "O"]
AEV_SIZES = {"radial_shifts": 4, "angular_shifts": 2, "angular_sections": 2}


def small_potential() -> Potential:
    """The same random weights each time."""
    torch.manual_seed(0)
    return AtomicPotential(
        ELEMENTS,
        lambda elements: AEV(elements, **AEV_SIZES),
        lambda elements, num_features: FeedForward(elements, num_features, [8]),
    ).eval()


def small_checkpoint() -> dict[str, Any]:
    """What a checkpoint of this potential holds; a new one each time."""
    potential = {
        "class_path": "potbench.potentials.AtomicPotential",
        "init_args": {
            "elements": ELEMENTS,
            "representation": {"class_path": "potbench.representations.AEV", "init_args": dict(AEV_SIZES)},
            "readout": {"class_path": "potbench.readouts.FeedForward", "init_args": {"hidden_sizes": [8]}},
        },
    }
    optimizer = {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.001}}
    return {
        "recipe": {
            "class_path": "potbench.training.GradientTask",
            "init_args": {"potential": potential, "optimizer": optimizer},
        },
        "state_dict": {f"potential.{name}": value for name, value in small_potential().state_dict().items()},
        "global_step": 7,
        "epoch": 2,
    }


def save(checkpoint: object, file: Path) -> Path:
    """Write a checkpoint."""
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint, file)
    return file
