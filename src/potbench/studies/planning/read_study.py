"""Reads a study file; what is wrong in it is refused before anything is made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from potbench.errors import PotbenchError, did_you_mean
from potbench.readers.typed_json import from_plain
from potbench.studies.planning.study_checks import problems
from potbench.studies.study import Study
from potbench.studies.yaml_text import plain_yaml


class StudyError(PotbenchError, ValueError):
    """A study file cannot be used.

    Args:
        file: the study file.
        problem: what is wrong with which key, and what was expected: sentences.
    """

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"{problem} Change it in {file}.")


def read_study(file: Path) -> Study:
    """Return what a study file says; the paths in it are relative to its folder.

    Raises:
        StudyError: it is no study file, or cannot work.
        OSError: it cannot be read.
    """
    plain = _plain(file)
    unknown = next(unknown_keys(Study, plain), None)
    if unknown:
        raise StudyError(file, unknown)
    try:
        study = from_plain(Study, plain)
    except ValueError as error:
        raise StudyError(file, f"{error}.") from error
    located: Study = _located(study, file.parent.absolute())
    located = _with_choices(located, file.parent)
    problem = next(problems(located), None)
    if problem:
        raise StudyError(file, problem)
    return located


def unknown_keys(kind: type[Any], plain: object, place: str = "") -> Iterator[str]:
    """Say of each key that a dataclass does not have what it may be meant to be.

    Args:
        kind: the dataclass.
        plain: what was read for it.
        place: its own key, with a dot behind it.
    """
    if not isinstance(plain, dict):
        return  # the wrong type, which is refused as such
    hints = get_type_hints(kind)
    for key, value in plain.items():
        if key not in hints:
            near = did_you_mean(key, hints)
            yield f"There is no key {place}{key}.{near} Expected one of {', '.join(hints)}."
            continue
        hint = hints[key]
        parts = [part for part in get_args(hint) if part is not NoneType] or [hint]
        if is_dataclass(parts[-1]) and isinstance(value, dict):
            named = value.items() if parts[0] is str else [("", value)]
            for name, each in named:
                yield from unknown_keys(parts[-1], each, f"{place}{key}.{name}{'.' * bool(name)}")  # type: ignore[arg-type]


def _plain(file: Path) -> dict[str, Any]:
    """Return what a study file holds, as JSON would."""
    try:
        plain = plain_yaml(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StudyError(
            file, f"The file is no study: {error}. Expected YAML, as in configs/studies/quick.yaml."
        ) from error
    if not isinstance(plain, dict):
        raise StudyError(
            file, "The file is no study: it holds no keys. Expected YAML, as in configs/studies/quick.yaml."
        )
    architectures = plain.get("architectures")
    for each in architectures.values() if isinstance(architectures, dict) else ():
        if isinstance(each, dict) and isinstance(each.get("training"), str):
            each["training"] = [each["training"]]  # a single one need not be a list
    return plain


def _located(value: Any, folder: Path) -> Any:
    """Return the same with all paths relative to a folder."""
    if isinstance(value, Path):
        return Path(os.path.normpath(folder / value))
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
        return os.path.relpath(folder / str(value)) if is_config else value

    return {**plain, "choice": [located(value) for value in plain["choice"]]}
