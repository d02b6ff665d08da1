"""Folders of runs that look like those of potbench, made in milliseconds: errors are drawn, nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import yaml

from potbench.batch import Statistics
from potbench.data_quality.leakage import Leakage
from potbench.loading import SplitIndices
from potbench.loading.manifest import Manifest
from potbench.runs.evaluation import Evaluation
from potbench.runs.folder import RunFolder
from potbench.runs.metrics import in_units
from potbench.runs.predictions import errors, force_errors
from potbench.runs.provenance import Machine, Provenance
from potbench.runs.record import Budget, Diverged, Record, Seeds, TrainingCost
from potbench.runs.split_summary import SplitSummary
from potbench.units import KCAL_PER_MOL, Quantity

PROVENANCE = Provenance({"potbench": "0.1.0", "torch": "2.13"}, Machine("Linux", "Xeon", 2, 1, None), "4c36")
MANIFEST = Manifest(
    name="simulated",
    theory="PBE",
    citation="A. Author, J. Chem. Phys. 1, 1 (2026), doi:10.1000/simulated",
    license="CC0",
    num_frames=10_000,
    num_molecules=1,
    atomic_numbers=(1, 6),
    has_forces=True,
    has_time=False,
    fingerprint="data",
)


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """A run: what can be told of it, and how large its errors are.

    Args:
        architecture: class of its representation.
        error: mean absolute error of its forces in kcal/mol/Å; that of its energies in kcal/mol.
        scatter: relative spread of the error over trainings.
        seed: of weights and, with `draws`, of training frames.
        draws: whether the seed draws the training frames.
        train: number of training frames.
        test: first test frame.
        num_test: number of test frames.
        num_atoms: of each frame.
        molecules: of the test frames, one after the other.
        time: whether the place in a trajectory is known.
        test_sets: named test sets, of equal size.
        steps: optimizer steps.
        learning_rate: of the optimizer.
        shuffle: whether batches are drawn at random.
        batch_size: frames of a batch.
        trainer: other settings of it.
        manifest: of the data.
        diverged: whether training did.
        cpu_time: of the training, in s, after one second of preparation; None where the record has neither.
        baseline: whether the potential is one.
        fold: which of five folds it tests, with molecules of its own; None for the test frames that are said.
        whole_molecules: whether molecules are in one fold alone.
    """

    architecture: str = "SchNet"
    error: float = 1.0
    scatter: float = 0.02
    seed: int = 0
    draws: bool = False
    train: int = 400
    test: int = 9_000
    num_test: int = 200
    num_atoms: int = 6
    molecules: Sequence[str] = ("ethanol",)
    time: bool = False
    test_sets: Sequence[str] = ()
    steps: int = 1000
    learning_rate: float = 1e-3
    shuffle: bool = True
    batch_size: int = 10
    trainer: Mapping[str, object] = field(default_factory=dict)
    manifest: Manifest = MANIFEST
    cpu_time: float | None = None
    diverged: bool = False
    baseline: bool = False
    fold: int | None = None
    whole_molecules: bool = True

    def write(self, folder: Path) -> RunFolder:
        """Write the folder of the run."""
        run = RunFolder(folder)
        run.create()
        run.config.write_text(yaml.safe_dump(self.config()))
        self.split.save(run.split)
        record = self.record(run)
        record.save(folder)
        rows = [f"{epoch},{epoch},{self.error * (2 - epoch / 10)},{2 - epoch / 10}" for epoch in range(10)]
        run.metrics.write_text("\n".join(["epoch,step,validation/forces_mae,validation/loss", *rows, ""]))
        if not self.diverged:
            np.savez(run.predictions, **self.predictions())
        return run

    @property
    def split(self) -> SplitIndices:
        """The frames: those of the test set come after all others."""
        if self.fold is not None:
            fold = np.arange(5 * self.num_test) // self.num_test
            others = np.flatnonzero(fold != self.fold)
            return SplitIndices(others[50:][: self.train], others[:50], np.flatnonzero(fold == self.fold))
        order = np.random.default_rng(self.seed if self.draws else 0).permutation(min(self.test, 8_000))
        test = np.arange(self.test, self.test + self.num_test)
        parts = np.array_split(test, len(self.test_sets)) if self.test_sets else []
        named = dict(zip(self.test_sets, parts, strict=True))
        return SplitIndices(
            np.sort(order[: self.train]), np.sort(order[self.train : self.train + 50]), test, test_sets=named
        )

    def config(self) -> dict[str, object]:
        """The part of a config that is looked at."""

        def recipe(name: str, **arguments: object) -> dict[str, object]:
            return {"class_path": f"potbench.{name}", "init_args": arguments}

        representation = recipe(f"representations.{self.architecture}", cutoff=5.0)
        potential = recipe("potentials.AtomicPotential", representation=representation)
        model = recipe(
            "training.GradientTask",
            potential=recipe("potentials.Pairwise", cutoff=5.0) if self.baseline else potential,
            loss=recipe("training.EnergyForcesLoss", energy=1.0, forces=10.0),
            optimizer=recipe("optimizer", lr=self.learning_rate),
        )
        split = recipe("loading.RandomSplit", seed=self.seed)
        return {
            "seed_everything": self.seed,
            "trainer": {"max_steps": self.steps, "accelerator": "cpu", **self.trainer},
            "model": model,
            "data": {
                "init_args": {
                    "split": split,
                    "batch_size": self.batch_size,
                    "shuffle": self.shuffle,
                    "root": None,
                    "seed": self.seed,
                }
            },
        }

    def record(self, run: RunFolder) -> Record:
        """The record."""
        split = self.split
        test_sets = {name: len(frames) for name, frames in split.test_sets.items()}
        leakage = Leakage(1.0, 1.0, 0.03, 0.03, 0, self.num_test, self.train)
        rule = f"RandomSplit(seed={self.seed})"
        if self.fold is not None:
            rule = f"potbench.loading.KFold(fold={self.fold}, num_folds=5, seed=0)"
        metrics = {
            "forces_mae": Quantity(self.error, "kcal/mol/Å"),
            "forces_rmse": Quantity(1.4 * self.error, "kcal/mol/Å"),
            "energy_mae": Quantity(self.error, "kcal/mol"),
            "energy_rmse": Quantity(1.4 * self.error, "kcal/mol"),
        }
        found = Record(
            name=str(run.path),
            command=f"python -m potbench fit {run.path.name}",
            provenance=PROVENANCE,
            seeds=Seeds(self.seed, self.seed),
            data=self.manifest,
            split=SplitSummary(rule, split.fingerprint, self.train, 50, self.num_test, leakage, 0, test_sets),
            statistics=Statistics({1: -13.6, 6: -1036.0}, 0.5, 1.0, self.train),
            num_parameters=1000 * len(self.architecture),
            test_looks=1,
        )
        if self.diverged:
            return replace(found, test_looks=0, diverged=Diverged(3, 120, "The loss is not finite."))
        unit = self.manifest.units.energy
        tested = in_units(errors(self.predictions(), unit), unit)
        return replace(
            found,
            metrics={"validation": metrics, "test": {name: tested[name] for name in metrics}},
            evaluations={"test": Evaluation(str(run.best), PROVENANCE, "0123", "test")},
            cost=TrainingCost(
                Quantity(1e3, "frames/s"),
                Quantity(60.0 * self.error, "s"),
                Quantity(512.0, "MiB"),
                None if self.cpu_time is None else Quantity(self.cpu_time, "s"),
                None if self.cpu_time is None else Quantity(1.0, "s"),
                None if self.cpu_time is None else Quantity(1.0, "s"),
            ),
            budget=Budget(self.steps // 40, self.steps, 10 * self.steps),
            best_epoch=9,
        )

    def predictions(self) -> dict[str, np.ndarray]:
        """What a test predicts: frames are hard and easy for all alike, trainings better and worse."""
        fold = [] if self.fold is None else [self.fold]
        frames = np.random.default_rng([42, *fold] if fold else 42)
        own = np.random.default_rng([self.seed, len(self.architecture), round(1000 * self.error), self.train, *fold])
        size = self.num_test
        hard = frames.gamma(20.0, 1 / 20.0, size)
        level = self.error * (1 + self.scatter * own.standard_normal()) * KCAL_PER_MOL
        components = np.repeat(hard, 3 * self.num_atoms) * level
        forces = frames.normal(size=len(components))
        energy = frames.normal(scale=0.2, size=size)
        # a normal distribution with this mean absolute value
        error = own.normal(scale=np.sqrt(np.pi / 2), size=len(components)) * components
        energy_error = own.normal(scale=np.sqrt(np.pi / 2), size=size) * hard * level
        first = 3 * self.num_atoms * np.arange(size)
        names = sorted(self.molecules)
        if self.fold is not None and self.whole_molecules:
            names = names[self.fold :: 5]
        found = {
            "frame": self.split.test,
            "energy": energy,
            "predicted_energy": energy + energy_error,
            "forces": forces.astype(np.float32),
            "predicted_forces": (forces + error).astype(np.float32),
            "offset": np.zeros(size),
            "num_atoms": np.full(size, self.num_atoms),
            "energy_error": energy_error,
            "force_absolute_error": np.add.reduceat(np.abs(error), first),
            "force_squared_error": np.add.reduceat(error**2, first),
            "molecule": (np.arange(size) % len(names)).astype(np.int32),
            "molecules": np.array(names),
        }
        if self.time:
            found["time"] = 10 * np.arange(size)
        if self.test_sets:
            found["test_sets"] = np.array(list(self.test_sets))
            found["test_set"] = np.repeat(
                np.arange(len(self.test_sets)),
                [len(part) for part in np.array_split(np.arange(size), len(self.test_sets))],
            )
        return found


def predict_anew(run: RunFolder, arrays: Mapping[str, np.ndarray]) -> None:
    """Replace the predictions of a run by ones with these absolute errors of forces, and forget the errors before."""
    found = dict(arrays)
    if "forces" in found:
        factor = np.repeat(found["force_absolute_error"] / force_errors(found)[0], 3 * found["num_atoms"])
        found["forces"] = np.where(np.isnan(factor), np.nan, found["forces"])  # unknown labels
        found["predicted_forces"] = found["forces"] + factor * (arrays["predicted_forces"] - arrays["forces"])
        found["force_absolute_error"], found["force_squared_error"] = force_errors(found)
    np.savez(run.predictions, **found)
    record = Record.load(run.path)
    replace(record, metrics={**record.metrics, "test": {}}).save(run.path)


def trainings(folder: Path, number: int = 3, **settings) -> list[RunFolder]:
    """Several trainings of one architecture."""
    name = settings.get("architecture", "SchNet")
    return [
        Simulated(**{"seed": seed, **settings}).write(folder / f"{name}-{settings.get('train', 400)}-{seed}")
        for seed in range(number)
    ]
