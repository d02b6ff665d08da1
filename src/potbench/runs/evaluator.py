"""Evaluates a run, or another checkpoint, other data, other settings beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger
from typing_extensions import override

from potbench.errors import RunError
from potbench.loading import AtomsDataModule, SplitIndices
from potbench.potentials.ensemble import Ensemble
from potbench.runs.ancestors import seen_by
from potbench.runs.checkpoint import sha256
from potbench.runs.dashboards import show_evaluation
from potbench.runs.evaluation import Evaluation, Stage
from potbench.runs.figures import describe, draw_figures, draw_predictions
from potbench.runs.folder import EvaluationFolder, RunFolder
from potbench.runs.lock import undisturbed
from potbench.runs.metrics import in_units
from potbench.runs.predictions import annotate, errors, in_order, of_test_set
from potbench.runs.provenance import command, provenance
from potbench.runs.recipe import as_text, split_recipe
from potbench.runs.record import Record, named
from potbench.runs.recorder import data_of, num_parameters, writes
from potbench.runs.split_summary import SplitSummary
from potbench.runs.spreads import SpreadFound, judge, of_ensemble
from potbench.runs.summary import print_evaluation, print_summary
from potbench.structures import IntArray
from potbench.training import Task
from potbench.units import Quantity
from potbench.whole_file import whole_file


class Evaluator(Callback):
    """Writes what came of an evaluation into the folder of a run; a fast_dev_run leaves it as it is.

    The errors of the checkpoint that the run stands for, on the data and with the settings of the run, become those of
    the run. All others are stored beside them, under a name of their own.

    Args:
        run: the folder.
        config: the whole configuration, as YAML.
        seed: as in the config.
        checkpoint: file that is evaluated; None for weights that were never trained.
        settings: those that differ from the run's and change numbers, as text; empty for none.
        loggers: show what came of the run itself.
    """

    def __init__(
        self,
        run: RunFolder,
        config: str,
        seed: int | None,
        checkpoint: str | None,
        settings: str = "",
        loggers: Sequence[Logger] = (),
    ) -> None:
        self.run = run
        self.config = config
        self.seed = seed
        self.checkpoint = checkpoint
        self.settings = settings
        self.loggers = loggers
        self._record: Record
        self._evaluation: Evaluation
        self._name: str | None  # None for the evaluation of the run itself
        self._test_sets: dict[str, dict[str, Quantity]] = {}
        self._spreads: dict[str, SpreadFound] = {}

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find out what is evaluated, before anything is computed.

        Raises:
            RecordError: the record of the run is damaged.
            RunError: its folder cannot be written: a look at test frames would not be counted.
        """
        if writes(trainer):
            evaluated: Stage = "test" if stage == "test" else "validation"
            if self.run.path.is_dir() and not os.access(self.run.path, os.W_OK):
                raise RunError(
                    f"{self.run.path} cannot be written, and its {evaluated} errors are recorded there. Expected the "
                    "folder of a run that you may write. Copy the run, and evaluate the copy."
                )
            data = data_of(trainer)
            self._record = self._stored() or Record.before_training(self.run, self.config, self.seed, data)
            self._evaluation = self._describe(data, evaluated)
            self._name = None if self._is_of_the_run(evaluated) else self._evaluation.name(evaluated)

    def save_predictions(self, trainer: Trainer, task: Task) -> None:
        """Write what the test predicted; a collective call."""
        predictions = {
            name: (value.float() if value.dtype is torch.bfloat16 else value).numpy()  # numpy has no bfloat16
            for name, value in task.test_predictions().items()
        }
        if not writes(trainer):
            return
        if isinstance(task.potential, Ensemble):
            predictions |= of_ensemble(task.potential)
        data = data_of(trainer)
        predictions = in_order(
            annotate(predictions, data.store, data.indices, data.statistics.reference_energies, self._trained_on())
        )
        unit = data.store.energy_unit
        self._test_sets = {
            name: in_units(errors(of_test_set(predictions, name), unit), unit) for name in data.indices.test_sets
        }
        self._spreads = judge(predictions, unit)
        with whole_file(self._folder.predictions) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, **predictions)  # type: ignore[arg-type]

    def report(self, trainer: Trainer, stage: Stage) -> None:
        """Write the errors into the record, draw the figures, print the tables.

        Args:
            trainer: has evaluated.
            stage: what was evaluated.
        """
        if not writes(trainer):
            return
        unit = data_of(trainer).store.energy_unit
        prefix = f"{stage}/"
        metrics = in_units(
            {
                name.removeprefix(prefix): float(value)
                for name, value in trainer.callback_metrics.items()
                if name.startswith(prefix)
            },
            unit,
        )
        with undisturbed(self.run):
            record = self._stored() or self._record
            if stage == "test" and self._looks_at_test_frames(data_of(trainer)):
                record = replace(record, test_looks=record.known_looks + 1)
            if self._name is None:
                evaluations = {**record.evaluations, stage: self._evaluation}
                record = replace(
                    record,
                    metrics={**record.metrics, stage: metrics, **named(self._test_sets)},
                    evaluations=evaluations,
                    num_parameters=num_parameters(trainer),
                    spreads=self._spreads if stage == "test" else record.spreads,
                )
            else:
                evaluation = replace(
                    self._evaluation, metrics=metrics, test_sets=self._test_sets, spreads=self._spreads
                )
                record = replace(record, evaluations={**record.evaluations, self._name: evaluation})
            record.save(self.run.path)
        if self._name is None:
            draw_figures(self.run, record)
            print_summary(record, self.run.path, stage)
            show_evaluation(self.loggers, self.run, record, stage, data_of(trainer).store)
        else:
            about = describe(self.run, data_of(trainer).store.manifest.name)
            draw_predictions(self._folder, metrics, unit, self._test_sets, about)
            print_evaluation(record.evaluations[self._name], self._folder.path, stage)

    @property
    def _folder(self) -> EvaluationFolder:
        return self.run if self._name is None else self.run.evaluation(self._name)

    def _stored(self) -> Record | None:
        return Record.load(self.run.path) if self.run.record.is_file() else None

    def _trained_on(self) -> IntArray | None:
        """Return the frames of the store that the run was trained on; None where they are of another store."""
        if self._evaluation.data is not None or not self.run.split.is_file():
            return None
        return SplitIndices.load(self.run.split).train

    def _describe(self, data: AtomsDataModule, stage: Stage) -> Evaluation:
        has_data = self._record.data.fingerprint == data.store.fingerprint
        has_split = has_data and self._record.split.fingerprint == data.indices.fingerprint
        seen = None
        if not has_split:
            seen = seen_by([(self.run, self._record)], data.store.fingerprint).count(getattr(data.indices, stage))
        return Evaluation(
            checkpoint=self.checkpoint,
            provenance=provenance(),
            sha256=sha256(Path(self.checkpoint)) if self.checkpoint else None,
            command=command(),
            settings=self.settings,
            data=None if has_data else data.store.manifest,
            split=None if has_split else SplitSummary.of(data, as_text(split_recipe(self.config))),
            frames_seen=seen,
        )

    def _looks_at_test_frames(self, data: AtomsDataModule) -> bool:
        if self._evaluation.data:
            return False
        if self._evaluation.split is None or not self.run.split.is_file():
            return self._evaluation.split is None
        return bool(np.isin(data.indices.test, SplitIndices.load(self.run.split).test).any())

    def _is_of_the_run(self, stage: Stage) -> bool:
        if not self._evaluation.is_of_the_run:
            return False
        if self.run.state == "new":  # nothing was trained here: the folder is that of its first evaluation
            earlier = self._record.evaluations.get(stage)
            return earlier is None or earlier.sha256 == self._evaluation.sha256
        return self.checkpoint is not None and Path(self.checkpoint).resolve() == self.run.result.resolve()
