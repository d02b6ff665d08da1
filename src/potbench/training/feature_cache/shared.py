"""Cached features and derivatives that the processes of a machine share: one file, mapped into their memory."""

from __future__ import annotations

from pathlib import Path

import torch

from potbench.training.feature_cache.derivatives import Derivatives, Part
from potbench.training.feature_cache.table import FeatureTable


def save_shared(table: FeatureTable, file: Path) -> None:
    """Write a table with derivatives to a file, for `open_shared`.

    Raises:
        OSError: it cannot be written.
    """
    content = {
        "features": torch.from_numpy(table.features),
        "first_row": torch.from_numpy(table.first_row),
        "derivatives": {
            size: (each.own, [tuple(part) for part in each.parts], each.features)
            for size, each in (table.derivatives or {}).items()
        },
        "derivatives_row": torch.from_numpy(table.derivatives_row),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("wb") as stream:
            torch.save(content, stream)
    except (OSError, RuntimeError) as error:  # torch says of a full disk that it expected another position
        file.unlink(missing_ok=True)
        raise OSError(f"{file} could not be written: {error}") from error


def open_shared(file: Path, device: torch.device) -> FeatureTable:
    """Map a table into memory; the pages are those of all processes of this machine.

    Args:
        file: written by `save_shared`; it may be deleted afterwards.
        device: the one that trains; a GPU gets a copy of the derivatives.
    """
    content = torch.load(file, map_location="cpu", mmap=True, weights_only=True)
    derivatives = {
        size: Derivatives(
            own.to(device), tuple(Part(*(each.to(device) for each in part)) for part in parts), features.to(device)
        )
        for size, (own, parts, features) in content["derivatives"].items()
    }
    return FeatureTable(
        content["features"].numpy(), content["first_row"].numpy(), derivatives, content["derivatives_row"].numpy()
    )
