"""One color and one marker for each architecture, the same in all figures of a page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

# Okabe and Ito, without the yellow that paper does not show
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", "p", ">", "h", "*", "d", "H", "8")
LIGHT_GRAY = "#C8C8C8"
LARGER = {"*": 1.5, "P": 1.15, "X": 1.15, "d": 1.2, "D": 0.9}
"""How much larger these markers are drawn, so that all look alike in size."""


class Mark(NamedTuple):
    """How an architecture is drawn.

    Attributes:
        color: of its points and lines.
        marker: shape of its points.
    """

    color: str
    marker: str

    def size(self, points: float) -> float:
        """Return the size of the marker that looks as large as a circle of this size."""
        return points * LARGER.get(self.marker, 1.0)


Marks = Mapping[str, Mark]


def assign_marks(names: Iterable[str]) -> dict[str, Mark]:
    """Return name → color and marker, by the order of the names; the shape alone tells fifteen of them apart.

    Args:
        names: of all architectures of a page, in its order; given to each figure, all figures look alike.
    """
    return {
        name: Mark(COLORS[index % len(COLORS)], MARKERS[index % len(MARKERS)])
        for index, name in enumerate(dict.fromkeys(names))
    }


def marks_for(names: Iterable[str], marks: Marks | None) -> dict[str, Mark]:
    """Return the marks of names: those that were assigned, and others for names without one.

    Args:
        names: what a figure shows.
        marks: of the page; None for those of this figure alone.
    """
    found = {} if marks is None else dict(marks)
    assigned = assign_marks([*found, *names])
    return {name: found.get(name, assigned[name]) for name in dict.fromkeys(names)}


def wrapped(name: str, width: int) -> str:
    """Break a long name into lines: at spaces, hyphens and underscores, else where the line ends."""
    # a character that no name holds marks where a line may end
    spaced = name.replace("_", "_\u200b").replace("/", "/\u200b").replace("\u200b", " \u200b")
    lines = textwrap.wrap(spaced, width + 1)
    return "\n".join(line.replace(" \u200b", "").replace("\u200b", "").strip() for line in lines) or name


def num_lines(name: str) -> int:
    """Return how many lines a name has."""
    return name.count("\n") + 1


def legend_height(labels: Iterable[str], width: float) -> float:
    """Return how many inches a legend below the panels takes.

    Args:
        labels: of its entries.
        width: of the figure, in inches.
    """
    labels = list(labels)
    heights = [num_lines(label) for label in labels]
    columns = _columns(labels, width)
    rows = max(1, -(-len(heights) // columns))
    # entries run down the columns
    return 0.1 + 0.15 * max((sum(heights[start : start + rows]) for start in range(0, len(heights), rows)), default=0)


def legend_below(figure: Figure, handles: Sequence[Line2D], width: float) -> None:
    """Put a legend under the panels, in as many columns as the width holds.

    Args:
        figure: in constrained layout, which makes room for it.
        handles: labeled.
        width: of the figure, in inches.
    """
    if handles:
        columns = _columns([str(handle.get_label()) for handle in handles], width)
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=7, columnspacing=1.2)


def _columns(labels: Sequence[str], width: float) -> int:
    longest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    return max(1, min(len(labels), int(width / (0.4 + 0.056 * longest))))
