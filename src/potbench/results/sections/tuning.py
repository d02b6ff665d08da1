"""The searches for hyperparameters that were made before."""

from __future__ import annotations

import numpy as np

from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.reporting.search_figure import draw_search
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.member import Search


def section(findings: Findings) -> Section | None:
    """Return effort and cost of the searches, and how the best error fell with the trials."""
    searches = findings.asked.searches
    if not searches:
        return None
    columns = (
        Column("Architecture"),
        Column("Dataset"),
        Column("Trials"),
        Column("Best", "", "Smallest validation error of a trial."),
        Column("Time", "s", "Of all trials together."),
        Column("Found"),
    )
    blocks: list[Block] = [
        "Tuning effort is a second budget. The expected best is what so many of these trials find on average.",
        PageTable("Searches for hyperparameters", columns, tuple(map(_row, searches))),
    ]
    for place, dataset in enumerate(dict.fromkeys(search.dataset for search in searches)):
        found = [each for each in searches if each.dataset == dataset]
        unit = findings.tables[0].unit if findings.tables else ""
        blocks.append(
            PageFigure(
                f"search_{place + 1}",
                f"Best validation {findings.metric.text} against trials: {dataset}",
                "Steps are the best so far; dashed is the best to be expected of so many trials.",
                draw_search(
                    {each.architecture: np.array(each.best) for each in found},
                    f"Validation {findings.metric.text}",
                    unit,
                    {each.architecture: np.array(each.expected) for each in found},
                    findings.marks,
                ),
            )
        )
    return Section("tuning", "Tuning", tuple(blocks))


def _row(search: Search) -> tuple[Value, ...]:
    best = search.best[-1] if search.best and np.isfinite(search.best[-1]) else None
    return (
        Value(search.architecture),
        Value(search.dataset),
        Value(words.plural(len(search.best), "trial"), len(search.best)),
        Value("none" if best is None else three_digits(best), best),
        Value("" if search.seconds is None else three_digits(search.seconds), search.seconds),
        Value(search.chosen),
    )
