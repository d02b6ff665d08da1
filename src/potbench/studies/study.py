"""What a study file says: a question, what is compared on what, and how long each may train."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Varied = Literal["weights", "batches", "training_frames", "validation_frames"]
Rule = Literal["steps", "epochs", "frames", "wall_time", "as_given"]

METRICS = ("energy_mae", "energy_rmse", "energy_mae_per_atom", "forces_mae", "forces_rmse")
"""Errors that a study may compare, as records name them: of each, smaller is better."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One of the potentials that are compared, with the recipe that trains it.

    Args:
        potential: config of the potential.
        training: configs of its training, one on top of the other: loss, optimizer, schedule.
        set: dotted key of the whole config → value, on top of all configs.
        sizes: training sizes at which it is trained, on all datasets or dataset → sizes; where there are none, all of
            the study.
        baseline: whether it only shows what the others must beat.
        warm_start: whether its configs may start from the weights of another run.
        space: what tuning searches besides the space of all; dotted key → values.
    """

    potential: Path
    training: tuple[Path, ...]
    set: dict[str, object] = field(default_factory=dict)
    sizes: tuple[int, ...] | dict[str, tuple[int, ...]] | None = None
    baseline: bool = False
    warm_start: bool = False
    space: dict[str, object] = field(default_factory=dict)

    def sizes_on(self, dataset: str) -> tuple[int, ...] | None:
        """Return the training sizes on a dataset; None for all of the study."""
        return self.sizes.get(dataset) if isinstance(self.sizes, dict) else self.sizes


@dataclass(frozen=True, kw_only=True)
class FoldsOfStudy:
    """Folds of training and validation frames, with the same test frames for all; or of all frames, each to be tested.

    Args:
        number: how many; each is trained as often as the study trains.
        by_molecule: whether folds are of whole molecules instead of frames.
        tests: whether each fold is the test frames of its trainings, in place of those that the data has, so that every
            frame or molecule is tested once; else a fold validates.
        validation: fraction of the other folds that validates, of folds that test; None for 0.1.
    """

    number: int
    by_molecule: bool = False
    tests: bool = False
    validation: float | None = None


@dataclass(frozen=True, kw_only=True)
class StudyDataset:
    """One of the datasets on which potentials are compared.

    Args:
        data: config of the data, with the split whose test frames all share.
        set: dotted key of the whole config → value, on top of the config.
        folds: in place of those of the study; None for those.
    """

    data: Path
    set: dict[str, object] = field(default_factory=dict)
    folds: FoldsOfStudy | None = None


@dataclass(frozen=True, kw_only=True)
class Trainings:
    """Repeated trainings of the same.

    Args:
        number: how many.
        vary: what the seed of a training changes; the rest is drawn by the seed of the study. Never the test frames.
        seed: of the study; training t has seed + t.
    """

    number: int
    vary: tuple[Varied, ...] = ("weights", "batches", "training_frames", "validation_frames")
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class BudgetOfStudy:
    """How long each may train.

    Args:
        rule: what is equal for all.
        value: optimizer steps, epochs, frames or seconds of each training; None for as_given.
        batch_size: of all trainings; None for what the configs say.
        validations: how often a training validates, evenly spread; None for what the configs say.
    """

    rule: Rule = "steps"
    value: float | None = None
    batch_size: int | None = None
    validations: int | None = 20


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Search for hyperparameters before the comparison, with the same effort for each architecture and dataset.

    Args:
        trials: how many trainings each search has.
        space: what is searched for all architectures; dotted key → values.
        budget: part of the budget of the study that each trial trains.
        objective: error of the validation frames that chooses; None for the metric of the study.
    """

    trials: int
    space: dict[str, object] = field(default_factory=dict)
    budget: float = 0.25
    objective: str | None = None


@dataclass(frozen=True, kw_only=True)
class Original:
    """An earlier study, shown beside this one.

    Args:
        text: who published it, and how it was trained.
        numbers: file of its numbers; None for none.
    """

    text: str
    numbers: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Examine:
    """What is measured of trained potentials besides their errors.

    Args:
        cost: time and memory of inference, of one training for each architecture and dataset.
        laws: how far each is from the physical laws.
        work: how long each is put to work, in dynamics and along bonds; None for not at all.
    """

    cost: bool = True
    laws: bool = True
    work: Literal["dev", "fast", "standard"] | None = None


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Where and how the trainings are run.

    Args:
        where: on this machine, or on a cluster.
        at_once: how many trainings run at the same time.
        threads: of each.
        retries: how often a training that failed is started again.
        accelerator: cpu, gpu or auto.
        slurm: settings of the jobs; name → value.
        logger: config of a logger for all trainings, beside potbench's own; None for none.
        allow: packages that you trust, whose classes the configs name.
    """

    where: Literal["local", "slurm"] = "local"
    at_once: int = 1
    threads: int = 1
    retries: int = 1
    accelerator: Literal["cpu", "gpu", "auto"] = "auto"
    slurm: dict[str, object] = field(default_factory=dict)
    logger: Path | None = None
    allow: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Study:
    """A whole comparison.

    Args:
        name: of the study and its folder.
        question: what it shall answer.
        architectures: name → what is compared.
        datasets: name → what it is compared on.
        trainings: how often each is repeated, and what changes.
        budget: how long each may train.
        metric: error that decides, of the test frames.
        set: dotted key of the whole config → value, for all architectures; what datasets and architectures set comes on
            top.
        also: errors that are reported besides.
        reference: architecture to which the others are put in relation; None for none.
        smallest_difference: relative difference below which two errors count as equal.
        sizes: numbers of training frames, ascending; None for all frames.
        folds: of each dataset that has none of its own; None for none.
        calibration: training frames that nothing is fitted to or chosen by, for the calibration of uncertainties: a
            fraction, or how many (a whole number); None for none.
        tuning: None for none.
        original: the study that this one repeats; None for none.
        examine: what is measured besides errors.
        run: where and how.
    """

    name: str
    question: str
    architectures: dict[str, Architecture]
    datasets: dict[str, StudyDataset]
    trainings: Trainings
    budget: BudgetOfStudy
    metric: str
    set: dict[str, object] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    reference: str | None = None
    smallest_difference: float = 0.05
    sizes: tuple[int, ...] | None = None
    folds: FoldsOfStudy | None = None
    calibration: float | None = None
    tuning: Tuning | None = None
    original: Original | None = None
    examine: Examine = field(default_factory=Examine)
    run: RunSettings = field(default_factory=RunSettings)

    @property
    def baselines(self) -> tuple[str, ...]:
        """Return the names of the architectures that only show what the others must beat."""
        return tuple(name for name, each in self.architectures.items() if each.baseline)

    def folds_of(self, dataset: str) -> FoldsOfStudy | None:
        """Return the folds of a dataset."""
        return self.datasets[dataset].folds or self.folds
