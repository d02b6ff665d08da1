"""What cannot work in a study, found before anything is made."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from potbench.errors import PotbenchError, did_you_mean
from potbench.studies.running.slurm_settings import SlurmSettings
from potbench.studies.searches.space import SpaceError, read_space
from potbench.studies.study import METRICS, FoldsOfStudy, Study

NAME = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)
LARGEST_SEED = 2**32 - 1


def problems(study: Study) -> Iterator[str]:
    """Say what cannot work: which key has which value, and what was expected."""
    yield from _names(study)
    yield from _files(study)
    yield from _numbers(study)
    yield from _budget(study)
    yield from _metrics(study)
    yield from _sizes(study)
    yield from _folds(study)
    yield from _tuning(study)
    yield from _jobs(study)


def too_many_threads(study: Study) -> Iterator[str]:
    """Say that this machine has fewer cores than the trainings that it would run at once have threads."""
    run = study.run
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if run.where == "local" and run.at_once * run.threads > cores:
        yield (
            f"run.at_once is {run.at_once} and run.threads is {run.threads}: {run.at_once * run.threads} threads on "
            f"{cores} cores. Expected no more threads than cores, or times would mean nothing."
        )


def _names(study: Study) -> Iterator[str]:
    named = [("name", study.name)]
    named += [("architectures", name) for name in study.architectures]
    named += [("datasets", name) for name in study.datasets]
    for key, name in named:
        if not NAME.fullmatch(name):
            yield (
                f"{key} has the name {name!r}. Expected letters, digits, _, +, - and . alone, the first a letter or a "
                "digit: files are named by it."
            )
    for key, parts in (("architectures", study.architectures), ("datasets", study.datasets)):
        if not parts:
            yield f"{key} is empty. Expected at least one."
        small = [name.lower() for name in parts]
        twice = [name for name in parts if small.count(name.lower()) > 1]
        if twice:
            yield f"{key} has {' and '.join(twice)}, the same name but for capitals. Expected names that differ."
    if not study.question.strip():
        yield "question is empty. Expected what the study shall answer."
    if study.reference is not None and study.reference not in study.architectures:
        near = did_you_mean(study.reference, study.architectures)
        yield f"reference is {study.reference!r}.{near} Expected one of {', '.join(study.architectures)}."


def _files(study: Study) -> Iterator[str]:
    files: list[tuple[str, Path | None]] = []
    for name, architecture in study.architectures.items():
        files += [(f"architectures.{name}.potential", architecture.potential)]
        files += [(f"architectures.{name}.training", file) for file in architecture.training]
    files += [(f"datasets.{name}.data", dataset.data) for name, dataset in study.datasets.items()]
    files += [("run.logger", study.run.logger)]
    files += [("original.numbers", study.original.numbers)] if study.original else []
    for key, file in files:
        if file is not None and not file.is_file():
            state = "is no file" if file.exists() else "does not exist"
            there = (other.name for other in file.parent.glob("*")) if file.parent.is_dir() else ()
            yield f"{key} is {file}, which {state}.{did_you_mean(file.name, there)} Expected a file."


def _numbers(study: Study) -> Iterator[str]:
    at_least = {
        "trainings.number": (study.trainings.number, 1),
        "trainings.seed": (study.trainings.seed, 0),
        "run.at_once": (study.run.at_once, 1),
        "run.threads": (study.run.threads, 1),
        "run.retries": (study.run.retries, 0),
        "budget.batch_size": (study.budget.batch_size, 1),
        "budget.validations": (study.budget.validations, 1),
        **{f"{key}.number": (folds.number, 2) for key, folds in _all_folds(study)},
        "tuning.trials": (study.tuning.trials if study.tuning else None, 1),
    }
    for key, (value, least) in at_least.items():
        if value is not None and value < least:
            yield f"{key} is {value}. Expected {least} or more."
    if study.trainings.seed + study.trainings.number - 1 > LARGEST_SEED:
        yield f"trainings.seed is {study.trainings.seed}. Expected seeds up to {LARGEST_SEED} for all trainings."
    yield from _twice("trainings.vary", study.trainings.vary)
    if study.trainings.number > 1 and not study.trainings.vary:
        yield "trainings.vary is empty, and all trainings would be the same. Expected what changes, or one training."
    if not 0 <= study.smallest_difference < 1:
        yield f"smallest_difference is {study.smallest_difference}. Expected a fraction, from 0 to below 1."
    apart = study.calibration
    if apart is not None and not (0 < apart < 1 or (1 <= apart < math.inf and apart == int(apart))):
        yield f"calibration is {apart:g}. Expected a fraction of the training frames, or how many: a whole number."


def _budget(study: Study) -> Iterator[str]:
    rule, value = study.budget.rule, study.budget.value
    if rule == "as_given":
        if value is not None:
            yield f"budget.value is {value:g}, and as_given changes nothing. Expected another rule, or no value."
        return
    if value is None or not 0 < value < math.inf:
        said = "missing" if value is None else f"{value:g}"
        yield f"budget.value is {said}. Expected {rule.replace('wall_time', 'seconds')} of a training, above 0."
    elif rule != "wall_time" and value != int(value):
        yield f"budget.value is {value:g}. Expected a whole number of {rule}."
    if rule in {"steps", "frames"} and study.budget.batch_size is None:
        yield f"budget.batch_size is missing. Expected one for all, without which equal {rule} are unequal."


def _metrics(study: Study) -> Iterator[str]:
    named = [("metric", study.metric), *(("also", name) for name in study.also)]
    if study.tuning and study.tuning.objective is not None:
        named += [("tuning.objective", study.tuning.objective)]
    for key, name in named:
        if name not in METRICS:
            yield f"{key} is {name!r}.{did_you_mean(name, METRICS)} Expected one of {', '.join(METRICS)}."
    yield from _twice("also", (study.metric, *study.also))


def _sizes(study: Study) -> Iterator[str]:
    for key, sizes in _all_sizes(study):
        if sizes is None:
            continue
        if not sizes or list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
            yield f"{key} is {list(sizes)}. Expected numbers of training frames, ascending, each once."
        strange = sorted(set(sizes) - set(study.sizes or ()))
        if strange:
            yield f"{key} has {strange[0]}, which is none of the sizes of the study. Expected some of them."
    for name, each in study.architectures.items():
        for dataset in each.sizes if isinstance(each.sizes, dict) else ():
            if dataset not in study.datasets:
                datasets = ", ".join(study.datasets)
                meant = did_you_mean(dataset, tuple(study.datasets))
                yield f"architectures.{name}.sizes has the dataset {dataset!r}.{meant} Expected one of {datasets}."


def _all_sizes(study: Study) -> Iterator[tuple[str, tuple[int, ...] | None]]:
    yield "sizes", study.sizes
    for name, each in study.architectures.items():
        key = f"architectures.{name}.sizes"
        if isinstance(each.sizes, dict):
            yield from ((f"{key}.{dataset}", sizes) for dataset, sizes in each.sizes.items())
        else:
            yield key, each.sizes


def _folds(study: Study) -> Iterator[str]:
    for key, folds in _all_folds(study):
        validation = folds.validation
        if not folds.tests:
            if validation is not None:
                yield f"{key}.validation is {validation:g}, and a fold validates. Expected none, or {key}.tests: true."
            continue
        if folds.number == 2:
            yield f"{key}.number is 2. Expected 3 or more where folds test: no interval follows from two."
        if validation is not None and not 0 < validation < 1:
            yield f"{key}.validation is {validation:g}. Expected a fraction of the other folds, between 0 and 1."
        if study.tuning is not None:
            yield (
                f"{key}.tests is true, and tuning would choose by frames that other folds test. Expected one of both: "
                f"{key}.tests: false, or values that were tuned on other data."
            )


def _all_folds(study: Study) -> Iterator[tuple[str, FoldsOfStudy]]:
    if study.folds is not None:
        yield "folds", study.folds
    for name, dataset in study.datasets.items():
        if dataset.folds is not None:
            yield f"datasets.{name}.folds", dataset.folds


def _tuning(study: Study) -> Iterator[str]:
    tuning = study.tuning
    if tuning is None:
        return
    if not 0 < tuning.budget <= 1:
        yield f"tuning.budget is {tuning.budget}. Expected a part of the budget of the study, up to 1."
    if study.budget.rule == "as_given":
        yield "tuning has a budget, and the rule as_given has none of which it could be a part. Expected another rule."
    spaces = {"tuning.space": tuning.space}
    spaces |= {f"architectures.{name}.space": each.space for name, each in study.architectures.items()}
    if not any(spaces.values()):
        yield "tuning.space is empty. Expected what is searched: dotted key → values."
    for key, space in spaces.items():
        if space:
            try:
                read_space(space)
            except SpaceError as error:
                yield f"{key} cannot be searched: {error}"


def _jobs(study: Study) -> Iterator[str]:
    try:
        SlurmSettings.of(study.run.slurm)
    except PotbenchError as error:
        yield str(error)


def _twice(key: str, names: Iterable[str]) -> Iterator[str]:
    names = list(names)
    twice = [name for number, name in enumerate(names) if name in names[:number]]
    if twice:
        yield f"{key} has {twice[0]} twice. Expected each once."
