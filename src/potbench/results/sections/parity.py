"""Predicted against true values, and histograms of their differences."""

from __future__ import annotations

import math

from potbench.reporting.comparison import compare
from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.parity_figure import draw_parity
from potbench.reporting.residuals_figure import draw_residuals
from potbench.reporting.rounding import three_digits
from potbench.results.findings import Findings
from potbench.results.other_errors import STRONG, error_of_differences, vector_errors
from potbench.results.predicted import predictions, typical
from potbench.results.residual_tables import residual_tables
from potbench.results.row import Row
from potbench.results.table import Table
from potbench.results.words import plural
from potbench.units import KCAL_PER_MOL, reported

MOST_SHOWN = 4
"""Architectures on a page: each figure takes a second and up to 200 kB."""
FEW_SHOWN = 2
"""Of a page of several datasets."""


def section(findings: Findings) -> Section | None:
    """Return parity and residuals of the middle training of each architecture, on the first dataset."""
    if not findings.main:
        return None
    table = findings.main[0]
    rows = [row for row in table.rows.values() if row.finished]
    blocks: list[Block] = []
    number = MOST_SHOWN if len(findings.main) == 1 else FEW_SHOWN
    for place, row in enumerate(rows[:number]):
        member = typical(row)
        predicted = predictions(member)
        comparisons = compare(predicted, member.known.metrics["test"], table.group.energy_unit)
        of = f"{row.architecture}, {table.group.title}, {len(predicted['frame']):,} test frames"
        blocks.append(
            PageFigure(
                f"parity_{place + 1}",
                f"Predicted against true: {of}",
                f"Energies without reference energies and force components, predicted by {row.architecture}, against "
                "the true ones; on the dashed line both are equal.",
                draw_parity(comparisons, of),
            )
        )
        blocks.append(
            PageFigure(
                f"residuals_{place + 1}",
                f"Predicted − true: {of}",
                "Histograms of the differences, left with a linear axis, right with a logarithmic one.",
                draw_residuals(comparisons, of),
            )
        )
    if not blocks:
        return None
    text = "Of each architecture the training in the middle, by its error."
    left = len(rows) - number
    more = f" {plural(left, 'more architecture')}" if left > 0 else ""
    others = f" {plural(len(findings.main) - 1, 'more dataset')}" if len(findings.main) > 1 else ""
    if more or others:
        text += f" Not shown here are{' and'.join(filter(None, [more, others]))}: each run has its own figures."
    return Section(
        "parity", "Parity and residuals", (text, *blocks, *residual_tables(table, rows), _other_errors(table, rows))
    )


def _other_errors(table: Table, rows: list[Row]) -> PageTable:
    """Return errors of energy differences and of force vectors, of the middle training of each architecture."""
    unit, size = reported(table.group.energy_unit)
    least = three_digits(STRONG / KCAL_PER_MOL)
    columns = (
        Column("Architecture"),
        Column("MAE of relative energies", unit, "Relative to the lowest test frame of the molecule."),
        Column("MAE of |F|", "kcal/mol/Å"),
        Column("Mean angle of forces", "°", f"To the true force, on atoms where that is {least} kcal/mol/Å or more."),
    )
    shown = []
    for row in rows:
        predicted = predictions(typical(row))
        vectors = vector_errors(predicted)
        differences, magnitude = error_of_differences(predicted) / size, vectors.magnitude / KCAL_PER_MOL
        angle = _value(vectors.angle)
        if vectors.directionless:
            note = f"{vectors.directionless:,} of {vectors.strong:,} predicted without a direction"
            angle = angle._replace(text=angle.text or "none", note=note)
        shown.append((Value(row.architecture), _value(differences), _value(magnitude), angle))
    # without forces, or with one frame of each molecule, a column would be empty
    kept = [place for place in range(len(columns)) if any(cells[place].text for cells in shown)]
    return PageTable(
        f"Energy differences and force vectors: {table.title}",
        tuple(columns[place] for place in kept),
        tuple(tuple(cells[place] for place in kept) for cells in shown),
    )


def _value(number: float) -> Value:
    return Value(three_digits(number), number) if math.isfinite(number) else Value("")
