"""Settings that the cells of a study do not have, because the study itself decides them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from potbench.runs.step_time import callbacks_in
from potbench.studies.planning.cell_config import Config
from potbench.studies.study import Study


def left_out_settings(study: Study, architecture: str, dataset: str, config: Config, is_solved: bool) -> Iterator[str]:
    """Say which settings the cells of an architecture on a dataset do not have: sentences.

    Configs are for other uses too, and what they say of seeds and lengths is replaced in silence; what the study file
    itself sets in vain is said.

    Args:
        study: what its file says.
        architecture: its name.
        dataset: its name.
        config: of both.
        is_solved: whether the potential is solved at once.
    """
    if _gives_length(study, is_solved):
        for callback in callbacks_in(config):
            if str(callback["class_path"]).endswith("EarlyStopping"):
                yield (
                    f"{architecture} on {dataset}: {callback['class_path']} is left out: all train for their whole "
                    "budget."
                )
        if config["trainer"].get("max_time"):
            yield f"{architecture} on {dataset}: trainer.max_time is left out: all train for their whole budget."
    sets = {
        "set": study.set,
        f"datasets.{dataset}.set": study.datasets[dataset].set,
        f"architectures.{architecture}.set": study.architectures[architecture].set,
    }
    for place, settings in sets.items():
        for key in _keys(settings):
            if by := decided_by(study, key, is_solved):
                yield f"{place}: {key} is left out: {by} decides it."


def decided_by(study: Study, key: str, is_solved: bool) -> str | None:
    """Return the key of a study that decides a setting of its cells, whatever configs say; None where none does.

    Args:
        study: what its file says.
        key: dotted, of a config.
        is_solved: whether the potential is solved at once.
    """
    budget = study.budget
    decided = {"seed_everything": "trainings.seed", "data.seed": "trainings.seed"}
    decided |= {"trainer.accelerator": "run.accelerator", "trainer.devices": "run", "trainer.num_nodes": "run"}
    if _gives_length(study, is_solved):
        decided |= dict.fromkeys(("trainer.max_steps", "trainer.max_epochs"), "budget.value")
        if budget.batch_size is not None:
            decided["data.batch_size"] = "budget.batch_size"
        if budget.validations is not None:
            spread = ("trainer.val_check_interval", "trainer.check_val_every_n_epoch")
            decided |= dict.fromkeys(spread, "budget.validations")
    return decided.get(".".join(part for part in key.split(".") if part != "init_args"))


def _gives_length(study: Study, is_solved: bool) -> bool:
    return study.budget.rule != "as_given" and not is_solved


def _keys(settings: Mapping[str, object], inside: str = "") -> Iterator[str]:
    """Yield the dotted keys of what is set, also where mappings are nested."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _keys(value, f"{inside}{name}.")
        elif value is not None:
            yield f"{inside}{name}"
