"""The frames of a study: the same for all architectures, and the same test frames for all trainings or of each fold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from potbench.errors import PotbenchError, SettingError
from potbench.loading import AtomsDataModule, NestedSplit, SplitIndices, Store
from potbench.loading.preparation import prepare
from potbench.studies.planning.cell_config import Config, data_recipe
from potbench.studies.planning.cell_split import Around, split_of, splits_around
from potbench.studies.study import Study

NONE = np.empty(0, dtype=np.int32)


class Place(NamedTuple):
    """Where a cell is in the matrix of a study.

    Attributes:
        architecture: its name.
        dataset: its name.
        size: how many training frames; None for all.
        training: which repetition.
        fold: which fold; None without folds.
    """

    architecture: str
    dataset: str
    size: int | None
    training: int
    fold: int | None

    @property
    def name(self) -> str:
        """Return what cells of this size are called."""
        return f"{self.architecture} {self.dataset}" + (f" N={self.size}" if self.size else "")

    @property
    def label(self) -> str:
        """Return what the cell is called."""
        return f"{self.name} training {self.training}" + ("" if self.fold is None else f" fold {self.fold}")


class FramesOfCell(NamedTuple):
    """What is remembered of the frames of a cell.

    Attributes:
        num_train: training frames.
        num_validation: validation frames.
        fingerprint: of all sets.
        test: fingerprint of the test frames alone.
    """

    num_train: int
    num_validation: int
    fingerprint: str
    test: str


class DataOfStudy:
    """The data of a study, each prepared once and divided once for each draw.

    Args:
        study: says how they are divided.
        data: whole config → its data, not set up.
    """

    def __init__(self, study: Study, data: Callable[[Config], AtomsDataModule]) -> None:
        self.study = study
        self._data = data
        self._opened: dict[str, tuple[Store, AtomsDataModule]] = {}
        self._divided: dict[str, FramesOfCell] = {}
        # what all must agree with: who came first, and its fingerprint
        self._store_of: dict[str, tuple[str, str]] = {}
        self._frames_of: dict[tuple[object, ...], tuple[str, str]] = {}
        self._test_of: dict[tuple[str, int | None], tuple[str, str]] = {}

    def require_same_store(self, architecture: str, dataset: str, config: Config) -> None:
        """Prepare the data of a config, and compare them with those of the other architectures.

        Raises:
            PotbenchError: they are others.
        """
        found = self.fingerprint(config)
        first, fingerprint = self._store_of.setdefault(dataset, (architecture, found))
        if found != fingerprint:
            raise PotbenchError(
                f"{architecture} on {dataset} has other data than {first}: fingerprint {found[:12]}, and "
                f"{fingerprint[:12]} of {first}. Expected the same for all architectures. Remove what sets the dataset."
            )

    def has_forces(self, config: Config) -> bool:
        """Return whether the prepared data of a config have forces."""
        return self._open(config)[0].forces is not None

    def fingerprint(self, config: Config) -> str:
        """Return the fingerprint of the prepared data of a config."""
        return self._open(config)[0].fingerprint

    def most(self, place: Place, config: Config) -> int:
        """Return how many training frames a cell can have at most; as many in all folds that test."""
        folds = self.study.folds_of(place.dataset)
        each = range(folds.number) if folds is not None and folds.tests else [place.fold]
        return min(self._without_size(place._replace(fold=fold), config).num_train for fold in each)

    def pool(self, place: Place, config: Config) -> int:
        """Return from how many frames the training frames of a cell are drawn."""
        whole = self._without_size(place, config)
        draws_both = any("validation_seed" in each.arguments for each in self.around(place))
        return whole.num_train + (whole.num_validation if draws_both else 0)

    def around(self, place: Place) -> list[Around]:
        """Return the splits around that of the data."""
        folds = self.study.folds_of(place.dataset)
        return splits_around(self.study, folds, place.size, place.training, place.fold)

    def frames(self, place: Place, config: Config) -> FramesOfCell:
        """Return the frames of a cell.

        Raises:
            PotbenchError: they are not those of the other architectures, or the test frames are not those of the other
                trainings.
        """
        found = self._divide(place, config, self.around(place))
        said = place.label
        # only of folds that test are the test frames others
        folds = self.study.folds_of(place.dataset)
        same = (place.dataset, place.fold if folds is not None and folds.tests else None)
        first, test = self._test_of.setdefault(same, (said, found.test))
        if found.test != test:
            raise PotbenchError(
                f"The test frames of {said} are not those of {'its other values' if first == said else first}. "
                "Expected the same for all trainings. Remove what sets the split of an architecture, or searches it."
            )
        first, fingerprint = self._frames_of.setdefault(place[1:], (place.architecture, found.fingerprint))
        if found.fingerprint != fingerprint:
            raise PotbenchError(
                f"{said} trains or validates with other frames than {first}. Expected the same for all architectures. "
                "Remove what sets the split of an architecture."
            )
        return found

    def _without_size(self, place: Place, config: Config) -> FramesOfCell:
        around = [each for each in self.around(place) if each.kind is not NestedSplit]
        return self._divide(place, config, around)

    def _open(self, config: Config) -> tuple[Store, AtomsDataModule]:
        recipe = json.dumps(data_recipe(config), sort_keys=True)
        if recipe not in self._opened:
            data = self._data(config)
            self._opened[recipe] = prepare(data.dataset, data.root), data
        return self._opened[recipe]

    def _divide(self, place: Place, config: Config, around: list[Around]) -> FramesOfCell:
        arguments = [(each.kind.__name__, each.arguments) for each in around]
        key = json.dumps([data_recipe(config), arguments], sort_keys=True)
        if key not in self._divided:
            store, data = self._open(config)
            try:
                sets = split_of(data.split, around).divide(store)
            except SettingError as error:
                keys = {"calibration": "calibration", "num_folds": "folds.number", "validation": "folds.validation"}
                said = error.text(keys.get(error.setting, "the split of the data"))
                raise PotbenchError(f"{place.architecture} on {place.dataset}: {said}") from error
            test = SplitIndices(NONE, NONE, sets.test, test_sets=sets.test_sets).fingerprint
            self._divided[key] = FramesOfCell(len(sets.train), len(sets.validation), sets.fingerprint, test)
        return self._divided[key]
