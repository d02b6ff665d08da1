"""Which frames a cell trains on: the split of its data, with folds, sizes and draws of the study around it."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

from potbench.loading.splits import CalibrationSplit, Folds, KFold, NestedSplit, Split
from potbench.studies.study import FoldsOfStudy, Study, Varied

VALIDATION = 0.1
"""Fraction of the other folds that validates where a fold tests."""


class Around(NamedTuple):
    """A split around another one, or in its place.

    Attributes:
        kind: its class; KFold takes the place of the split inside.
        arguments: all but the split inside.
    """

    kind: type[CalibrationSplit] | type[Folds] | type[KFold] | type[NestedSplit]
    arguments: dict[str, Any]


def seed_of(study: Study, training: int, what: Varied) -> int:
    """Return the seed by which something is drawn: that of the training where it varies, else that of the study."""
    return study.trainings.seed + (training if what in study.trainings.vary else 0)


def splits_around(
    study: Study, folds: FoldsOfStudy | None, size: int | None, training: int, fold: int | None
) -> list[Around]:
    """Return the splits around that of the data, from the inside out; only folds that test touch the test frames.

    They depend on the cell and not on the architecture, so that all architectures are trained on the same frames.

    Args:
        study: says what varies.
        folds: of the dataset.
        size: how many training frames; None for all.
        training: which repetition.
        fold: which fold; None without folds.
    """
    seed = study.trainings.seed
    by_molecule = folds is not None and folds.by_molecule
    tests = folds is not None and folds.tests
    of_fold: dict[str, Any] = {}
    if folds is not None and fold is not None:
        of_fold = {"fold": fold, "num_folds": folds.number, "by_molecule": by_molecule, "seed": seed}
    around = []
    if folds is not None and tests:
        around.append(Around(KFold, of_fold | {"validation": folds.validation or VALIDATION}))
    if study.calibration is not None:
        part = int(study.calibration) if study.calibration >= 1 else study.calibration
        around.append(Around(CalibrationSplit, {"calibration": part, "by_molecule": by_molecule, "seed": seed}))
    nested = {"size": size, "seed": seed_of(study, training, "training_frames")}
    if of_fold and not tests:
        around.append(Around(Folds, of_fold))
    elif not of_fold and "validation_frames" in study.trainings.vary:
        nested["validation_seed"] = seed_of(study, training, "validation_frames")
    if size is not None or "validation_seed" in nested:
        around.append(Around(NestedSplit, nested))
    return around


def split_of(inside: Split, around: list[Around]) -> Split:
    """Return the split of a cell."""

    def put(split: Split, each: Around) -> Split:
        inner: dict[str, Any] = {} if each.kind is KFold else {"split": split}
        return each.kind(**inner, **each.arguments)

    return reduce(put, around, inside)
