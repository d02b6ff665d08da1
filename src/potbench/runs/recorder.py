"""Writes the folder of a run: what it is before the first step, what came of it after the last."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace

import numpy as np
import yaml
from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from potbench.data_quality.leakage import measure_leakage
from potbench.errors import RunError
from potbench.loading import AtomsDataModule
from potbench.runs.cost import Cost, peak_memory
from potbench.runs.figures import draw_figures
from potbench.runs.folder import RunFolder
from potbench.runs.metrics import best_validation, in_units
from potbench.runs.provenance import provenance
from potbench.runs.recipe import as_text, split_recipe
from potbench.runs.record import Budget, Evaluation, Record, Seeds, SplitSummary, TrainingCost
from potbench.runs.summary import print_summary
from potbench.training import Task
from potbench.units import Quantity
from potbench.whole_file import whole_file, write_text


@dataclass
class Recorder(Callback):
    """Writes the folder of a run; a fast_dev_run leaves it as it is.

    Args:
        run: the folder.
        config: the whole configuration, as YAML.
        seed: of weights and dropout; False or None where nothing was seeded.
        checkpoint: file that the run resumes from or that is evaluated, or None.
        steps_done: optimizer steps before this part of the run.
    """

    run: RunFolder
    config: str
    seed: int | None
    checkpoint: str | None
    steps_done: int

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compare the data with those of the run, before anything is computed.

        Raises:
            RunError: the run was made with other data or another split.
            RecordError: its record is damaged.
        """
        if _writes(trainer) and self.run.record.is_file():
            self._require_same(Record.load(self.run.path), _data(trainer))

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write down what the run is; a training that is refused before its first step leaves nothing."""
        if _writes(trainer):
            self._begin(_data(trainer))

    @override
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Have the last epoch validated, however seldom others are: the schedule ends there."""
        if trainer.check_val_every_n_epoch and trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1

    def finish_fit(self, trainer: Trainer) -> None:
        """Complete the record with validation errors and costs, draw the loss curves, print the tables."""
        if not _writes(trainer):
            return
        cost = next(callback for callback in trainer.callbacks if isinstance(callback, Cost))  # type: ignore[attr-defined]
        if not self.run.record.is_file():
            self._begin(_data(trainer))  # no step was asked for
        epoch, validation = best_validation(self.run.metrics)
        record = Record.load(self.run.path)
        self._finish(
            "validation",
            replace(
                record,
                best_epoch=epoch,
                metrics={**record.metrics, "validation": in_units(validation, record.data.units.energy)},
                # known by now: a kernel has as many as training gave it
                num_parameters=_num_parameters(trainer),
                cost=TrainingCost(
                    throughput=Quantity.of(cost.frames_per_second, "frames/s"),
                    wall_time=Quantity.of(cost.wall_seconds, "s"),
                    peak_memory=Quantity.of(peak_memory(), "MiB"),
                ),
                budget=Budget(trainer.current_epoch, trainer.global_step, cost.frames),
            ),
        )

    def save_predictions(self, trainer: Trainer, task: Task) -> None:
        """Write what the test predicted; a collective call."""
        predictions = {name: value.numpy() for name, value in task.test_predictions().items()}
        if not _writes(trainer):
            return
        data = _data(trainer)
        numbers = data.store.manifest.atomic_numbers
        references = np.array([data.statistics.reference_energies[number] for number in numbers])
        predictions["offset"] = data.store.composition(predictions["frame"], numbers) @ references
        with whole_file(self.run.predictions) as partial, partial.open("wb") as stream:
            np.savez_compressed(stream, **predictions)  # type: ignore[arg-type]

    def report(self, trainer: Trainer, stage: str) -> None:
        """Write the errors of a stage into the record, draw the figures, print the tables.

        Args:
            trainer: has evaluated the stage.
            stage: validation or test.
        """
        if not _writes(trainer):
            return
        record = Record.load(self.run.path) if self.run.record.is_file() else self._description(_data(trainer))
        prefix = f"{stage}/"
        metrics = {
            name.removeprefix(prefix): float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith(prefix)
        }
        self._finish(
            stage,
            replace(
                record,
                metrics={**record.metrics, stage: in_units(metrics, record.data.units.energy)},
                evaluations={**record.evaluations, stage: Evaluation(self.checkpoint, provenance())},
                num_parameters=_num_parameters(trainer),
            ),
        )

    def _begin(self, data: AtomsDataModule) -> None:
        if self.run.config.is_file():
            config = self.run.config.read_text(encoding="utf-8")
            if yaml.safe_load(config) != yaml.safe_load(self.config):
                write_text(self.run.config_until(self.steps_done), config)
        write_text(self.run.config, self.config)
        data.indices.save(self.run.split)
        record = self._description(data)
        if self.run.record.is_file():
            earlier = Record.load(self.run.path)
            record = replace(
                record,
                metrics=earlier.metrics,
                evaluations=earlier.evaluations,
                num_parameters=earlier.num_parameters,
                cost=earlier.cost,
                budget=earlier.budget,
                best_epoch=earlier.best_epoch,
            )
        record.save(self.run.path)

    def _description(self, data: AtomsDataModule) -> Record:
        """Return what the run is, before anything has come of it."""
        indices = data.indices
        return Record(
            name=str(self.run.path),
            command="python -m potbench " + shlex.join(sys.argv[1:]),
            provenance=provenance(),
            seeds=Seeds(None if self.seed is False else self.seed, data.seed),
            data=data.store.manifest,
            split=SplitSummary(
                rule=as_text(split_recipe(self.config)),
                fingerprint=indices.fingerprint,
                train=len(indices.train),
                validation=len(indices.validation),
                test=len(indices.test),
                leakage=measure_leakage(data.store, indices),
            ),
            statistics=data.statistics,
        )

    def _require_same(self, record: Record, data: AtomsDataModule) -> None:
        fingerprints = {
            "data": (record.data.fingerprint, data.store.fingerprint),
            "split": (record.split.fingerprint, data.indices.fingerprint),
        }
        for name, (then, now) in fingerprints.items():
            if then != now:
                raise RunError(
                    f"{self.run.path} was made with another {name}: fingerprint {then[:12]} then, {now[:12]} now. "
                    "Expected the same. Restore the files and the settings of the data, or start a new run."
                )

    def _finish(self, stage: str, record: Record) -> None:
        record.save(self.run.path)
        draw_figures(self.run, record)
        print_summary(record, self.run.path, stage)


def _writes(trainer: Trainer) -> bool:
    return trainer.is_global_zero and not trainer.fast_dev_run  # type: ignore[attr-defined]


def _data(trainer: Trainer) -> AtomsDataModule:
    data: AtomsDataModule = trainer.datamodule  # type: ignore[attr-defined]
    return data


def _num_parameters(trainer: Trainer) -> int:
    task: Task = trainer.lightning_module  # type: ignore[assignment]
    return task.potential.num_parameters
