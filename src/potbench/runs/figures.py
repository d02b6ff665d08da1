"""Draws the figures of a run into its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from potbench.reporting.comparison import Comparison, compare
from potbench.reporting.loss_figure import draw_loss
from potbench.reporting.parity_figure import draw_parity
from potbench.reporting.residuals_figure import draw_residuals
from potbench.reporting.style import png
from potbench.runs.folder import EvaluationFolder, RunFolder
from potbench.runs.metrics import read_curves
from potbench.runs.predictions import of_test_set
from potbench.runs.record import Record
from potbench.units import Quantity
from potbench.whole_file import whole_file


def draw_figures(run: RunFolder, record: Record) -> None:
    """Draw whatever the run has numbers for by now: loss curves, and parity and residuals of the test.

    Args:
        run: the folder; its curves and predictions are drawn.
        record: its record, with the errors of these predictions.
    """
    unit = record.data.units.energy
    loss = draw_loss(read_curves(run.metrics), unit)
    if loss is not None:
        _write(run.loss_figure, png(loss))
    if "test" in record.metrics:
        draw_predictions(run, record.metrics["test"], unit, record.test_sets)


def draw_predictions(
    folder: EvaluationFolder,
    metrics: Mapping[str, Quantity],
    unit: str,
    test_sets: Mapping[str, Mapping[str, Quantity]] = MappingProxyType({}),
) -> None:
    """Draw parity and residuals, where there are predictions: of the test, and of each named test set.

    Args:
        folder: of the evaluation.
        metrics: errors of its predictions.
        unit: of their energies.
        test_sets: named test set → errors of its predictions.
    """
    if not folder.predictions.is_file():
        return
    with np.load(folder.predictions, allow_pickle=False) as file:
        predictions = dict(file)
    _draw(folder, compare(predictions, metrics, unit))
    for name, errors in test_sets.items():
        _draw(folder.of_test_set(name), compare(of_test_set(predictions, name), errors, unit))


def _draw(folder: EvaluationFolder, comparisons: list[Comparison]) -> None:
    _write(folder.parity_figure, png(draw_parity(comparisons)))
    _write(folder.residuals_figure, png(draw_residuals(comparisons)))


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial:
        partial.write_bytes(content)
