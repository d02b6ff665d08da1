"""Writes the folder of a run: what it is before the first step, what came of it after the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch import Callback, LightningModule, Trainer
from typing_extensions import override

from potbench.errors import DivergedError, RunError
from potbench.loading import AtomsDataModule
from potbench.runs.checkpoint import sha256
from potbench.runs.cost import Cost
from potbench.runs.dashboards import show_training
from potbench.runs.figures import draw_figures
from potbench.runs.folder import RunFolder
from potbench.runs.lock import RunLock, undisturbed
from potbench.runs.metrics import best_validation, in_units
from potbench.runs.parent import Parent, parent_of
from potbench.runs.record import Budget, Diverged, Record, TrainingCost, named
from potbench.runs.summary import print_summary
from potbench.runs.time_budget import Planned
from potbench.runs.trained_on import TrainedOn
from potbench.training import FeatureCache, Task
from potbench.training.memory import peak_memory
from potbench.units import Quantity
from potbench.whole_file import write_text


@dataclass
class Recorder(Callback):
    """Writes the folder of a run that is trained; a fast_dev_run leaves it as it is.

    Args:
        run: the folder.
        config: the whole configuration, as YAML.
        seed: of weights and dropout; False or None where nothing was seeded.
        checkpoint: file that the run resumes from, or None.
        steps_done: optimizer steps before this part of the run.
        parent: checkpoint of another run, whose weights training starts from, or None.
        freeze: weights that are not trained, as they were named.
        lock: the right to write into the folder; None where nobody else can.
        planned: what the length of the training was planned from, or None.
    """

    run: RunFolder
    config: str
    seed: int | None
    checkpoint: str | None
    steps_done: int
    parent: Path | None = None
    freeze: Sequence[str] = ()
    lock: RunLock | None = None
    planned: Planned | None = None

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compare the data with those of the run that is resumed, before anything is computed.

        Raises:
            RunError: the run was made with other data or another split.
            RecordError: its record is damaged.
        """
        if writes(trainer) and self.checkpoint and self.run.record.is_file():
            self._require_same(Record.load(self.run.path), data_of(trainer))

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write down what the run is; a training that is refused before its first step leaves nothing."""
        if writes(trainer):
            self._begin(data_of(trainer))

    @override
    def on_train_batch_end(self, *arguments: Any, **named: Any) -> None:
        """Stop where another process has taken the folder over.

        Raises:
            RunError: it has.
        """
        if self.lock:
            self.lock.require()

    @override
    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write down that training has diverged: that is a result too."""
        if isinstance(exception, DivergedError) and writes(trainer) and self.run.record.is_file():
            with undisturbed(self.run):
                diverged = Diverged(exception.epoch, exception.step, str(exception))
                replace(Record.load(self.run.path), diverged=diverged).save(self.run.path)

    def finish_fit(self, trainer: Trainer) -> None:
        """Complete the record with validation errors and costs, save what was trained on, draw and print."""
        if not writes(trainer):
            return
        data = data_of(trainer)
        cost = next(callback for callback in trainer.callbacks if isinstance(callback, Cost))  # type: ignore[attr-defined]
        if not self.run.record.is_file():
            self._begin(data)  # no step was asked for
        epoch, validation = best_validation(self.run.metrics)
        with undisturbed(self.run):
            record = self._with_earlier_set_aside(Record.load(self.run.path))
            caches = feature_caches(trainer)
            record = replace(
                record,
                best_epoch=epoch,
                metrics={**record.metrics, "validation": in_units(validation, record.data.units.energy)},
                # known by now: a kernel has as many as training gave it
                num_parameters=num_parameters(trainer),
                cost=TrainingCost(
                    throughput=Quantity.of(cost.frames_per_second, "frames/s"),
                    wall_time=Quantity.of(cost.wall_seconds, "s"),
                    peak_memory=Quantity.of(peak_memory(), "MiB"),
                    cpu_time=Quantity.of(cost.cpu_seconds, "s"),
                    preparation=Quantity.of(sum(cache.seconds for cache in caches), "s"),
                    preparation_cpu=Quantity.of(sum(cache.cpu_seconds for cache in caches), "s"),
                    captured_steps=cost.captured_steps,
                    compiled_steps=cost.compiled_steps,
                ),
                budget=Budget(trainer.fit_loop.epoch_progress.current.ready, trainer.global_step, cost.frames),
            )
            TrainedOn.of(data.store, data.indices.train).save(self.run.trained_on)
            record.save(self.run.path)  # with it, the run is finished
        draw_figures(self.run, record)
        print_summary(record, self.run.path, "validation")
        show_training(trainer.loggers, self.run, record)

    def _begin(self, data: AtomsDataModule) -> None:
        with undisturbed(self.run):
            record = replace(Record.before_training(self.run, self.config, self.seed, data), planned=self.planned)
            earlier = Record.load(self.run.path) if self.run.record.is_file() else None
            if earlier and self.checkpoint:
                self._say_what_digits_depend_on(earlier, record)
                record = replace(
                    record,
                    metrics=earlier.metrics,
                    evaluations=earlier.evaluations,
                    num_parameters=earlier.num_parameters,
                    parent=earlier.parent,
                    test_looks=earlier.known_looks,
                    planned=earlier.planned,
                )
            elif self.parent:
                record = replace(record, parent=self._parent(self.parent, data))
            if self.checkpoint and self.run.config.is_file():
                config = self.run.config.read_text(encoding="utf-8")
                if yaml.safe_load(config) != yaml.safe_load(self.config):
                    write_text(self.run.config_until(self.steps_done), config)
            write_text(self.run.config, self.config)
            data.indices.save(self.run.split)
            record.save(self.run.path)

    def _parent(self, checkpoint: Path, data: AtomsDataModule) -> Parent:
        parent = parent_of(checkpoint, self.freeze, data)
        if parent.frames_seen:
            print(
                f"{parent.frames_seen:,} of the {len(data.indices.test):,} test frames were trained or validated on by "
                "the parent, or by a run that its weights come from. Errors on the test set will be too small.",
                flush=True,
            )
        return parent

    def _say_what_digits_depend_on(self, earlier: Record, record: Record) -> None:
        then, now = earlier.provenance.digits, record.provenance.digits
        if then != now:
            print(
                f"{self.run.path} was trained with {then} until now, and is resumed with {now}: its numbers may differ "
                "in their last digits from those of an unbroken run.",
                flush=True,
            )

    def _with_earlier_set_aside(self, record: Record) -> Record:
        """Set aside the evaluations of a best checkpoint that is the best no longer."""
        best = sha256(self.run.result) if self.run.result.is_file() else None
        for stage in ("validation", "test"):
            evaluation = record.evaluations.get(stage)
            if evaluation is None or evaluation.sha256 in {None, best} or stage not in record.metrics:
                continue
            name = evaluation.name(stage)
            if stage == "test":
                self.run.set_aside(name)
            metrics, evaluations = dict(record.metrics), dict(record.evaluations)
            aside = replace(evaluations.pop(stage), metrics=metrics.pop(stage))
            if stage == "test":
                aside = replace(aside, test_sets=record.test_sets)
                metrics = {key: errors for key, errors in metrics.items() if key not in named(record.test_sets)}
            evaluations[name] = aside
            record = replace(record, metrics=metrics, evaluations=evaluations)
        return record

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


def writes(trainer: Trainer) -> bool:
    """Return whether this process writes the folder of the run."""
    return trainer.is_global_zero and not trainer.fast_dev_run  # type: ignore[attr-defined]


def data_of(trainer: Trainer) -> AtomsDataModule:
    """Return the data of a run."""
    data: AtomsDataModule = trainer.datamodule  # type: ignore[attr-defined]
    return data


def feature_caches(trainer: Trainer) -> list[FeatureCache]:
    """Return what computes features before the first step."""
    return [callback for callback in trainer.callbacks if isinstance(callback, FeatureCache)]  # type: ignore[attr-defined]


def num_parameters(trainer: Trainer) -> int:
    """Return how many numbers the training of a potential finds."""
    task: Task = trainer.lightning_module  # type: ignore[assignment]
    return task.potential.num_parameters
