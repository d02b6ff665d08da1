"""What a report found, for the terminal."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from potbench.results import words
from potbench.results.findings import Findings

LEVELS = {"red": "bold red", "amber": "yellow", "note": "dim"}


def show(findings: Findings, page: Path) -> None:
    """Print the answer, a table for each dataset, the banners, and where the page is."""
    console = Console(highlight=False)
    console.print(findings.answer, markup=False)
    for table in _tables(findings):
        console.print(table)
    for banner in findings.fairness.banners:
        console.print(f"[{LEVELS[banner.level]}]{banner.level}[/]: ", end="")
        console.print(banner.text, markup=False)
    console.print("Report:")
    print(page)  # a path that is not broken into lines can be opened by a click


def _tables(findings: Findings) -> list[RichTable]:
    """Return a table for each dataset, with errors, ratios and letters."""
    tables = []
    for table in findings.main:
        reference = findings.reference(table)
        shown = RichTable(title=table.title, box=box.SIMPLE)
        shown.add_column("Architecture")
        shown.add_column(f"{words.title(table.metric.text)} ({table.unit})", justify="right")
        shown.add_column("Rests on")
        shown.add_column(f"Ratio to {reference}", justify="right")
        shown.add_column("Letters")
        for row in table.rows.values():
            compared = table.comparison(row.architecture, reference) if reference else None
            letters = "".join(table.ranking.letters.get(row.architecture, ())) if table.ranking else ""
            best = table.ranking is not None and row.architecture in table.ranking.best
            ratio = "1" if row.architecture == reference else words.times(compared) if compared else ""
            name = row.architecture + (" (baseline)" if row.baseline else "")
            shown.add_row(name, words.error(row.mean), words.basis(row), ratio, letters, style="bold" if best else None)
        tables.append(shown)
    return tables
