"""How to make the same again, and whom to cite."""

from __future__ import annotations

import re
from collections.abc import Iterable

from potbench.reporting.page.content import Block, Code, Column, PageTable, Section, Value
from potbench.results.findings import Findings
from potbench.results.member import Member

DOI = re.compile(r"10\.\d{4,}/[^\s,;]+")
MOST_COMMANDS = 12
MOST_VERSIONS = 6


def section(findings: Findings) -> Section | None:
    """Return commands, versions and citations."""
    known = [member for member in findings.members if member.record is not None]
    if not known:
        return None
    commands = list(findings.asked.commands) or _commands(known)
    blocks: list[Block] = [Code("\n".join(commands), "bash"), _versions(known)]
    entries = _citations(member.known.data.citation for member in known)
    if entries:
        blocks.append(Code("\n\n".join(entries), "bibtex"))
    return Section("repeat", "How to repeat it", tuple(blocks))


def _commands(members: list[Member]) -> list[str]:
    """Return the command of the first training of each architecture and dataset."""
    first: dict[tuple[str, str], str] = {}
    for member in members:
        first.setdefault((member.label.architecture, member.label.dataset), member.known.command)
    shown = list(first.values())[:MOST_COMMANDS]
    more = len(first) - len(shown)
    return [*shown, *([f"# and {more} more; record.json of each run has its command"] if more else [])]


def _versions(members: list[Member]) -> PageTable:
    """Return the versions that numbers depend on, a row for each set of them."""
    found: dict[tuple[str, ...], int] = {}
    names = ("potbench", "python", "torch", "lightning", "torchani", "schnetpack", "numpy")
    for member in members:
        provenance = member.known.provenance
        machine = provenance.machine
        key = (
            *(provenance.versions.get(name, "") for name in names),
            provenance.git_commit or "",
            machine.accelerator or machine.processor,
        )
        found[key] = found.get(key, 0) + 1
    columns = (Column("Trainings"), *map(Column, names), Column("Commit"), Column("Machine"))
    rows = [(Value(str(number), number), *map(Value, key)) for key, number in list(found.items())[:MOST_VERSIONS]]
    left = len(found) - len(rows)
    return PageTable("Versions", columns, tuple(rows), (f"{left} more combinations.",) if left else ())


def _citations(texts: Iterable[str]) -> list[str]:
    """Return a BibTeX entry for each citation of a dataset."""
    entries = []
    for number, text in enumerate(dict.fromkeys(texts), 1):
        if text.lstrip().startswith("@"):
            entries.append(text.strip())
        elif text and text != "not stated":
            doi = DOI.search(text)
            name = f"  doi = {{{doi[0].rstrip('.')}}},\n" if doi else ""
            entries.append(f"@misc{{data{number},\n  note = {{{text}}},\n{name}}}")
    return entries
