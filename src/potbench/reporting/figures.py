"""Figures of one run: how it learned, what it predicts, and how far off it is.

Every function returns the figure it wrote. Sizes, fonts and colours are those of a printed page: one column is 3.35 in
wide, two are 6.9 in, and the colours stay apart for colour-blind readers (Okabe and Ito; viridis).
"""

from __future__ import annotations

import csv
import math
import textwrap
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from potbench.reporting.tables import four_decimals, three_digits
from potbench.structures import FloatArray
from potbench.units import KCAL_PER_MOL, reported

COLUMN, TWO_COLUMNS = 3.35, 6.9
"""Widths of a figure in inches."""

# Any: newer matplotlib types every key of a style as a literal
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
}
BLUE, ORANGE = "#0072B2", "#D55E00"
ROUND = (1, 2, 2.5, 5, 10)

CURVES = {
    "train/loss": "Loss",
    "validation/loss": "Loss",
    "validation/energy_mae": "Energy MAE\n({unit})",
    "validation/forces_mae": "Forces MAE\n({unit}/Å)",
}
"""Columns of metrics.csv that are drawn → the axis each is drawn on."""


class Comparison(NamedTuple):
    """One quantity, predicted and true.

    Attributes:
        quantity: its name.
        unit: its unit.
        counted: what one value belongs to.
        true: shape (values,), float64.
        predicted: shape (values,), float64.
    """

    quantity: str
    unit: str
    counted: str
    true: FloatArray
    predicted: FloatArray


def draw_all(run: Path, energy_unit: str = "eV") -> list[Path]:
    """Draw into RUN/figures whatever the run has so far, and return the files written.

    Args:
        run: folder of a run; metrics.csv gives loss.png, predictions.npz gives parity.png and residuals.png.
        energy_unit: unit of the energies in it.
    """
    loss, parity, residuals = (run / "figures" / f"{name}.png" for name in ("loss", "parity", "residuals"))
    written = []
    metrics = run / "metrics.csv"
    if metrics.exists() and read_curves(metrics):
        draw_loss(metrics, loss, energy_unit)
        written.append(loss)
    if (run / "predictions.npz").exists():
        with np.load(run / "predictions.npz") as predictions:
            arrays = dict(predictions)
        draw_parity(arrays, parity, energy_unit)
        draw_residuals(arrays, residuals, energy_unit)
        written += [parity, residuals]
    return written


def draw_loss(metrics_csv: Path, file: Path, energy_unit: str = "eV") -> Figure:
    """Draw losses and validation errors over the epochs, each kind on its own logarithmic axis.

    Args:
        metrics_csv: what Lightning's CSVLogger wrote.
        file: PNG to write.
        energy_unit: unit of the energies.
    """
    curves = read_curves(metrics_csv)
    if not curves:
        raise ValueError(
            f"{metrics_csv} has nothing to draw, expected positive numbers in one of the columns {', '.join(CURVES)}. "
            "Train at least one epoch, with a logger of class_path lightning.pytorch.loggers.CSVLogger."
        )
    labels = list(dict.fromkeys(label for name, label in CURVES.items() if name in curves))
    last = max(epoch for values in curves.values() for epoch in values)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(COLUMN, 0.5 + 1.4 * len(labels)), layout="constrained")
        panels = figure.subplots(len(labels), sharex=True, squeeze=False)[:, 0]
        for label, axes in zip(labels, panels, strict=True):
            for name in (name for name in curves if CURVES[name] == label):
                epochs, values = np.array(sorted(curves[name].items())).T
                part = name.partition("/")[0]
                # of one point a line shows nothing; the loss of validation is the noisier, so that of train lies on top
                marker = "o" if len(epochs) <= 30 else ""
                color, zorder = (BLUE, 3) if part == "train" else (ORANGE, 2)
                axes.plot(epochs, values, color=color, zorder=zorder, label=part, marker=marker)
            axes.set(ylabel=label.format(unit=reported(energy_unit)[0]), yscale="log")
            _label_log_axis(axes)
        panels[0].legend()
        panels[-1].set(xlabel="Epoch", xlim=(0, last + max(0.5, 0.02 * last)))
        panels[-1].xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=ROUND))
        return _save(figure, file)


