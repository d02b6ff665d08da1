"""What the loss of a whole config weights, asked of the loss itself."""

from __future__ import annotations

import inspect
from copy import deepcopy
from typing import Any

from potbench.cli import known
from potbench.cli.parsing import ConfigParser
from potbench.cli.places import Keys
from potbench.cli.refusals import refusals
from potbench.training.loss import EnergyForcesLoss

KEY = "model.init_args.loss"


def weights_forces(config: dict[str, Any]) -> bool | None:
    """Return whether the loss weights forces: whether a training measures their errors on validation frames.

    Args:
        config: whole, of fit.

    Returns:
        None where only the task knows: the config names no loss, or one that is none of potbench's kind.

    Raises:
        PotbenchError: the loss cannot be made.
    """
    recipe = (config["model"].get("init_args") or {}).get("loss") or {}
    kind = known.find(str(recipe.get("class_path")))
    if not (inspect.isclass(kind) and issubclass(kind, EnergyForcesLoss)):
        return None
    parser = ConfigParser()
    parser.add_subclass_arguments(EnergyForcesLoss, KEY)
    # a copy, since the parser writes into mappings of classes
    settings = parser.parse_object({KEY: deepcopy(recipe)})
    with refusals(lambda: Keys(settings)):
        loss: EnergyForcesLoss = parser.instantiate(settings)[KEY]
    return loss.needs_forces
