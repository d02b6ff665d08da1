"""Checkpoints of a run: trained potentials."""

from __future__ import annotations

import hashlib
import re
from argparse import ArgumentError
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import torch
from jsonargparse import ArgumentParser

from potbench.errors import CheckpointError, SettingError
from potbench.potentials.potential import Potential
from potbench.runs.allowed import NOTHING_ELSE, Allowed
from potbench.runs.recipe import elements_of, potential_recipe, unknown_classes

EXPECTED = "Expected a checkpoint that `python -m potbench fit` wrote. Choose another checkpoint."
PREFIX = "potential."
"""Of the names of a potential's weights, in the task that trains it."""


class Content(NamedTuple):
    """What a checkpoint holds of a training.

    Attributes:
        recipe: of the potential.
        weights: of the potential.
        steps_done: optimizer steps that led to it.
        epoch: during which it was saved, counted from 0.
        whole_recipe: of all that the checkpoint names; earlier versions saved more than the potential's.
    """

    recipe: dict[str, Any]
    weights: dict[str, torch.Tensor]
    steps_done: int
    epoch: int
    whole_recipe: dict[str, Any]

    @property
    def elements(self) -> list[str]:
        """Chemical symbols that the potential was built for, in its order."""
        return elements_of(self.recipe)


def load_potential(file: Path, allowed: Allowed = NOTHING_ELSE, dtype: torch.dtype | None = None) -> Potential:
    """Build a potential as the recipe of a checkpoint says, and load the trained weights.

    The file is read as weights and plain values; nothing in it is executed. Its recipe may name classes of potbench and
    of `torch.nn`, which is found out before anything is imported.

    Args:
        file: a checkpoint that `fit` wrote.
        allowed: packages whose classes it may name too; they are imported, which runs them.
        dtype: precision of its weights, single or double; by default that in which it was trained.

    Returns:
        The potential on the CPU, in evaluation mode.

    Raises:
        CheckpointError: the file is missing or damaged, potbench did not write it, or its potential cannot be built.
        SettingError: its recipe names something else.
    """
    checkpoint = read_checkpoint(file)
    # nothing but the potential is built; a checkpoint that names what is not allowed is not to be trusted at all
    allowed.require(checkpoint.whole_recipe, file)
    potential = _build(checkpoint.recipe, file)
    trained = {checkpoint.weights[name].dtype for name, _ in potential.named_parameters() if name in checkpoint.weights}
    if torch.float64 in (trained if dtype is None else {dtype}):
        potential.double()  # constants included, as before it was trained
    try:
        potential.load_state_dict(checkpoint.weights)
    except RuntimeError as error:
        raise CheckpointError(
            f"The weights in {file} do not fit the {type(potential).__name__} that its recipe builds. {EXPECTED}"
        ) from error
    return potential.eval()


def sha256(file: Path) -> str:
    """Return the sha256 of a checkpoint, by which it is known wherever it is."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_checkpoint(file: Path) -> Content:
    """Read a checkpoint as weights and plain values.

    Raises:
        CheckpointError: the file is missing or damaged, or potbench did not write it.
    """
    if not file.is_file():
        raise CheckpointError(f"{file} does not exist. {EXPECTED}")
    try:
        # torch does not compare weights with their checksums
        with ZipFile(file) as archive:
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f"{damaged} differs from its checksum")
        content = torch.load(file, weights_only=True, map_location="cpu")
        weights = content["state_dict"].items()
        return Content(
            recipe=potential_recipe(content["recipe"]),
            weights={name.removeprefix(PREFIX): value for name, value in weights if name.startswith(PREFIX)},
            steps_done=int(content["global_step"]),
            epoch=int(content["epoch"]),
            whole_recipe=content["recipe"],
        )
    except (OSError, MemoryError):
        raise
    except Exception as error:  # damaged bytes can make zipfile, pickle and torch raise anything
        raise CheckpointError(
            f"{file} cannot be read as a checkpoint: it is damaged, incomplete, or of another program. {EXPECTED}"
        ) from error


def _build(recipe: dict[str, Any], file: Path) -> Potential:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("potential", type=Potential)
    try:
        potential: Potential = parser.instantiate(parser.parse_object({"potential": recipe})).potential
    except (ArgumentError, SettingError) as error:
        problem = next(unknown_classes(recipe), None) or _reason(error)
        raise CheckpointError(
            f"The potential of {file} cannot be built: {problem} Expected classes and arguments that this version of "
            "potbench knows. Use the version that trained it, which the record of its run names, or train again."
        ) from error
    return potential


def _reason(error: Exception) -> str:
    """Return what is wrong, without the values and keys that jsonargparse lists around it."""
    if isinstance(error, SettingError):
        return f"{error.problem or f'{error.setting} is {error.value!r}'}."
    text = re.sub(r"\.? Got value: .*", "", str(error), flags=re.DOTALL)
    return text.splitlines()[-1].rpartition("callable class: ")[2].strip().rstrip(".") + "."
