"""Which physical laws the trained potentials obey."""

from __future__ import annotations

from potbench.reporting.page.content import Column, PageTable, Section, Value
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.table import Table
from potbench.runs.findings import LawFound


def section(findings: Findings) -> Section | None:
    """Return how many laws each passes, and what it violates by how much."""
    tables = [table for table in map(_table, findings.main) if table is not None]
    return Section("laws", "Physical laws", tuple(tables)) if tables else None


def _table(table: Table) -> PageTable | None:
    rows = []
    for row in table.rows.values():
        checked = [member.known.laws for member in row.finished if member.known.laws is not None]
        if not checked:
            continue
        worst = min(checked, key=lambda laws: sum(law.verdict == "pass" for law in laws))
        passed = sum(law.verdict == "pass" for law in worst)
        broken = [_said(law) for law in worst if law.verdict == "FAIL"]
        refused = [law.name for law in worst if law.verdict == "refused"]
        rows.append(
            (
                Value(row.architecture),
                Value(f"passes {passed} of {len(worst)}", passed, not broken),
                Value("; ".join(broken) or "none"),
                Value(words.listing(refused) or "none"),
                Value(words.plural(len(checked), "training"), len(checked)),
            )
        )
    if not rows:
        return None
    columns = (
        Column("Architecture"),
        Column("Laws"),
        Column("Broken", "", "Largest violation, and what is allowed."),
        Column("Does not apply", "", "Laws about molecules that the potential refuses."),
        Column("Checked", "", "Trainings; the one that passes the fewest counts."),
    )
    return PageTable(f"Laws: {table.title}", columns, tuple(rows))


def _said(law: LawFound) -> str:
    found = "not finite" if law.violation is None else f"{law.violation:.1e} {law.unit}"
    return f"{law.name} ({found}, allowed {law.tolerance:.0e})"
