"""How much larger errors are on test frames of another kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from potbench.reporting.page.content import Column, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.results import words
from potbench.results.errors import ALL
from potbench.results.findings import Findings
from potbench.results.table import Table
from potbench.statistics.gap import gap
from potbench.statistics.interval import Interval


def section(findings: Findings) -> Section | None:
    """Return, for data that are tested in several ways, the errors of each over those of the first."""
    tables = [_table(findings, found) for found in _of_same_data(findings)]
    if not tables:
        return None
    text = (
        "The same data, tested in several ways: named test sets, or splits of another kind. Ratios are of the means, "
        "and their intervals are made of those of the means, taken for independent; they are not adjusted for their "
        "number, and decide nothing."
    )
    return Section("gap", "How much is lost on other test frames?", (text, *tables))


def _of_same_data(findings: Findings) -> list[list[Table]]:
    """Return the tables of each store that has several, those of the largest size; test sets in place of all frames."""
    found: dict[str, list[Table]] = defaultdict(list)
    for table in findings.main:
        named = [each for each in findings.tables if each.group is table.group and each.test_set != ALL]
        found[table.group.members[0].known.data.fingerprint] += named if len(named) > 1 else [table]
    return [tables for tables in found.values() if len(tables) > 1]


def _table(findings: Findings, tables: Sequence[Table]) -> PageTable:
    near, *others = tables
    names = [_name(table, tables) for table in tables]
    columns = [Column("Architecture"), Column(f"On {names[0]}", near.unit)]
    for name in names[1:]:
        columns += [
            Column(f"On {name}", near.unit),
            Column(f"{name} / {names[0]}", "", "Error over that of the first."),
        ]
    rows = []
    for architecture, row in near.rows.items():
        shown = f"{architecture} (baseline)" if row.baseline else architecture
        cells = [Value(shown), Value(words.error(row.mean), row.mean.mean)]
        for table in others:
            far = table.rows.get(architecture)
            lost = None if far is None else gap(row.mean, far.mean)
            cells += [
                Value("") if far is None else Value(words.error(far.mean), far.mean.mean),
                Value("") if lost is None else Value(_times(lost.ratio, lost.interval), lost.ratio),
            ]
        rows.append(tuple(cells))
    return PageTable(f"{words.title(findings.metric.text)} on other test frames", tuple(columns), tuple(rows))


def _times(ratio: float, interval: Interval | None) -> str:
    return three_digits(ratio) + ("" if interval is None else f" ({words.between(interval)})")


def _name(table: Table, tables: Sequence[Table]) -> str:
    """Return the test set, with the dataset where there are several."""
    several = len({each.group.dataset for each in tables}) > 1
    parts = ([table.group.dataset] if several or table.test_set == ALL else []) + (
        [] if table.test_set == ALL else [table.test_set]
    )
    return ", ".join(parts)
