"""Errors of each test frame, read from the predictions of a run: the arrays that are needed, and no others."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from potbench.errors import RecordError
from potbench.runs.folder import RunFolder
from potbench.runs.predictions import OF_ATOMS, OF_COMPONENTS, in_order
from potbench.runs.predictions_file import read_predictions
from potbench.structures import BoolArray, Column, FloatArray, IntArray
from potbench.units import KCAL_PER_MOL, MEV, reported

ALL = ""
"""Name of the set of all test frames, among those of named test sets."""


@dataclass(frozen=True, eq=False)
class TestFrames:
    """Test frames, as all runs have them that were tested on the same.

    Args:
        frames: shape (frames,), indices into the store, in their order.
        num_atoms: shape (frames,).
        molecule: shape (frames,), index of `molecules`.
        molecules: names.
        time: shape (frames,), place in a trajectory; None where it is not known.
        test_set: shape (frames,), index of `test_sets`, −1 for none; None without named test sets.
        test_sets: names.
        energy: shape (frames,), true energy in eV, as the store has it.
        digest: sha256 over frames and test sets.
        digest_of_frames: over the frames alone.
    """

    frames: IntArray
    num_atoms: IntArray
    molecule: IntArray
    molecules: tuple[str, ...]
    time: IntArray | None
    test_set: IntArray | None
    test_sets: tuple[str, ...]
    energy: FloatArray
    digest: str
    digest_of_frames: str

    __test__ = False  # pytest would take it for a test

    def of(self, test_set: str) -> BoolArray:
        """Return which frames are in a named test set, or in all: shape (frames,)."""
        if test_set == ALL or self.test_set is None:
            return np.ones(len(self.frames), dtype=bool)
        chosen: BoolArray = self.test_set == self.test_sets.index(test_set)
        return chosen


@dataclass(frozen=True, eq=False)
class RunErrors:
    """Errors of a run on each of its test frames.

    Args:
        test: the frames.
        energy: shape (frames,), predicted − true, in eV; NaN where the label is unknown.
        forces_absolute: shape (frames,), sum over the components of a frame, in eV/Å; None without forces.
        forces_squared: shape (frames,), likewise, in (eV/Å)².
        nearest: shape (frames,), distance to the nearest training frame in Å: infinite where none is of its
            composition, NaN where it was not measured; None in early predictions.
    """

    test: TestFrames
    energy: FloatArray
    forces_absolute: FloatArray | None
    forces_squared: FloatArray | None
    nearest: FloatArray | None = None


class Reader:
    """Reads the errors of runs; what runs have in common is held once.

    Thousands of runs of a study share their test frames, and forces are not kept.
    """

    def __init__(self) -> None:
        self._shared: dict[tuple[str, str], TestFrames] = {}

    def read(self, run: RunFolder, data: str) -> RunErrors:
        """Read the errors of a run, in the order of the frames, whatever processes predicted them in.

        Args:
            run: the folder.
            data: fingerprint of the data, whose frames have the same numbers as those of others.

        Raises:
            RecordError: the predictions are damaged, or an earlier version wrote them.
            OSError: they cannot be opened.
        """
        predicted = read_predictions(run.predictions)
        if "energy_error" not in predicted:
            raise RecordError(
                f"{run.predictions.name} is of an earlier version, without the errors of each frame; test writes it "
                "anew"
            )
        found = in_order(
            {name: values for name, values in predicted.items() if name not in (*OF_ATOMS, *OF_COMPONENTS)}
        )
        return RunErrors(
            self._frames(found, data),
            found["energy_error"],
            found.get("force_absolute_error"),
            found.get("force_squared_error"),
            found.get("nearest"),
        )

    def _frames(self, found: dict[str, Column], data: str) -> TestFrames:
        names = tuple(found["test_sets"].tolist()) if "test_sets" in found else ()
        sets = {name: found["frame"][found["test_set"] == place] for place, name in enumerate(names)}
        key = digest(found["frame"], sets)
        return self._shared.setdefault(
            (data, key),
            TestFrames(
                found["frame"],
                found["num_atoms"],
                found["molecule"],
                tuple(found["molecules"].tolist()),
                found.get("time"),
                found.get("test_set"),
                names,
                found["energy"],
                key,
                digest(found["frame"], {}),
            ),
        )


def digest(frames: IntArray, test_sets: dict[str, IntArray]) -> str:
    """Return a sha256, in hexadecimal, over test frames and named test sets, whatever their order."""
    found = hashlib.sha256()
    for name, indices in [("", frames), *sorted(test_sets.items())]:
        found.update(f"{name} {len(indices)} ".encode())
        found.update(np.sort(indices).astype("<i8").tobytes())
    return found.hexdigest()


class Metric(NamedTuple):
    """An error that tables show.

    Attributes:
        name: as records have it.
        text: as the page has it.
        of: errors of each frame and their weights, in the units of the page; the energy unit is that of the store.
        squared: whether the errors of frames are squares, and the root is taken of their mean.
        per: what follows the unit of energy.
    """

    name: str
    text: str
    of: Callable[[RunErrors, float], tuple[FloatArray | None, FloatArray]]
    squared: bool = False
    per: str = ""

    @property
    def is_of_forces(self) -> bool:
        """Tell whether it is an error of forces."""
        return self.name.startswith("forces")

    def unit(self, energy_unit: str) -> str:
        """Return the unit of the error, kcal/mol/Å: of forces, whatever the unit of the energies."""
        return ("kcal/mol" if self.is_of_forces else reported(energy_unit)[0]) + self.per

    def mean(self, errors: RunErrors, size: float) -> float | None:
        """Return the error over all frames with known labels, as `of` has it; None without any."""
        of_frames, weights = self.of(errors, size)
        if of_frames is None or np.isnan(of_frames).all():
            return None
        known = ~np.isnan(of_frames)
        mean = float(np.average(of_frames[known], weights=weights[known]))
        return math.sqrt(mean) if self.squared else mean

    def in_mev(self, value: float, energy_unit: str) -> tuple[float, str] | None:
        """Return an error of energies in meV, with that unit; None where it has no energy in eV."""
        if self.is_of_forces or energy_unit != "eV":
            return None
        return value * KCAL_PER_MOL / MEV, "meV" + self.per


def _forces_absolute(errors: RunErrors, size: float) -> tuple[FloatArray | None, FloatArray]:
    weights = 3.0 * errors.test.num_atoms
    absolute = errors.forces_absolute
    return None if absolute is None else absolute / weights / KCAL_PER_MOL, weights


def _forces_squared(errors: RunErrors, size: float) -> tuple[FloatArray | None, FloatArray]:
    weights = 3.0 * errors.test.num_atoms
    squared = errors.forces_squared
    return None if squared is None else squared / weights / KCAL_PER_MOL**2, weights


def _energy_absolute(errors: RunErrors, size: float) -> tuple[FloatArray | None, FloatArray]:
    return np.abs(errors.energy) / size, np.ones(len(errors.energy))


def _energy_squared(errors: RunErrors, size: float) -> tuple[FloatArray | None, FloatArray]:
    return (errors.energy / size) ** 2, np.ones(len(errors.energy))


def _energy_per_atom(errors: RunErrors, size: float) -> tuple[FloatArray | None, FloatArray]:
    return np.abs(errors.energy) / errors.test.num_atoms / size, np.ones(len(errors.energy))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("forces_mae", "forces MAE", _forces_absolute, per="/Å"),
        Metric("forces_rmse", "forces RMSE", _forces_squared, squared=True, per="/Å"),
        Metric("energy_mae", "energy MAE", _energy_absolute),
        Metric("energy_rmse", "energy RMSE", _energy_squared, squared=True),
        Metric("energy_mae_per_atom", "energy MAE per atom", _energy_per_atom, per="/atom"),
    )
}
