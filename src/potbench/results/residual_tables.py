"""How predictions differ from true values: quantiles of the differences."""

from __future__ import annotations

import numpy as np

from potbench.reporting.comparison import Comparison, compare
from potbench.reporting.page.content import Column, PageTable, Value
from potbench.reporting.rounding import three_digits
from potbench.results.predicted import predictions, typical
from potbench.results.row import Row
from potbench.results.table import Table
from potbench.structures import FloatArray

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
COLUMNS = ("Mean", "Standard deviation", "Smallest", *(f"{100 * quantile:g} %" for quantile in QUANTILES), "Largest")


def residual_tables(table: Table, rows: list[Row]) -> list[PageTable]:
    """Return a table for energies and one for force components, where there are any.

    Args:
        table: the dataset.
        rows: architectures, of each of which the training in the middle is read.
    """
    found: dict[str, list[tuple[str, Comparison]]] = {}
    for row in rows:
        member = typical(row)
        for comparison in compare(predictions(member), member.known.metrics["test"], table.group.energy_unit):
            if len(comparison.residuals):
                found.setdefault(comparison.name, []).append((row.architecture, comparison))
    return [
        PageTable(
            f"Predicted − true: {name}, {table.title}",
            (Column("Architecture"), *(Column(column, shown[0][1].unit) for column in COLUMNS)),
            tuple((Value(architecture), *_values(each.residuals)) for architecture, each in shown),
        )
        for name, shown in found.items()
    ]


def _values(residuals: FloatArray) -> list[Value]:
    numbers = (
        residuals.mean(),
        residuals.std(),
        residuals.min(),
        *np.quantile(residuals, QUANTILES),
        residuals.max(),
    )
    return [Value(three_digits(float(number)).replace("-", "−"), float(number)) for number in numbers]