def draw_parity(predictions: Mapping[str, FloatArray], file: Path, energy_unit: str = "eV") -> Figure:
    """Draw predicted against true energies, and force components where there are any.

    Args:
        predictions: what predictions.npz holds, in eV and eV/Å.
        file: PNG to write.
        energy_unit: unit of the energies, if not eV.
    """
    comparisons = compare(predictions, energy_unit)
    with mpl.rc_context(STYLE):
        width = COLUMN if len(comparisons) == 1 else TWO_COLUMNS
        # compressed is constrained layout for square panels: the colour bars end up as high as these
        figure = Figure(figsize=(width, 2.9), layout="compressed")
        for axes, comparison in zip(figure.subplots(1, len(comparisons), squeeze=False)[0], comparisons, strict=True):
            _draw_parity(axes, comparison)
        return _save(figure, file)


def draw_residuals(predictions: Mapping[str, FloatArray], file: Path, energy_unit: str = "eV") -> Figure:
    """Draw histograms of predicted − true: left what is usual, right (logarithmic counts) what is rare.

    Args:
        predictions: what predictions.npz holds, in eV and eV/Å.
        file: PNG to write.
        energy_unit: unit of the energies, if not eV.
    """
    comparisons = compare(predictions, energy_unit)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(TWO_COLUMNS, 0.2 + 2.0 * len(comparisons)), layout="constrained")
        rows = figure.subplots(len(comparisons), 2, squeeze=False)
        for (linear, logarithmic), comparison in zip(rows, comparisons, strict=True):
            residuals = comparison.predicted - comparison.true
            residuals = residuals[np.isfinite(residuals)]
            low, high = _window(residuals, reach=6)
            num_outside = int(np.count_nonzero((residuals < low) | (residuals > high)))
            # twice the bins of Rice's rule, since tails take up most of the axis
            num_bins = int(np.clip(4 * np.cbrt(len(residuals)), 9, 120))
            counts, edges = np.histogram(residuals, num_bins, range=(low, high))
            for axes in (linear, logarithmic):
                axes.stairs(counts, edges, fill=True, color=BLUE)
                axes.axvline(0, color="black", linewidth=0.6)
                axes.set_xlabel(f"Predicted − true {comparison.quantity} ({comparison.unit})")
                axes.set_ylabel(f"{comparison.counted} per bin")
                axes.xaxis.set_major_locator(MaxNLocator(6, steps=ROUND))
            highest = max(counts.max(), 1)
            linear.set(xlim=(low, high), ylim=(0, 1.05 * highest))
            logarithmic.set(xlim=(low, high), ylim=(0.7, 1.5 * highest), yscale="log")
            _label_log_axis(logarithmic)
            linear.set_title(", ".join(_errors(comparison)), loc="left")
            largest = [f"Largest {three_digits(np.abs(residuals).max())} {comparison.unit}"] if len(residuals) else []
            unseen = ", ".join(largest + _unseen(comparison, num_outside))
            logarithmic.set_title(textwrap.fill(unseen, width=50), loc="left")
        return _save(figure, file)


def read_curves(metrics_csv: Path) -> dict[str, dict[int, float]]:
    """Column → epoch → value, of the columns that are drawn and are not empty.

    Args:
        metrics_csv: what Lightning's CSVLogger wrote: train and validation values of an epoch on rows of their own.
    """
    curves: dict[str, dict[int, float]] = defaultdict(dict)
    with metrics_csv.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            for name in CURVES:
                # a logarithmic axis has no place for zero, nor for what diverged
                if row.get("epoch") and 0 < float(row.get(name) or 0) < math.inf:
                    # Lightning counts from 0: what stands at 0 was measured after one epoch
                    curves[name][int(row["epoch"]) + 1] = float(row[name])
    return dict(curves)


def compare(predictions: Mapping[str, FloatArray], energy_unit: str = "eV") -> list[Comparison]:
    """Energies in the unit of reports, without reference energies; force components in kcal/mol/Å where there are any.

    Args:
        predictions: what predictions.npz holds: energy, predicted_energy and offset of shape (frames,) in eV, and
            perhaps forces and predicted_forces of shape (components,) in eV/Å.
        energy_unit: unit of the energies, if not eV.
    """
    unit, size = reported(energy_unit)
    true, predicted = ((predictions[name] - predictions["offset"]) / size for name in ("energy", "predicted_energy"))
    comparisons = [Comparison("energy", unit, "Frames", true, predicted)]
    if "forces" in predictions:
        true, predicted = (
            predictions[name].astype(np.float64) / KCAL_PER_MOL for name in ("forces", "predicted_forces")
        )
        comparisons.append(Comparison("force", "kcal/mol/Å", "Components", true, predicted))
    return comparisons


