"""What a search file says: which settings are tried, how often, and what chooses among them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Literal

from potbench.errors import did_you_mean
from potbench.readers.typed_json import from_plain
from potbench.shipped.configs import shipped
from potbench.studies.searches.space import Choice, Parameter, SpaceError, read_space
from potbench.studies.yaml_text import WrittenFileError, plain_yaml, unknown_keys

STAGE = "validation/"
OBJECTIVES = ("loss", "energy_mae", "energy_rmse", "energy_mae_per_atom", "forces_mae", "forces_rmse")
"""Errors of the validation set that may choose, as metrics.csv names them: of each, smaller is better."""


@dataclass(frozen=True, kw_only=True)
class TrialBudget:
    """How long each trial trains: one of these; as long as the config says where none is given.

    Args:
        fraction: part of the training of the config.
        steps: optimizer steps.
        epochs: passes over the training frames.
    """

    fraction: float | None = None
    steps: int | None = None
    epochs: int | None = None


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search for the best settings of a training.

    Args:
        space: dotted key of a config → values that are tried; see `read_space`.
        objective: error of the validation set that chooses; the smallest is the best.
        trials: how many trainings have to come to an end; None for all of a grid.
        sampler: tpe (learns from earlier trials), random, or grid (each combination of choices once).
        seed: of the sampler.
        pruning: trials that are stopped early: median (worse than half of the earlier ones at the same time), halving
            (successive halving), or none.
        at_once: how many trials run at the same time.
        threads: of each.
    """

    space: dict[str, object]
    objective: str = "validation/loss"
    trials: int | None = None
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    seed: int = 0
    pruning: Literal["none", "median", "halving"] = "none"
    at_once: int = 1
    threads: int = 1

    @property
    def column(self) -> str:
        """Return the objective as metrics.csv names it."""
        return STAGE + self.objective.removeprefix(STAGE)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Return what may be chosen, by the keys of the config; configs relative to where the process works."""
        return read_space(self.space)

    @property
    def num_trials(self) -> int:
        """Return how many trainings have to come to an end."""
        sizes = [len(each.values) for each in self.parameters.values() if isinstance(each, Choice)]
        whole = prod(sizes)
        return self.trials or whole if self.sampler != "grid" else min(self.trials or whole, whole)

    def require_measured(self, weights_forces: bool | None) -> None:
        """Raise SpaceError where the trainings of the search do not measure what chooses.

        Args:
            weights_forces: whether the loss of a trial does; None where that is not known.
        """
        if weights_forces is False and self.column.startswith(f"{STAGE}forces"):
            raise SpaceError(
                f"The objective is {self.column}, and the loss does not weight forces: such a training measures no "
                "errors of forces on validation frames. Expected an objective that all trials measure, or a weight of "
                "forces above 0. Change the objective, or the loss."
            )

    def require(self) -> None:
        """Raise SpaceError where the search cannot work."""
        if self.column.removeprefix(STAGE) not in OBJECTIVES:
            near = did_you_mean(self.objective.removeprefix(STAGE), OBJECTIVES)
            listed = ", ".join(STAGE + each for each in OBJECTIVES)
            raise SpaceError(f"objective is {self.objective!r}, expected one of {listed}.{near}")
        for name, least in (("trials", 1), ("at_once", 1), ("threads", 1), ("seed", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SpaceError(f"{name} is {value}, expected at least {least}.")
        numbers = [key for key, each in self.parameters.items() if not isinstance(each, Choice)]
        if self.sampler == "grid" and numbers:
            raise SpaceError(f"sampler is 'grid', and space.{numbers[0]} is a range. Expected choices alone.")
        if self.sampler != "grid" and self.trials is None:
            raise SpaceError(f"trials is missing. Expected how many trainings {self.sampler!r} may try.")


@dataclass(frozen=True, kw_only=True)
class SearchFile(Search):
    """A search that a file describes.

    Args:
        config: of fit, whose settings are searched.
        set: dotted key → value, on top of the config.
        name: of the search and its folder; None for that of the file.
        budget: how long each trial trains.
        accelerator: cpu, gpu or auto.
    """

    config: Path
    set: dict[str, object] = field(default_factory=dict)
    name: str | None = None
    budget: TrialBudget = field(default_factory=TrialBudget)
    accelerator: Literal["cpu", "gpu", "auto"] = "auto"


def read_search(file: Path) -> SearchFile:
    """Return what a search file says; the configs in it are relative to its folder.

    Raises:
        WrittenFileError: it is no search file, or cannot work.
        OSError: it cannot be read.
    """
    try:
        plain = plain_yaml(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WrittenFileError(file, f"The file is no search: {error}.") from error
    if not isinstance(plain, dict):
        raise WrittenFileError(
            file, "The file is no search: it holds no keys. Expected config, space, trials and others."
        )
    unknown = next(unknown_keys(SearchFile, plain), None)
    if unknown:
        raise WrittenFileError(file, unknown)
    try:
        search = from_plain(SearchFile, {"name": file.stem, **plain})
        space = {key: _with_paths(value, file.parent) for key, value in search.space.items()}
        fixed = {key: _located(value, file.parent) for key, value in search.set.items()}
        config = Path(os.path.relpath(shipped(search.config, file.parent) or file.parent / search.config))
        found = replace(search, space=space, set=fixed, config=config)
        found.require()
        _require_budget(found.budget)
    except SpaceError as error:
        raise WrittenFileError(file, str(error)) from error
    except ValueError as error:
        raise WrittenFileError(file, f"{error}.") from error
    return found


def _require_budget(budget: TrialBudget) -> None:
    given = {name: value for name, value in vars(budget).items() if value is not None}
    if len(given) > 1:
        raise SpaceError(f"budget has {' and '.join(given)}, expected one of them.")
    for name, value in given.items():
        if not value > 0 or (name == "fraction" and value > 1):
            most = ", and at most 1" if name == "fraction" else ""
            raise SpaceError(f"budget.{name} is {value}, expected more than 0{most}.")


def _with_paths(plain: object, folder: Path) -> object:
    """Return the values of a key with configs relative to where the process works."""
    if isinstance(plain, dict) and isinstance(plain.get("choice"), list):
        return {**plain, "choice": [_located(each, folder) for each in plain["choice"]]}
    return plain


def _located(value: object, folder: Path) -> object:
    is_config = isinstance(value, str) and value.endswith((".yaml", ".yml"))
    return os.path.relpath(shipped(str(value), folder) or folder / str(value)) if is_config else value
