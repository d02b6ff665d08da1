"""Which frames a cell trains on: the split of its data, with folds, sizes and draws of the study around it."""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

from potbench.loading.splits import CalibrationSplit, Folds, NestedSplit, Split
from potbench.studies.study import Study, Varied


class Around(NamedTuple):
    """A split around another one.

    Attributes:
        kind: its class.
        arguments: all but the split inside.
    """

    kind: type[CalibrationSplit] | type[Folds] | type[NestedSplit]
    arguments: dict[str, Any]


def seed_of(study: Study, training: int, what: Varied) -> int:
    """Return the seed by which something is drawn: that of the training where it varies, else that of the study."""
    return study.trainings.seed + (training if what in study.trainings.vary else 0)


def splits_around(study: Study, size: int | None, training: int, fold: int | None) -> list[Around]:
    """Return the splits around that of the data, from the inside out; none of them touches the test frames.

    They depend on the cell and not on the architecture, so that all architectures are trained on the same frames.

    Args:
        study: says what varies.
        size: how many training frames; None for all.
        training: which repetition.
        fold: which fold; None without folds.
    """
    seed = study.trainings.seed
    by_molecule = study.folds is not None and study.folds.by_molecule
    around = []
    if study.calibration is not None:
        part = int(study.calibration) if study.calibration >= 1 else study.calibration
        around.append(Around(CalibrationSplit, {"calibration": part, "by_molecule": by_molecule, "seed": seed}))
    nested = {"size": size, "seed": seed_of(study, training, "training_frames")}
    if study.folds is not None and fold is not None:
        arguments = {"fold": fold, "num_folds": study.folds.number, "by_molecule": by_molecule, "seed": seed}
        around.append(Around(Folds, arguments))
    elif "validation_frames" in study.trainings.vary:
        nested["validation_seed"] = seed_of(study, training, "validation_frames")
    if size is not None or "validation_seed" in nested:
        around.append(Around(NestedSplit, nested))
    return around


def split_of(inside: Split, around: list[Around]) -> Split:
    """Return the split of a cell."""
    return reduce(lambda split, each: each.kind(split, **each.arguments), around, inside)
