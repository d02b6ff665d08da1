"""Recipes of objects, as configs and checkpoints store them: class_path and init_args, nested."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

try:  # thousands of configs are read at once, and the parser in C is five times as fast
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

from potbench.errors import did_you_mean

DEFAULT_SPLIT = "potbench.loading.RandomSplit"


def read_config(file: Path) -> Any:
    """Return what a config holds.

    Raises:
        OSError: it cannot be read.
        yaml.YAMLError, ValueError: it is no YAML.
    """
    return yaml.load(file.read_bytes(), SafeLoader)


def split_recipe(config: str) -> dict[str, Any]:
    """Return the recipe of the split in the config of a run."""
    recipe: dict[str, Any] | None = yaml.safe_load(config)["data"]["init_args"]["split"]
    return recipe or {"class_path": DEFAULT_SPLIT}


def potential_recipe(task: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe of the potential in that of a task."""
    recipe: dict[str, Any] = task["init_args"]["potential"]
    return recipe


def task_recipe(potential: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe of a task as checkpoints hold it, from that of its potential."""
    return {"init_args": {"potential": potential}}


def ensemble_recipe(elements: list[str], members: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the recipe of an ensemble, from those of its members."""
    return {"class_path": "potbench.potentials.Ensemble", "init_args": {"elements": elements, "members": members}}


def is_ensemble(potential: dict[str, Any]) -> bool:
    """Return whether the recipe of a potential is that of an ensemble."""
    return str(potential["class_path"]).rpartition(".")[2] == "Ensemble"


def ensemble_config(members: list[dict[str, Any]], potential: dict[str, Any]) -> dict[str, Any]:
    """Return the config of an ensemble: that of its first member, with all potentials and the splits of all.

    Args:
        members: their configs.
        potential: recipe of the ensemble.

    Raises:
        KeyError: a config says no data, split or model.
    """
    config = copy.deepcopy(members[0])
    splits = [member["data"]["init_args"]["split"] or {"class_path": DEFAULT_SPLIT} for member in members]
    if any(split != splits[0] for split in splits):
        config["data"]["init_args"]["split"] = {
            "class_path": "potbench.loading.EnsembleSplit",
            "init_args": {"splits": splits},
        }
    # what solves a potential at once takes no other; nothing is trained any more
    loss = config["model"]["init_args"].get("loss")
    arguments = {name: value for name, value in potential["init_args"].items() if name != "elements"}
    config["model"] = {
        "class_path": "potbench.training.GradientTask",
        "init_args": {"potential": {**potential, "init_args": arguments}, **({"loss": loss} if loss else {})},
    }
    for of_fine_tuning in ("from", "freeze"):
        config.pop(of_fine_tuning, None)
    return config


def recipe_of(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe of a potential of potbench, from the name of its class and its arguments."""
    return {"class_path": f"potbench.potentials.{name}", "init_args": arguments}


def task_class(config: dict[str, Any]) -> str:
    """Return the path of the class that trains, by the config of a run."""
    return str(config["model"]["class_path"])


def with_potential(config: dict[str, Any], potential: dict[str, Any]) -> dict[str, Any]:
    """Return a config of fit with another potential, which starts from no run.

    Args:
        config: that is not changed.
        potential: recipe; its elements are not part of a config.
    """
    changed = copy.deepcopy(config)
    arguments = {name: value for name, value in potential["init_args"].items() if name != "elements"}
    changed["model"]["init_args"]["potential"] = {**potential, "init_args": arguments}
    for of_fine_tuning in ("from", "freeze"):
        changed.pop(of_fine_tuning, None)
    return changed


def potential_name(config: str) -> str:
    """Return the classes of the potential in the config of a run: its own, or representation and readout; else nothing.

    Args:
        config: as YAML.
    """
    try:
        recipe = potential_recipe(yaml.safe_load(config)["model"])
        arguments = recipe.get("init_args") or {}
        if "members" in arguments:
            names = [potential_name(yaml.safe_dump({"model": task_recipe(each)})) for each in arguments["members"]]
            return f"Ensemble of {len(names)} × {' / '.join(dict.fromkeys(names))}"
        parts = [arguments[part]["class_path"] for part in ("representation", "readout") if part in arguments]
        return ", ".join(str(part).rpartition(".")[2] for part in parts or [recipe["class_path"]])
    except (KeyError, TypeError, AttributeError, yaml.YAMLError):
        return ""  # an early config, or one of another kind of task


def elements_of(recipe: dict[str, Any]) -> list[str]:
    """Return the chemical symbols that a potential was built for, in its order."""
    return [str(symbol) for symbol in recipe["init_args"]["elements"]]


def as_text(recipe: object) -> str:
    """Write a recipe as Python would, on one line; what is none as it is."""
    if not isinstance(recipe, dict):
        return repr(recipe)
    if "class_path" not in recipe:
        return f"{{{', '.join(f'{name!r}: {as_text(value)}' for name, value in recipe.items())}}}"
    arguments = (recipe.get("init_args") or {}).items()
    return f"{recipe['class_path']}({', '.join(f'{name}={as_text(value)}' for name, value in arguments)})"


def unknown_classes(recipe: object) -> Iterator[str]:
    """Name the classes in a recipe that do not exist, each with the nearest that does."""
    if isinstance(recipe, list):
        for part in recipe:
            yield from unknown_classes(part)
    if not isinstance(recipe, dict):
        return
    for key, part in recipe.items():
        if key != "class_path":
            yield from unknown_classes(part)
            continue
        module, _, name = str(part).rpartition(".")
        try:
            known = vars(import_module(module))
        except (ImportError, ValueError):
            known = {}
        if name not in known:
            yield f"there is no class {part}.{did_you_mean(name, known)}"


def flat(recipe: object, place: str = "") -> dict[str, object]:
    """Return all settings of a config by dotted names: data.split → RandomSplit, data.split.seed → 0.

    Args:
        recipe: as YAML holds it: nested dictionaries, class_path and init_args among them.
        place: dotted name of the recipe itself.
    """
    if not isinstance(recipe, dict):
        return {place: recipe}
    found: dict[str, object] = {}
    if "class_path" in recipe:
        found[place] = str(recipe["class_path"]).rpartition(".")[2]
    # the class of the data was left out earlier: there is but one
    arguments = (recipe.get("init_args") or {}) if {"class_path", "init_args"} & recipe.keys() else recipe
    for name, part in arguments.items():
        found |= flat(part, f"{place}.{name}" if place else str(name))
    return found
