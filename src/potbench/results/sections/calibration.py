"""Whether the spreads of ensembles tell how wrong they are."""

from __future__ import annotations

from potbench.reporting.calibration_figure import draw_calibration
from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.results.findings import Findings
from potbench.results.predicted import predictions, typical
from potbench.results.row import Row
from potbench.results.table import Table
from potbench.runs.figures import shown_calibrations
from potbench.runs.spreads import judge, rows_of

TEXT = (
    "The spread of an ensemble is the standard deviation of its members. Where it was calibrated, it is multiplied by "
    "one factor for energies and one for force components, found on frames that no member trained on. Intervals are "
    "those of Student's t with one degree of freedom less than there are members."
)


def section(findings: Findings) -> Section | None:
    """Return figures and numbers of every ensemble with four members or more, before and after calibration."""
    blocks: list[Block] = []
    for table in findings.main:
        for row in table.rows.values():
            if row.finished:
                blocks += _of(table, row, len(blocks) // 2)
    return Section("calibration", "Ensemble calibration", (TEXT, *blocks)) if blocks else None


def _of(table: Table, row: Row, place: int) -> list[Block]:
    member = typical(row)
    if member.known.ensemble is None:
        return []
    predicted = predictions(member)
    unit = table.group.energy_unit
    judged = judge(predicted, unit)
    if not judged:
        return []
    about = f"{row.architecture}, {table.group.title}, {len(predicted['frame']):,} test frames"
    figure = PageFigure(
        f"calibration_{place + 1}",
        f"Spread and error: {about}",
        "Left, root mean square errors in bins of the spread; on the dashed line both are equal. Right, the share of "
        "errors inside intervals, against the share that there should be.",
        draw_calibration(shown_calibrations(predicted, unit), about),
    )
    names = {"energy": "Energy", "forces": "Force components"}
    states = [(name, state) for name in judged for state in ("before", "calibrated")]
    columns = (Column(""), *(Column(f"{names[name]}, {state}", judged[name].unit) for name, state in states))
    numbers = {name: list(rows_of(found, with_units=False).items()) for name, found in judged.items()}
    rows = []
    for index, (label, _) in enumerate(next(iter(numbers.values()))):
        values = [value for each in numbers.values() for value in each[index][1]]
        shown = (Value("", None) if value is None else Value(three_digits(value), value) for value in values)
        rows.append((Value(label), *shown))
    counts = ", ".join(f"{found.values:,} of {names[name].lower()}" for name, found in judged.items())
    return [
        figure,
        PageTable(f"Numbers: {about}", columns, tuple(rows), (f"Values that members differ on: {counts}.",)),
    ]
