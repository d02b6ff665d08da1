"""Data, splits and leakage."""

from __future__ import annotations

from potbench.reporting.page.content import Block, Code, Column, PageTable, Section, Value
from potbench.results.findings import Findings
from potbench.results.group import Group


def section(findings: Findings) -> Section | None:
    """Return what the data are, how they were divided, and how far test frames are from training frames."""
    if not findings.groups:
        return None
    columns = (
        Column("Dataset"),
        Column("Frames"),
        Column("Level of theory"),
        Column("Train"),
        Column("Validation", "", "On top of the training frames."),
        Column("Test"),
        Column("Draws", "", "Different training sets among the trainings."),
        Column("License"),
        Column("Fingerprint", "", "First digits of the sha256 over all arrays."),
    )
    rows = tuple(map(_row, findings.groups))
    blocks: list[Block] = [PageTable("Data and splits", columns, rows)]
    for group in findings.groups:
        split = group.members[0].known.split
        named = ", ".join(f"{count:,} of {name}" for name, count in split.test_sets.items())
        said = f"{group.title}: {split.leakage.text}." if split.leakage else f"{group.title}: leakage was not measured."
        blocks.append(said + (f" Named test sets: {named}." if named else ""))
    rules = dict.fromkeys(member.known.split.rule for group in findings.groups for member in group.members)
    shown = list(rules)[:10]
    more = [f"# and {len(rules) - len(shown)} more"] if len(rules) > len(shown) else []
    blocks.append(Code("\n".join([*shown, *more]), "python"))
    return Section("data", "Data, splits and leakage", tuple(blocks))


def _row(group: Group) -> tuple[Value, ...]:
    record = group.members[0].known
    numbers = {member.known.split.train for member in group.members}
    train = f"{min(numbers):,}" if len(numbers) == 1 else f"{min(numbers):,}–{max(numbers):,}"
    draws = len({member.known.split.fingerprint for member in group.members})
    return (
        Value(group.title),
        Value(f"{record.data.num_frames:,}", record.data.num_frames),
        Value(record.data.theory),
        Value(train, min(numbers)),
        Value(f"{record.split.validation:,}", record.split.validation),
        Value(f"{record.split.test:,}", record.split.test),
        Value(str(draws), draws),
        Value(record.data.license),
        Value(record.data.fingerprint[:8]),
    )