def measure(comparison: Comparison) -> dict[str, float]:
    """MAE and RMSE in the unit of the comparison, and R² (NaN where the true values do not differ)."""
    residuals = comparison.predicted - comparison.true
    spread = np.sum((comparison.true - comparison.true.mean()) ** 2)
    return {
        "mae": float(np.abs(residuals).mean()),
        "rmse": float(np.sqrt(np.mean(residuals**2))),
        "r2": float(1 - np.sum(residuals**2) / spread) if spread else math.nan,
    }


def _draw_parity(axes: Axes, comparison: Comparison) -> None:
    finite = np.isfinite(comparison.predicted)
    true, predicted = comparison.true[finite], comparison.predicted[finite]
    # all that is true, unless absurd, and the bulk of what is predicted
    limits = _window(true, reach=10), _window(predicted, reach=3)
    low, high = min(limits)[0], max(high for _, high in limits)
    shown = (true >= low) & (true <= high) & (predicted >= low) & (predicted <= high)
    if len(true) <= 2000:
        axes.scatter(true[shown], predicted[shown], s=10, color=BLUE, alpha=0.6, linewidths=0)
    elif shown.any():
        extent = (low, high, low, high)
        cells = axes.hexbin(true[shown], predicted[shown], gridsize=80, extent=extent, mincnt=1, bins="log")
        cells.set_linewidth(0.1)
        bar = axes.figure.colorbar(cells, ax=axes, fraction=0.05, pad=0.02)
        bar.set_label(f"{comparison.counted} per cell")
    axes.plot((low, high), (low, high), color="black", linewidth=0.6, linestyle="--")
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=ROUND))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=ROUND))
    axes.set_xlabel(f"True {comparison.quantity} ({comparison.unit})")
    axes.set_ylabel(f"Predicted {comparison.quantity} ({comparison.unit})")
    axes.set_title("Energy without reference energies" if comparison.quantity == "energy" else "Force components")
    text = "\n".join([*_errors(comparison), *_unseen(comparison, int(np.count_nonzero(~shown)))])
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
    axes.text(0.03, 0.97, text, transform=axes.transAxes, va="top", fontsize=7, bbox=box)


def _errors(comparison: Comparison) -> list[str]:
    errors = measure(comparison)
    texts = [f"{name.upper()} {three_digits(errors[name])} {comparison.unit}" for name in ("mae", "rmse")]
    # the record has no R² of forces
    if comparison.quantity == "energy" and not math.isnan(errors["r2"]):
        texts.append(f"R² {four_decimals(errors['r2'])}")
    return texts


def _unseen(comparison: Comparison, num_outside: int) -> list[str]:
    num_lost = int(np.count_nonzero(~np.isfinite(comparison.predicted)))
    counts = {"outside": num_outside, "not finite": num_lost}
    return [f"{num:,} of {len(comparison.true):,} {what}" for what, num in counts.items() if num]


def _window(values: FloatArray, reach: float) -> tuple[float, float]:
    """Limits of an axis: all values, but none further from the quartiles than reach × their distance."""
    if not len(values):
        return -1.0, 1.0
    low, first, third, high = np.quantile(values, (0, 0.25, 0.75, 1))
    if third > first:
        away = reach * (third - first)
        near = values[(values >= first - away) & (values <= third + away)]
        low, high = near.min(), near.max()
    # values that differ by rounding alone are all the same
    margin = 0.03 * (high - low) if high - low > 1e-9 * max(abs(low), abs(high)) else 1.0
    return float(low - margin), float(high + margin)


def _label_log_axis(axes: Axes) -> None:
    """Plain numbers where an axis spans less than two decades: powers of ten alone would leave it bare."""
    low, high = axes.get_ylim()
    if high < 4 * low:
        low, high = axes.set_ylim(math.sqrt(low * high) / 2, math.sqrt(low * high) * 2)
    if high < 100 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())


def _save(figure: Figure, file: Path) -> Figure:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=300)
    return figure
