"""A trained potential from its checkpoint alone."""

from __future__ import annotations

from pathlib import Path

import torch
from jsonargparse import ArgumentParser

from potbench.training.task import Task


def load_task(file: Path) -> Task:
    """Build the task as the checkpoint's recipe says, and give it the trained weights.

    The file is read as weights and plain values; nothing in it is executed.

    Args:
        file: a checkpoint that `fit` wrote.

    Raises:
        ValueError: the checkpoint was not written by potbench.
    """
    checkpoint = torch.load(file, weights_only=True, map_location="cpu")
    if "recipe" not in checkpoint:
        raise ValueError(f"{file} holds no recipe. Expected a checkpoint that `python -m potbench fit` wrote.")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Task, "model")
    task: Task = parser.instantiate(parser.parse_object({"model": checkpoint["recipe"]})).model
    task.load_state_dict(checkpoint["state_dict"])
    return task.eval()
