"""The numbers of an earlier study beside these."""

from __future__ import annotations

import contextlib

from potbench.reporting.page.content import Block, Column, PageTable, Section, Value
from potbench.results import words
from potbench.results.errors import ALL
from potbench.results.findings import Findings
from potbench.results.table import Table

KEYS = ("architecture", "dataset", "size", "test_set", "metric", "value", "unit")


def section(findings: Findings) -> Section | None:
    """Return what an earlier study found, with what was found here in the same place."""
    if findings.asked.original is None:
        return None
    text, rows = findings.asked.original
    blocks: list[Block] = [f"{text.rstrip('.')}."]
    if rows:
        more = [name for name in rows[0] if name not in KEYS]
        columns = (
            *(Column(words.title(name.replace("_", " "))) for name in KEYS if name in rows[0] and name != "value"),
            Column("Theirs"),
            Column("Here", "", "Mean over trainings, with half of its 95 % interval; empty where not one is the same."),
            *(Column(words.title(name)) for name in more),
        )
        blocks.append(
            PageTable("Earlier numbers beside these", columns, tuple(_row(findings, row, more) for row in rows))
        )
    return Section("original", "The earlier study", tuple(blocks))


def _row(findings: Findings, row: dict[str, str], more: list[str]) -> tuple[Value, ...]:
    found = [table for table in (*findings.tables, *findings.others) if _is_of(table, row)]
    table = found[0] if len(found) == 1 else None  # of several sizes or datasets, none is the same
    here = table.rows.get(row.get("architecture", "")) if table else None
    unit_differs = table is not None and row.get("unit", table.unit) not in ("", table.unit)
    shown = Value("") if here is None else Value(words.error(here.mean), here.mean.mean)
    if here is not None and unit_differs and table is not None:
        shown = Value(f"{words.error(here.mean)} {table.unit}", None, note="other unit")
    number = None
    with contextlib.suppress(ValueError):
        number = float(row.get("value", ""))
    before = [Value(row[name]) for name in KEYS if name in row and name != "value"]
    return (*before, Value(row.get("value", ""), number), shown, *(Value(row.get(name) or "") for name in more))


def _is_of(table: Table, row: dict[str, str]) -> bool:
    wanted = {
        "metric": table.metric.name,
        "dataset": table.group.dataset,
        "size": "" if table.group.size is None else str(table.group.size),
    }
    return (row.get("test_set") or ALL) == table.test_set and all(
        (row.get(name) or value) == value for name, value in wanted.items()
    )
