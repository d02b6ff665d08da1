"""A small study on the sample inside the package, written with paths that are relative to it."""

from __future__ import annotations

import os
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL: dict[str, Any] = {
    "name": "small",
    "question": "Does anything beat a curve for each pair of elements?",
    "architectures": {
        "ani": {"potential": "potential/ani_feed_forward.yaml", "training": "training/energies_and_forces.yaml"},
        "pairwise": {
            "potential": "potential/pairwise.yaml",
            "training": ["training/energies_and_forces.yaml"],
            "baseline": True,
        },
    },
    "reference": "ani",
    "datasets": {"sample": {"data": "data/sample.yaml"}},
    "sizes": [32, 64],
    "trainings": {"number": 2, "seed": 7},
    "budget": {"rule": "steps", "value": 4, "batch_size": 16, "validations": 2},
    "metric": "forces_mae",
    "also": ["energy_mae"],
    "run": {"accelerator": "cpu"},
}


def small(folder: Path, **changes: Any) -> dict[str, Any]:
    """The small study for a folder; changes by dotted key, __ for a dot; a change to Ellipsis leaves the key out."""
    study = deepcopy(SMALL)
    up = os.path.relpath(CONFIGS, folder)
    for architecture in study["architectures"].values():
        architecture["potential"] = f"{up}/{architecture['potential']}"
        training = architecture["training"]
        architecture["training"] = (
            f"{up}/{training}" if isinstance(training, str) else [f"{up}/{file}" for file in training]
        )
    study["datasets"]["sample"]["data"] = f"{up}/data/sample.yaml"
    for key, value in changes.items():
        *path, last = key.split("__")
        part = study
        for name in path:
            part = part.setdefault(name, {})
        if value is ...:
            part.pop(last)
        else:
            part[last] = value
    return study


def write_small(folder: Path, **changes: Any) -> Path:
    """Write the small study into a folder; see `small`."""
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(small(folder, **changes), sort_keys=False))
    return file
