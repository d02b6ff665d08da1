"""Reads a study file; what is wrong in it is refused before anything is made."""

from __future__ import annotations

import os
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from potbench.readers.typed_json import from_plain
from potbench.shipped.configs import shipped
from potbench.studies.earlier_numbers import read_numbers
from potbench.studies.planning.study_checks import problems
from potbench.studies.study import Study
from potbench.studies.yaml_text import WrittenFileError, plain_yaml, unknown_keys


def read_study(file: Path) -> Study:
    """Return what a study file says; the paths in it are relative to its folder.

    Raises:
        WrittenFileError: it is no study file, or cannot work.
        DataFileError: the numbers of the original study cannot be used.
        OSError: it cannot be read.
    """
    study = _study(file, file.parent)
    problem = next(problems(study), None)
    if problem:
        raise WrittenFileError(file, problem)
    if study.original is not None and study.original.numbers is not None:
        read_numbers(study.original.numbers)  # only the page shows them, which is written when all are trained
    return study


def planned_study(planned: Path, file: Path) -> Study:
    """Return a study as it was planned; the files that it names may be gone.

    Args:
        planned: copy of the study file in the folder of the study.
        file: the study file, to whose folder paths are relative.

    Raises:
        WrittenFileError: the copy is no study file.
        OSError: it cannot be read.
    """
    return _study(planned, file.parent)


def _study(file: Path, folder: Path) -> Study:
    plain = _plain(file)
    unknown = next(unknown_keys(Study, plain), None)
    if unknown:
        raise WrittenFileError(file, unknown)
    try:
        study = from_plain(Study, plain)
    except ValueError as error:
        raise WrittenFileError(file, f"{error}.") from error
    located: Study = _located(study, folder.absolute())
    return _with_choices(located, folder)


def _plain(file: Path) -> dict[str, Any]:
    """Return what a study file holds, as JSON would."""
    try:
        plain = plain_yaml(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WrittenFileError(
            file, f"The file is no study: {error}. Expected YAML, as in configs/studies/quick.yaml."
        ) from error
    if not isinstance(plain, dict):
        raise WrittenFileError(
            file, "The file is no study: it holds no keys. Expected YAML, as in configs/studies/quick.yaml."
        )
    architectures = plain.get("architectures")
    for each in architectures.values() if isinstance(architectures, dict) else ():
        if isinstance(each, dict) and isinstance(each.get("training"), str):
            each["training"] = [each["training"]]  # a single one need not be a list
    return plain


def _located(value: Any, folder: Path) -> Any:
    """Return the same with all paths relative to a folder, or inside potbench."""
    if isinstance(value, Path):
        return shipped(value, folder) or Path(os.path.normpath(folder / value))
    if isinstance(value, tuple):
        return tuple(_located(part, folder) for part in value)
    if isinstance(value, dict):
        return {key: _located(part, folder) for key, part in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _located(getattr(value, each.name), folder) for each in fields(value)})
    return value


def _with_choices(study: Study, folder: Path) -> Study:
    """Return the same with the configs among which tuning chooses as paths from where the process works."""

    def located(space: dict[str, object]) -> dict[str, object]:
        return {key: _choice(plain, folder) for key, plain in space.items()}

    architectures = {name: replace(each, space=located(each.space)) for name, each in study.architectures.items()}
    tuning = study.tuning and replace(study.tuning, space=located(study.tuning.space))
    return replace(study, architectures=architectures, tuning=tuning)


def _choice(plain: object, folder: Path) -> object:
    """Return what is said of a key that is searched, with the configs among its choices relative to a folder."""
    if not isinstance(plain, dict) or not isinstance(plain.get("choice"), list):
        return plain

    def located(value: object) -> object:
        is_config = isinstance(value, str) and value.endswith((".yaml", ".yml"))
        return os.path.relpath(shipped(str(value), folder) or folder / str(value)) if is_config else value

    return {**plain, "choice": [located(value) for value in plain["choice"]]}
