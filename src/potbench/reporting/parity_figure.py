"""Predicted against true values."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import viridis
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from potbench.reporting.comparison import Comparison
from potbench.reporting.style import BLUE, COLUMN, LOG_TICKS, TWO_COLUMNS, add_heading, limits, round_ticks, style

TITLES = {"energy": "Energy without reference energies", "force": "Force components"}
CLOUD = ListedColormap(viridis(np.linspace(0.2, 1, 256)))
"""Seen on white and on black."""
MOST_POINTS = 2000
"""More of them would cover each other: their density is drawn instead."""


def draw_parity(comparisons: Sequence[Comparison], about: str = "") -> Figure:
    """Draw predicted against true values, a panel for each property, with the errors above it.

    Args:
        comparisons: each property.
        about: names of data and model, and the number of frames, above the figure.
    """
    width = COLUMN if len(comparisons) == 1 else TWO_COLUMNS
    with style():
        # compressed is constrained layout for square panels: the color bars end up as high as these
        figure = Figure(figsize=(width, 3.2), layout="compressed")
        for axes, comparison in zip(figure.subplots(1, len(comparisons), squeeze=False)[0], comparisons, strict=True):
            _draw(axes, comparison)
        add_heading(figure, about)
    return figure


def _draw(axes: Axes, comparison: Comparison) -> None:
    finite = np.isfinite(comparison.predicted)
    true, predicted = comparison.true[finite], comparison.predicted[finite]
    # all that is true, unless absurd, and the bulk of what is predicted
    both = limits(true, reach=10), limits(predicted, reach=3)
    low, high = min(both)[0], max(high for _, high in both)
    shown = (true >= low) & (true <= high) & (predicted >= low) & (predicted <= high)
    if len(true) <= MOST_POINTS:
        axes.scatter(true[shown], predicted[shown], s=10, color=BLUE, alpha=0.6, linewidths=0)
    elif shown.any():
        extent = (low, high, low, high)
        cells = axes.hexbin(
            true[shown], predicted[shown], gridsize=80, extent=extent, mincnt=1, bins="log", cmap=CLOUD, rasterized=True
        )
        cells.set_linewidth(0.1)
        bar = axes.figure.colorbar(cells, ax=axes, fraction=0.05, pad=0.02, format=LOG_TICKS)
        bar.set_label(f"{comparison.counted} per cell")
    axes.plot((low, high), (low, high), color="black", linewidth=0.6, linestyle="--")
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(round_ticks())
    axes.set_xlabel(f"True {comparison.name} ({comparison.unit})")
    axes.set_ylabel(f"Predicted {comparison.name} ({comparison.unit})")
    texts = [*comparison.errors, *comparison.unseen(int(np.count_nonzero(~shown)))]
    # above the panel they hide no point, and none is broken between its name and its unit
    errors = textwrap.fill(", ".join(text.replace(" ", "\u00a0") for text in texts), 48)
    axes.set_title(f"{TITLES[comparison.name]}\n{errors}", fontsize=7)
