"""Draws the figures of a run into its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from potbench.reporting.calibration_figure import CalibrationShown, StateShown, draw_calibration
from potbench.reporting.comparison import Comparison, compare
from potbench.reporting.loss_figure import draw_loss
from potbench.reporting.parity_figure import draw_parity
from potbench.reporting.residuals_figure import draw_residuals
from potbench.reporting.sensitivity_figure import draw_sensitivity
from potbench.reporting.style import png
from potbench.runs.folder import EvaluationFolder, RunFolder
from potbench.runs.metrics import read_curves
from potbench.runs.predictions import of_test_set
from potbench.runs.predictions_file import read_predictions
from potbench.runs.recipe import potential_name
from potbench.runs.record import Record
from potbench.runs.spreads import judge, uncertainties_in
from potbench.statistics.calibration import coverage_curve, error_by_spread
from potbench.structures import FloatArray
from potbench.units import Quantity
from potbench.whole_file import whole_file


def draw_figures(run: RunFolder, record: Record) -> None:
    """Draw whatever the run has numbers for by now: loss curves, and parity, residuals and sensitivity of the test.

    Args:
        run: the folder; its curves and predictions are drawn.
        record: its record, with the errors of these predictions.

    Raises:
        RecordError: curves or predictions are damaged.
    """
    unit = record.data.units.energy
    split = record.split
    frames = f"{split.train:,} training and {split.validation:,} validation frames"
    loss = draw_loss(read_curves(run.metrics), unit, describe(run, record.data.name, frames), record.best_epoch)
    if loss is not None:
        _write(run.loss_figure, png(loss))
    if "test" in record.metrics:
        draw_predictions(run, record.metrics["test"], unit, record.test_sets, describe(run, record.data.name))


def draw_predictions(
    folder: EvaluationFolder,
    metrics: Mapping[str, Quantity],
    unit: str,
    test_sets: Mapping[str, Mapping[str, Quantity]] = MappingProxyType({}),
    about: str = "",
) -> None:
    """Draw parity, residuals and sensitivity, where there are predictions.

    Those of each named test set have parity and residuals of their own.

    Args:
        folder: of the evaluation.
        metrics: errors of its predictions.
        unit: of their energies.
        test_sets: named test set → errors of its predictions.
        about: names of model and data.

    Raises:
        RecordError: the predictions are damaged.
    """
    if not folder.predictions.is_file():
        return
    predictions = read_predictions(folder.predictions)
    _draw(folder, compare(predictions, metrics, unit), f"{about}{_frames(predictions)}")
    if "atomic_energies" in predictions:
        _write(folder.sensitivity_figure, _sensitivity(predictions, f"{about}{_frames(predictions)}", unit))
    shown = shown_calibrations(predictions, unit)
    if shown:
        _write(folder.calibration_figure, png(draw_calibration(shown, f"{about}{_frames(predictions)}")))
    for name, errors in test_sets.items():
        part = of_test_set(predictions, name)
        _draw(folder.of_test_set(name), compare(part, errors, unit), f"{about}{_frames(part)} of {name}")


def shown_calibrations(predictions: Mapping[str, FloatArray], unit: str) -> list[CalibrationShown]:
    """Return what a figure shows of the spreads of an ensemble, of energies and force components.

    Args:
        predictions: of a test; nothing is shown of those without spreads.
        unit: of the energies.
    """
    shown = []
    judged = judge(predictions, unit)
    for name, found in uncertainties_in(predictions, unit).items():
        numbers = judged[name]
        factors = [1.0] if numbers.after is None else [1.0, numbers.after.factor]
        states = [
            StateShown(
                *error_by_spread(found, factor)[:2],
                *coverage_curve(found, factor),
                (numbers.before if factor == 1 or numbers.after is None else numbers.after).miscalibration_area,
            )
            for factor in factors
        ]
        shown.append(CalibrationShown(name, numbers.unit, numbers.values, states[0], states[1] if states[1:] else None))
    return shown


def describe(run: RunFolder, data: str, frames: str = "") -> str:
    """Return what figures are about: classes of the potential, name of the data, and frames.

    Args:
        run: the folder, whose config names the potential.
        data: its name.
        frames: how many, and which.
    """
    potential = potential_name(run.config.read_text(encoding="utf-8")) if run.config.is_file() else ""
    return f"{f'{potential}: ' if potential else ''}{data}, {frames}"


def _sensitivity(predictions: Mapping[str, FloatArray], about: str, unit: str) -> bytes:
    predicted, true = (
        predictions[name].reshape(-1, 3) if name in predictions else None for name in ("predicted_forces", "forces")
    )
    numbers, energies = predictions["atomic_numbers"].astype(np.int64), predictions["atomic_energies"]
    return png(draw_sensitivity(numbers, energies, predicted, true, about, unit))


def _frames(predictions: Mapping[str, FloatArray]) -> str:
    return f"{len(predictions['energy']):,} test frames"


def _draw(folder: EvaluationFolder, comparisons: list[Comparison], about: str) -> None:
    _write(folder.parity_figure, png(draw_parity(comparisons, about)))
    _write(folder.residuals_figure, png(draw_residuals(comparisons, about)))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial:
        partial.write_bytes(content)
