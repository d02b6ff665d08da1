"""Every architecture against every other: ratios of their errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from potbench.reporting.marks import num_lines, wrapped
from potbench.reporting.rounding import three_digits
from potbench.reporting.style import COLUMN, GRAY, TWO_COLUMNS, style

# verdict on the row → fill, sign, words of the legend
LOOKS = {
    "better": ("#A6CEE3", "<", "row is better"),
    "worse": ("#F6C9A0", ">", "row is worse"),
    "equal": ("#E4E4E4", "=", "equal"),
    "undecided": ("#FFFFFF", "?", "undecided"),
}
TURNED = {"better": "worse", "worse": "better"}
MOST_WITH_INTERVALS = 7


class RatioShown(NamedTuple):
    """The error of one architecture over that of another.

    Attributes:
        ratio: of the errors.
        low: lower end of its interval; None for none.
        high: upper end.
        verdict: better, worse, equal, undecided; what is none of them counts as undecided.
    """

    ratio: float
    low: float | None
    high: float | None
    verdict: str

    @property
    def turned(self) -> RatioShown:
        """Return the error of the other over that of this one."""
        low, high = (None if end is None else 1 / end if end else float("inf") for end in (self.high, self.low))
        ratio = 1 / self.ratio if self.ratio else float("inf")
        return RatioShown(ratio, low, high, TURNED.get(self.verdict, self.verdict))


def draw_ratios(names: Sequence[str], ratios: dict[tuple[str, str], RatioShown]) -> Figure:
    """Draw a matrix: error of the row over error of the column, with the interval where there is room.

    Args:
        names: of rows and columns.
        ratios: (row, column) → ratio; one of the two of a pair is enough.
    """
    labels = [wrapped(name, 28) for name in names]
    num = max(len(names), 1)
    width = COLUMN if num <= 3 and max(map(len, names), default=0) <= 10 else TWO_COLUMNS
    longest = max((len(line) for label in labels for line in label.split("\n")), default=1)
    lines = max(map(num_lines, labels), default=1)
    cell = (width - 0.25 - 0.058 * longest) / num
    tall = max(0.13 * lines + 0.08, 0.36 if num <= MOST_WITH_INTERVALS else 0.26)
    # headings that are too long for their cell stand on end
    upright = longest * 0.056 > cell
    heading = 0.1 + (0.056 * longest if upright else 0.13 * lines)
    with style():
        figure = Figure(figsize=(width, 0.55 + heading + tall * num), layout="constrained")
        axes = figure.subplots()
        for row, first in enumerate(names):
            for column, second in enumerate(names):
                _draw_cell(axes, row, column, _find(ratios, first, second), num <= MOST_WITH_INTERVALS)
        axes.set(xlim=(0, num), ylim=(num, 0))
        axes.set_xticks([index + 0.5 for index in range(len(names))], labels, fontsize=7, rotation=90 * upright)
        axes.set_yticks([index + 0.5 for index in range(len(names))], labels, fontsize=7)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        shown = [key for key in LOOKS if any(_look(ratio.verdict) == key for pair in ratios.values()
                                             for ratio in (pair, pair.turned))]  # fmt: skip
        handles = [
            Line2D([], [], marker="s", linestyle="", markersize=7, markerfacecolor=LOOKS[key][0],
                   markeredgecolor=GRAY, markeredgewidth=0.5, label=f"{LOOKS[key][1]}  {LOOKS[key][2]}")
            for key in shown
        ]  # fmt: skip
        if handles:
            columns = len(handles) if width > COLUMN else 2
            figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=7,
                          title="Error of the row / error of the column", title_fontsize=7)  # fmt: skip
    return figure


def _find(ratios: dict[tuple[str, str], RatioShown], row: str, column: str) -> RatioShown | None:
    if (row, column) in ratios:
        return ratios[row, column]
    return ratios[column, row].turned if (column, row) in ratios else None


def _look(verdict: str) -> str:
    return verdict if verdict in LOOKS else "undecided"


def _draw_cell(axes: Axes, row: int, column: int, shown: RatioShown | None, intervals: bool) -> None:
    fill, sign, _ = LOOKS[_look(shown.verdict)] if shown else ("none", "", "")
    axes.add_patch(Rectangle((column, row), 1, 1, facecolor=fill, edgecolor="#C8C8C8", linewidth=0.5))
    if shown is None:
        return
    if intervals and shown.low is not None and shown.high is not None:
        axes.text(column + 0.5, row + 0.3, f"{sign} {three_digits(shown.ratio)}", ha="center", va="center", fontsize=7)
        ends = f"{three_digits(shown.low)}–{three_digits(shown.high)}"
        axes.text(column + 0.5, row + 0.72, ends, ha="center", va="center", fontsize=6)
    else:
        text = f"{sign} {shown.ratio:.2g}" if shown.ratio < 10 else f"{sign} {shown.ratio:,.0f}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7)
