"""The config of a cell: that of its architecture and dataset, with the frames, seeds and length of the cell."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from potbench.errors import RunError
from potbench.loading.splits import KFold
from potbench.runs.parent import parent_checkpoint
from potbench.runs.step_time import callbacks_in
from potbench.studies.planning.budget import Length
from potbench.studies.planning.cell_split import Around, seed_of
from potbench.studies.study import Study

Config = dict[str, Any]
"""A whole config, every default written out."""

DEFAULT_SPLIT = "potbench.loading.RandomSplit"
WHOLE_SETS = (
    *("fast_dev_run", "overfit_batches", "limit_train_batches", "limit_val_batches", "limit_test_batches"),
    "barebones",
)
"""Settings of the Trainer by which a training would not be that of a study."""
OF_PLACES = {"root", "folder", "file", "num_workers"}
OF_TRAINER = {
    *("accelerator", "devices", "num_nodes", "strategy", "logger", "default_root_dir", "plugins", "profiler"),
    *("enable_progress_bar", "enable_checkpointing", "enable_model_summary", "log_every_n_steps"),
    *("enable_autolog_hparams", "model_registry"),
}
OF_RUN = {"allow", "checkpoint_every_minutes", "checkpoint_every_steps", "weights_only", "from"}
LENGTHS = {"max_steps", "max_epochs", "max_time", "val_check_interval", "check_val_every_n_epoch", "callbacks"}
"""Settings of the Trainer that do not change how long a step takes."""
DRAWN = {"split", "seed"}
"""Settings of the data that do not either."""
ACCUMULATES = ".GradientAccumulationScheduler"
LATER = {"standardize": False, "smallest_spread": 0.1, "compile_steps": False, "momentum": [0.85, 0.95], "max_l": 2}
"""Settings that cells of earlier versions lack → what they were then, so that a study goes on after an upgrade."""
CHECKPOINT_MINUTES = 10.0


def unsuitable(config: Config, study: Study, may_start_warm: bool) -> Iterator[str]:
    """Say which settings a study cannot have, each with what to change.

    Args:
        config: of an architecture and a dataset.
        study: that compares them.
        may_start_warm: whether the architecture is declared to start from the weights of another run.
    """
    trainer = config["trainer"]
    for name in WHOLE_SETS:
        value = trainer.get(name)
        if value and not (isinstance(value, float) and value == 1):  # 1.0 is all of them
            yield (
                f"trainer.{name} is {value}, and a study trains, validates and tests on whole sets. "
                f"Expected none. Remove trainer.{name}."
            )
    parent = config.get("from")
    if parent and may_start_warm:
        try:
            parent_checkpoint(parent)
        except RunError as error:
            yield str(error)
    elif parent:
        yield (
            f"It starts from the weights of {parent}, whose training is part of no budget. Expected weights "
            "drawn at random, or warm_start: true for the architecture. Remove from, or declare it."
        )
    grows = next((each for each in callbacks_in(config) if str(each["class_path"]).endswith(ACCUMULATES)), None)
    if grows and study.budget.rule != "as_given":
        yield (
            f"{grows['class_path']} changes how many batches a step has, and a study counts steps, epochs or frames. "
            "Expected steps of one size. Remove it from trainer.callbacks."
        )
    schedule = (config["model"].get("init_args") or {}).get("schedule") or {}
    is_plateau = str(schedule.get("class_path")).endswith(".ReduceLROnPlateau")
    if is_plateau and study.budget.validations is not None and study.budget.rule != "as_given":
        yield (
            f"{schedule['class_path']} looks at the validation after each epoch, and budget.validations spreads "
            f"{study.budget.validations} over the steps. Expected another schedule. Change it, or set "
            "budget.validations to null."
        )


def cell_config(
    config: Config,
    study: Study,
    around: list[Around],
    training: int,
    length: Length | None,
    cell: Mapping[str, str | int | None],
) -> Config:
    """Return the config that a cell is trained with.

    Args:
        config: of its architecture and dataset.
        study: that the cell is part of.
        around: splits around that of the data.
        training: which repetition.
        length: of the training; None leaves it as it is: of what is solved at once, and where nothing is made equal.
        cell: what it is, for dashboards.
    """
    whole = deepcopy(config)
    whole["seed_everything"] = seed_of(study, training, "weights")
    data = whole["data"]["init_args"]
    data["seed"] = seed_of(study, training, "batches")
    data["split"] = _split_recipe(data.get("split"), around)
    trainer = whole["trainer"]
    trainer |= {"accelerator": study.run.accelerator, "devices": 1, "num_nodes": 1, "enable_progress_bar": False}
    trainer["logger"] = _with_cell(trainer.get("logger"), study.name, cell)
    if length is not None:
        data["batch_size"] = study.budget.batch_size or data["batch_size"]
        trainer |= {"max_steps": length.steps, "max_epochs": length.epochs or -1, "max_time": None}
        kept = [each for each in callbacks_in(whole) if not str(each["class_path"]).endswith("EarlyStopping")]
        trainer["callbacks"] = kept or None
    if length is not None and length.interval is not None:
        trainer |= {"val_check_interval": length.interval, "check_val_every_n_epoch": None}
    if whole.get("checkpoint_every_minutes") is None:
        whole["checkpoint_every_minutes"] = CHECKPOINT_MINUTES  # what is killed loses no more
    return whole


def as_timed(config: Config) -> Config:
    """Return the part of a config that decides how long a step takes."""
    trainer = {key: part for key, part in config["trainer"].items() if key not in LENGTHS}
    data = {key: part for key, part in config["data"]["init_args"].items() if key not in DRAWN}
    return {"model": config["model"], "data": data, "trainer": trainer}


def facts_of(config: Config) -> Config:
    """Return the part of a config that numbers depend on: without places, devices, loggers and what is not set."""
    kept = {key: part for key, part in config.items() if key not in OF_RUN}
    kept["trainer"] = {key: part for key, part in config["trainer"].items() if key not in OF_TRAINER}
    kept["data"] = _without(config["data"], OF_PLACES)
    facts: Config = _without(kept, set())
    return facts


def identity_of(config: Config, *fingerprints: str) -> str:
    """Return the sha256 of all that the numbers of a cell depend on.

    Args:
        config: of the cell.
        fingerprints: of data and split, and of the checkpoint that it starts from.
    """
    facts = json.dumps([facts_of(config), fingerprints], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def batch_size_of(config: Config) -> int:
    """Return the frames in a batch."""
    return int(config["data"]["init_args"]["batch_size"])


def accumulated_in(config: Config) -> int:
    """Return the batches of an optimizer step."""
    return int(config["trainer"].get("accumulate_grad_batches") or 1)


def kind_of_split(config: Config) -> str:
    """Return the class path of the split of the data."""
    recipe = config["data"]["init_args"].get("split") or {}
    return str(recipe.get("class_path", DEFAULT_SPLIT))


def steps_as_given(config: Config, an_epoch: int) -> int | None:
    """Return the optimizer steps that a config asks for, where an epoch has so many; None where it has no limit."""
    epochs, steps = config["trainer"].get("max_epochs"), config["trainer"].get("max_steps")
    limits = [] if epochs in {None, -1} else [epochs * an_epoch]
    limits += [] if steps in {None, -1} else [steps]
    return min(limits, default=None)


def data_recipe(config: Config) -> Config:
    """Return what says which data a config has, and how they are divided."""
    arguments = config["data"]["init_args"]
    return {name: arguments.get(name) for name in ("dataset", "split", "root")}


def _split_recipe(inside: Config | None, around: list[Around]) -> Config:
    whole: Config = inside or {"class_path": DEFAULT_SPLIT}
    for kind, arguments in around:
        inner = {} if kind is KFold else {"split": whole}
        whole = {"class_path": f"potbench.loading.{kind.__name__}", "init_args": {**inner, **arguments}}
    return whole


def _without(value: Any, names: set[str]) -> Any:
    """Return the same without what is not set, and without arguments of some names."""
    if isinstance(value, dict):
        return {
            key: _without(part, names)
            for key, part in value.items()
            if part is not None
            and key not in names
            and not (key in LATER and (type(part), part) == (type(LATER[key]), LATER[key]))
        }
    return [_without(part, names) for part in value] if isinstance(value, list | tuple) else value


def _with_cell(logger: Any, study: str, cell: Mapping[str, str | int | None]) -> Any:
    """Have Weights & Biases show the runs of a study as a group, each with what it is."""
    if isinstance(logger, list):
        return [_with_cell(each, study, cell) for each in logger]
    if isinstance(logger, dict) and str(logger.get("class_path")).endswith(".WandbLogger"):
        arguments = {"group": study, "config": {"cell": dict(cell)}}
        return {**logger, "init_args": {**(logger.get("init_args") or {}), **arguments}}
    return logger
