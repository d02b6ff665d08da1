"""Checkpoints that are written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from typing_extensions import override

from potbench.potentials.potential import Potential
from potbench.runs.checkpoint import PREFIX
from potbench.runs.recipe import task_recipe
from potbench.whole_file import whole_file


class WholeFileCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its target and renames it; an earlier one stays whole until then.

    Lightning's own goes through the folder of temporary files, which may be on another file system.
    """

    @override
    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint.

        Raises:
            OSError: nothing can be written there, or the disk is full.
        """
        if "://" in str(path):
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        # torch turns the error of a full disk into another one, which says nothing of it
        content = io.BytesIO()
        torch.save(checkpoint, content)
        try:
            with whole_file(Path(path)) as partial:
                partial.write_bytes(content.getbuffer())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from error


def write_checkpoint(file: Path, potential: Potential, recipe: dict[str, Any]) -> None:
    """Write a potential that no training has saved.

    Args:
        file: the checkpoint; its folder is made.
        potential: with its weights.
        recipe: its class and arguments, elements included.
    """
    content = io.BytesIO()
    checkpoint = {
        "state_dict": {f"{PREFIX}{name}": value for name, value in potential.state_dict().items()},
        "recipe": task_recipe(recipe),
        "global_step": 0,
        "epoch": 0,
        "pytorch-lightning_version": lightning.__version__,
    }
    torch.save(checkpoint, content)
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial:
        partial.write_bytes(content.getbuffer())
