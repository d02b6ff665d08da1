"""Goes through the matrix of a study: architectures × datasets × sizes × trainings × folds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import NamedTuple

from potbench.errors import PotbenchError
from potbench.loading import AtomsDataModule
from potbench.runs.checkpoint import sha256
from potbench.runs.parent import parent_checkpoint
from potbench.runs.step_time import StepTime
from potbench.studies.cells import Cell, LeftOut
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.budget import Length, length_of, steps_per_epoch
from potbench.studies.planning.cell_config import (
    Config,
    accumulated_in,
    batch_size_of,
    cell_config,
    identity_of,
    kind_of_split,
    steps_as_given,
    unsuitable,
)
from potbench.studies.planning.data_of_study import DataOfStudy, Place
from potbench.studies.planning.left_out import left_out_settings
from potbench.studies.planning.timing import known_time, measured_time, time_unless_diverged
from potbench.studies.study import BudgetOfStudy, Study

DRAWN_BY_FRAME = (".RandomSplit", ".OfficialSplit", ".IndexSplit")
"""Splits whose validation frames may be drawn anew frame by frame."""
Pair = tuple[str, str]
"""Architecture and dataset."""
Tuned = Mapping[Pair, Mapping[str, object]]
"""Architecture and dataset → dotted key → value that a search has found."""


class Resolved(NamedTuple):
    """What an architecture and a dataset come to.

    Attributes:
        config: the whole config, every default written out.
        is_solved: whether the potential is solved at once, and not trained step by step.
        weights_forces: whether the loss does; None where that is not known.
    """

    config: Config
    is_solved: bool
    weights_forces: bool | None = None


@dataclass(frozen=True)
class Configs:
    """What reads configs; it comes from the command line, which alone knows how.

    Args:
        resolve: architecture, dataset and dotted key → value on top of all → the whole config.
        data: whole config → its data, not set up.
    """

    resolve: Callable[[str, str, Mapping[str, object]], Resolved]
    data: Callable[[Config], AtomsDataModule]


class Planner:
    """Makes the cells of a study, each with its config.

    Args:
        study: what is compared.
        folder: where times of steps are kept.
        configs: reads configs.

    Attributes:
        timed: architectures and datasets whose steps are timed even if the budget does not need it.
        left_out: cells that the study does not have.
        notes: what a reader of the study file might not expect: sentences.
    """

    def __init__(self, study: Study, folder: StudyFolder, configs: Configs) -> None:
        self.study = study
        self.folder = folder
        self.configs = configs
        self.timed: set[Pair] = set()
        self.data = DataOfStudy(study, configs.data)
        self.left_out: list[LeftOut] = []
        self.notes: list[str] = []
        self._resolved: dict[str, Resolved] = {}
        self._accumulated: dict[str, tuple[str, int]] = {}  # dataset → who came first, and its batches of a step

    @cached_property
    def pairs(self) -> dict[Pair, Resolved]:
        """Return the configs of all architectures on all datasets, before anything was tuned.

        Raises:
            PotbenchError: one of them cannot work.
        """
        return {
            (architecture, dataset): self.resolved((architecture, dataset), {})
            for dataset, architecture in product(self.study.datasets, self.study.architectures)
        }

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Return where there are cells: all architectures once before any is repeated."""
        study = self.study
        folds: dict[str, list[int | None]] = {}
        for dataset in study.datasets:
            of_data = study.folds_of(dataset)
            folds[dataset] = [None] if of_data is None else [*range(of_data.number)]
        rounds = product(range(study.trainings.number), range(max(map(len, folds.values()))))
        matrix = product(rounds, study.datasets, study.sizes or [None], study.architectures)
        places = (
            Place(architecture, dataset, size, training, fold)
            for (training, number), dataset, size, architecture in matrix
            for fold in folds[dataset][number : number + 1]
        )
        return tuple(place for place in places if self._has_frames(place))

    @cached_property
    def largest(self) -> dict[Pair, Place]:
        """Return the first cell with the most training frames of each architecture and dataset."""
        found: dict[Pair, Place] = {}
        for place in self.places:
            earlier = found.setdefault(place[:2], place)
            if (place.size or 0) > (earlier.size or 0):
                found[place[:2]] = place
        return found

    def cells(self, tuned: Tuned) -> Iterator[tuple[Cell, Config]]:
        """Yield each cell with its config.

        Args:
            tuned: what a search has found.

        Raises:
            PotbenchError: a cell cannot work.
        """
        resolved = {
            pair: self.resolved(pair, tuned[pair]) if pair in tuned else self.pairs[pair] for pair in self.largest
        }
        for pair in resolved:
            self.notes += self._notes(*pair, resolved[pair])
        times = {pair: self._time(place, resolved[pair]) for pair, place in self.largest.items()}
        for place in self.places:
            yield self._cell(place, resolved[place[:2]], times[place[:2]])

    def trial(self, pair: Pair, values: Mapping[str, object], part: float) -> Config:
        """Return the config of a trial of a search: that of the largest cell, with a part of its budget.

        Args:
            pair: architecture and dataset.
            values: dotted key → value that is tried.
            part: of the budget.
        """
        resolved, place = self.resolved(pair, values), self.largest[pair]
        budget = self.study.budget
        assert budget.value is not None
        value = budget.value * part if budget.rule == "wall_time" else max(1, round(budget.value * part))
        length = self._length(place, resolved, self._time(place, resolved), replace(budget, value=value))
        return self._config(place, resolved, length)

    def identity(self, place: Place, config: Config, whole: Config) -> str:
        """Return the identity of a training.

        Args:
            place: of a cell.
            config: of its architecture and dataset.
            whole: that it is trained with.
        """
        fingerprints = [self.data.fingerprint(config), self.data.frames(place, config).fingerprint]
        if parent := config.get("from"):  # that its folder is trained again would change the numbers
            fingerprints.append(sha256(parent_checkpoint(parent)))
        return identity_of(whole, *fingerprints)

    def resolved(self, pair: Pair, values: Mapping[str, object]) -> Resolved:
        """Return the config of an architecture on a dataset, read once.

        Args:
            pair: architecture and dataset.
            values: dotted key → value, on top of all.

        Raises:
            PotbenchError: it cannot work.
        """
        key = json.dumps([pair, values], sort_keys=True, default=str)
        if key not in self._resolved:
            self._resolved[key] = self._resolve(pair, values)
        return self._resolved[key]

    def _resolve(self, pair: Pair, values: Mapping[str, object]) -> Resolved:
        architecture, dataset = pair
        found = self.configs.resolve(architecture, dataset, values)
        may_start_warm = self.study.architectures[architecture].warm_start
        problem = next(unsuitable(found.config, self.study, may_start_warm), None)
        if problem:
            raise PotbenchError(f"{architecture} on {dataset}: {problem}")
        if self.study.budget.rule == "steps" and not found.is_solved:
            self._require_same_steps(architecture, dataset, accumulated_in(found.config))
        self.data.require_same_store(architecture, dataset, found.config)
        if not self.data.has_forces(found.config):
            if found.weights_forces:
                raise PotbenchError(
                    f"{architecture} on {dataset}: the loss weights forces, and the data have none. Expected a weight "
                    "of 0. Change forces of the loss."
                )
            if self.study.metric.startswith("forces"):
                raise PotbenchError(
                    f"metric is {self.study.metric}, and the data of {dataset} have no forces. Expected an error of "
                    "energies, such as energy_mae. Change metric in the study file."
                )
        return found

    def _require_same_steps(self, architecture: str, dataset: str, accumulated: int) -> None:
        first, batches = self._accumulated.setdefault(dataset, (architecture, accumulated))
        if accumulated != batches:
            raise PotbenchError(
                f"{architecture} on {dataset}: accumulate_grad_batches of the trainer is {accumulated}, and {batches} "
                f"of {first}, whose steps would see other numbers of frames. Expected the same for all where steps are "
                "equal. Change it, or change budget.rule to frames."
            )

    def _has_frames(self, place: Place) -> bool:
        """Return whether a cell has the training frames that it asks for; what is left out is said."""
        chosen = self.study.architectures[place.architecture].sizes_on(place.dataset)
        most = self.data.most(place, self.pairs[place[:2]].config)
        why = None
        if chosen is not None and place.size not in chosen:
            why = f"The study trains {place.architecture} with {', '.join(map(str, chosen))} frames alone."
        elif place.size is not None and place.size > most:
            why = f"There are {most:,} frames to train on."
        if why:
            self.left_out.append(LeftOut(place.name, why))
        return why is None

    def _notes(self, architecture: str, dataset: str, resolved: Resolved) -> Iterator[str]:
        yield from left_out_settings(self.study, architecture, dataset, resolved.config, resolved.is_solved)
        inside = kind_of_split(resolved.config)
        folds = self.study.folds_of(dataset)
        if folds is not None and folds.tests:
            yield f"{dataset}: every fold tests, and {inside} of the data is not used."
        redraws = "validation_frames" in self.study.trainings.vary and folds is None
        if redraws and not inside.endswith(DRAWN_BY_FRAME):
            yield (
                f"{dataset}: validation frames are drawn frame by frame from the training and validation frames of "
                f"{inside}; without validation_frames in trainings.vary they stay as it has them."
            )

    def _time(self, place: Place, resolved: Resolved) -> StepTime | None:
        """Return how long steps take; they are timed where that is needed."""
        if resolved.is_solved:
            return None
        config = self._config(place, resolved, Length(1, None, None))
        threads = self.study.run.threads
        if self.study.budget.rule == "wall_time":
            return measured_time(self.folder, config, threads, place.name)
        if place[:2] in self.timed:
            self.timed.remove(place[:2])  # what diverges is tried once
            time_unless_diverged(self.folder, config, threads, place.name)
        return known_time(self.folder, config, threads)

    def _length(self, place: Place, resolved: Resolved, time: StepTime | None, budget: BudgetOfStudy) -> Length | None:
        """Return how long a cell trains; None where it is left as it is."""
        if budget.rule == "as_given" or resolved.is_solved:
            return None
        config = resolved.config
        batch_size = budget.batch_size or batch_size_of(config)
        num_train = self.data.frames(place, config).num_train
        return length_of(budget, num_train, batch_size, accumulated_in(config), time)

    def _config(self, place: Place, resolved: Resolved, length: Length | None) -> Config:
        around = self.data.around(place)
        return cell_config(resolved.config, self.study, around, place.training, length, place._asdict())

    def _cell(self, place: Place, resolved: Resolved, time: StepTime | None) -> tuple[Cell, Config]:
        study, config = self.study, resolved.config
        length = self._length(place, resolved, time, study.budget)
        whole = self._config(place, resolved, length)
        frames, batch_size = self.data.frames(place, config), batch_size_of(whole)
        steps = length.steps if length else None
        if length is None and not resolved.is_solved:
            an_epoch = steps_per_epoch(frames.num_train, batch_size, accumulated_in(config))
            steps = steps_as_given(config, an_epoch)
        cell = Cell(
            **place._asdict(),
            identity=self.identity(place, config, whole),
            num_train=frames.num_train,
            num_validation=frames.num_validation,
            steps=steps,
            measures_cost=study.examine.cost and place == self.largest[place[:2]],
            seconds=None if time is None or steps is None else time.seconds(steps, study.budget.validations or 1),
            batch_size=batch_size,
            pool=self.data.pool(place, config),
        )
        return cell, whole
