"""record.json: every number of a run, with its unit and what it comes from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from potbench.batch import Statistics
from potbench.errors import RecordError, RunError
from potbench.loading import AtomsDataModule
from potbench.loading.manifest import Manifest
from potbench.loading.splits.split import NAMED
from potbench.readers.typed_json import from_plain, to_json
from potbench.runs.ensemble_of import EnsembleOf
from potbench.runs.evaluation import Evaluation
from potbench.runs.findings import Examined, LawFound
from potbench.runs.folder import RunFolder
from potbench.runs.format_1 import from_format_1
from potbench.runs.parent import Parent
from potbench.runs.provenance import Provenance, command, provenance
from potbench.runs.recipe import as_text, split_recipe
from potbench.runs.split_summary import SplitSummary
from potbench.runs.spreads import SpreadFound
from potbench.runs.time_budget import Planned
from potbench.units import Quantity
from potbench.whole_file import write_text

FORMAT = 2
"""Of records; those without a format are of format 1."""


@dataclass(frozen=True)
class Seeds:
    """Seeds of a run.

    Args:
        everything: of weights and dropout; None where nothing was seeded.
        batches: of the order of the batches.
    """

    everything: int | None
    batches: int


@dataclass(frozen=True)
class TrainingCost:
    """What training took.

    Args:
        throughput: training frames per second, without validation.
        wall_time: from the first step to the last, validation included.
        peak_memory: most memory held.
        cpu_time: seconds of all cores, over the wall time, with those that load data; None in early records.
        preparation: time that computing cached features took, before the first step and not part of the wall time; 0
            where none are cached, next to it where an earlier run had computed them; None in early records.
        preparation_cpu: seconds of all cores, over this time; None in early records.
        captured_steps: how many steps a GPU replayed; None in early records.
        compiled_steps: how many steps a program computed that was compiled for them; None in early records.
    """

    throughput: Quantity
    wall_time: Quantity
    peak_memory: Quantity
    cpu_time: Quantity | None = None
    preparation: Quantity | None = None
    preparation_cpu: Quantity | None = None
    captured_steps: int | None = None
    compiled_steps: int | None = None


@dataclass(frozen=True)
class Budget:
    """How long training was.

    Args:
        epochs: passes over the training frames.
        steps: optimizer steps.
        frames: frames trained on, repetitions counted.
    """

    epochs: int
    steps: int
    frames: int


@dataclass(frozen=True)
class Measured:
    """A number that was measured several times.

    Args:
        median: of all times.
        low: the smallest.
        high: the largest.
        unit: of all three.
    """

    median: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True)
class InferenceCost:
    """What a trained potential costs at work, measured in a process of its own.

    Args:
        latency: energy and forces of one molecule, in ms.
        throughput: energies and forces in the batch that saturates, in µs per atom.
        frames_at_once: frames of that batch.
        peak_memory: above that of the potential alone.
        structures: how many test frames were used.
        provenance: of the measurement.
    """

    latency: Measured
    throughput: Measured
    frames_at_once: int
    peak_memory: Quantity
    structures: int
    provenance: Provenance


@dataclass(frozen=True)
class Diverged:
    """A training that has diverged.

    Args:
        epoch: in which it did, from 0.
        step: at which optimizer step, from 1; of a validation the last before it.
        reason: what was said of it.
    """

    epoch: int
    step: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a run says of itself; changed by dataclasses.replace.

    Args:
        format: of the record.
        name: the run folder, as it was named on the command line.
        command: the last that trained; where none did, the one that wrote the record first.
        provenance: of that command.
        seeds: what was drawn at random, and how.
        data: manifest of the store.
        split: how its frames were divided.
        statistics: of the training frames.
        metrics: validation or test, or test/NAME for a named test set → name → error: of the best checkpoint, on the
            run's own data.
        evaluations: validation or test → what these errors were measured with, but for the validation at the end of a
            training; and by names of their own, evaluations of other checkpoints, of other data, with other settings.
        num_parameters: how many numbers training finds.
        parent: the run whose weights training started from, or None.
        cost: what training took; None until it ends, as are those below.
        budget: how long training was.
        planned: what its length was planned from; None where it was given in epochs or steps.
        best_epoch: with the smallest validation loss, counted from 0; None where none was validated.
        test_looks: how often errors were measured on test frames of the run, with any checkpoint and settings; None in
            early records.
        diverged: when and why training diverged; None where it did not.
        inference: what the potential costs at work; None where it was not measured.
        laws: how far the potential is from each physical law; None where they were not checked.
        examined: how the potential does at work: in dynamics and along bonds; None where it was not examined.
        ensemble: what an ensemble was made of; None for a single potential.
        spreads: energy and forces → how well the spreads of an ensemble describe its errors on the test set; empty
            before the test, and for other potentials.
    """

    format: int = FORMAT
    name: str
    command: str
    provenance: Provenance
    seeds: Seeds
    data: Manifest
    split: SplitSummary
    statistics: Statistics
    metrics: dict[str, dict[str, Quantity]] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    num_parameters: int | None = None
    parent: Parent | None = None
    cost: TrainingCost | None = None
    budget: Budget | None = None
    best_epoch: int | None = None
    test_looks: int | None = None
    diverged: Diverged | None = None
    inference: InferenceCost | None = None
    laws: tuple[LawFound, ...] | None = None
    examined: tuple[Examined, ...] | None = None
    ensemble: EnsembleOf | None = None
    spreads: dict[str, SpreadFound] = field(default_factory=dict)
    planned: Planned | None = None

    @property
    def known_looks(self) -> int:
        """Return how often the test frames were looked at; at least, for an early record."""
        tests = [name for name, each in self.evaluations.items() if name.startswith("test") and not each.data]
        return len(tests) if self.test_looks is None else self.test_looks

    @property
    def is_imported(self) -> bool:
        """Return whether the weights are those of a file of another program, and were not trained here."""
        is_untrained = self.budget is not None and not self.budget.steps
        return is_untrained and self.parent is not None and self.parent.run is None

    @property
    def parents(self) -> tuple[Parent, ...]:
        """Return where weights that training started from come from, those of all members of an ensemble."""
        return (self.parent,) if self.parent else self.ensemble.parents if self.ensemble else ()

    @property
    def seen_before(self) -> int | None:
        """Return how many test frames were seen by runs that the weights come from; None where that is not known."""
        start = self.parent or self.ensemble
        return start.frames_seen if start is not None else None

    @property
    def test_sets(self) -> dict[str, dict[str, Quantity]]:
        """Return named test set → name → error."""
        return {name.removeprefix(NAMED): each for name, each in self.metrics.items() if name.startswith(NAMED)}

    @classmethod
    def before_training(cls, run: RunFolder, config: str, seed: int | None, data: AtomsDataModule) -> Record:
        """Return what a run is, before anything has come of it.

        Args:
            run: the folder.
            config: the whole configuration, as YAML.
            seed: of weights and dropout; False or None where nothing was seeded.
            data: has been set up.
        """
        return cls(
            name=str(run.path),
            command=command(),
            provenance=provenance(),
            seeds=Seeds(None if seed is False else seed, data.seed),
            data=data.store.manifest,
            split=SplitSummary.of(data, as_text(split_recipe(config))),
            statistics=data.statistics,
            test_looks=0,
        )

    def to_json(self) -> str:
        """Return the record as JSON; numbers that are not finite become null."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str | bytes, file: Path | None = None) -> Record:
        """Read what `to_json` wrote, now or in format 1.

        Args:
            text: the JSON.
            file: where it was read, for messages.

        Raises:
            RecordError: the text is damaged, something in it is missing or has the wrong type, or a newer version of
                potbench wrote it.
        """
        name = file or "The record"
        try:
            found = json.loads(text)
            if not isinstance(found, dict):
                raise ValueError(f"it is {str(found)[:80]!r}, expected an object")
            if isinstance(found.get("format"), int) and found["format"] > FORMAT:
                raise RecordError(
                    f"{name} has format {found['format']}: a newer version of potbench wrote it. "
                    f"Expected at most {FORMAT}. Update potbench."
                )
            return from_plain(cls, found if "format" in found else from_format_1(found) | {"format": FORMAT})
        except RecordError:
            raise
        except (ValueError, RecursionError) as error:
            advice = " Delete it, and `fit` and `test` of this run write it anew." if file else ""
            raise RecordError(f"{name} is damaged: {error}. Expected what potbench wrote.{advice}") from error

    @classmethod
    def load(cls, folder: Path) -> Record:
        """Read the record of a run.

        Raises:
            RunError: the folder has no record.
            RecordError: see `from_json`.
        """
        file = RunFolder(folder).record
        if not file.is_file():
            raise RunError(f"{folder} holds no {file.name}. Expected the folder of a run. Choose another folder.")
        return cls.from_json(file.read_bytes(), file)

    def save(self, folder: Path) -> None:
        """Write the record of a run."""
        write_text(RunFolder(folder).record, self.to_json())


def named(test_sets: dict[str, dict[str, Quantity]]) -> dict[str, dict[str, Quantity]]:
    """Return the errors of named test sets as they stand among the metrics of a record."""
    return {f"{NAMED}{name}": metrics for name, metrics in test_sets.items()}
