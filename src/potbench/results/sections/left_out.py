"""What is not compared, and why."""

from __future__ import annotations

from potbench.reporting.page.content import Column, PageTable, Section, Value
from potbench.results.findings import Findings

ORDER = ("red", "amber", "note")
WORDS = {"red": "refused", "amber": "not there or not readable", "note": "not to be compared"}


def section(findings: Findings) -> Section | None:
    """Return everything that was left out, what was refused first."""
    if not findings.absent:
        return None
    rows = tuple(
        (Value(each.label), Value(WORDS[each.level]), Value(each.reason))
        for each in sorted(findings.absent, key=lambda each: ORDER.index(each.level))
    )
    columns = (Column("What"), Column("State"), Column("Why"))
    return Section("left-out", "What was left out, and why", (PageTable("Left out", columns, rows),))
