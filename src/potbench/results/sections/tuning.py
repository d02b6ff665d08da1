"""The searches for hyperparameters that were made before."""

from __future__ import annotations

import numpy as np

from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.reporting.search_figure import draw_search
from potbench.results import words
from potbench.results.errors import METRICS
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
        Column("Best", "", "Smallest error of a trial on the validation frames."),
        Column("Time", "s", "Of all trials together."),
        Column("Found"),
    )
    blocks: list[Block] = [
        "Tuning effort is a second budget. The expected best is what so many of these trials find on average.",
        PageTable("Searches for hyperparameters", columns, tuple(_row(findings, each) for each in searches)),
    ]
    for place, dataset in enumerate(dict.fromkeys(search.dataset for search in searches)):
        found = [each for each in searches if each.dataset == dataset]
        name = f"validation {METRICS[found[0].objective].text}"
        blocks.append(
            PageFigure(
                f"search_{place + 1}",
                f"Best {name} against trials: {dataset}",
                "Steps are the best so far; dashed is the best to be expected of so many trials.",
                draw_search(
                    {each.architecture: np.array(each.best) for each in found},
                    words.title(name),
                    _unit(findings, found[0]),
                    {each.architecture: np.array(each.expected) for each in found},
                    findings.marks,
                ),
            )
        )
    return Section("tuning", "Tuning", tuple(blocks))


def _unit(findings: Findings, search: Search) -> str:
    """Return the unit of what was searched for; empty where no training says in which unit its data has energies."""
    metric = METRICS[search.objective]
    energies = (
        each.record.data.units.energy
        for each in findings.members
        if each.record is not None and each.label.dataset == search.dataset
    )
    energy_unit = next(energies, "eV" if metric.is_of_forces else None)
    return "" if energy_unit is None else metric.unit(energy_unit)


def _row(findings: Findings, search: Search) -> tuple[Value, ...]:
    best = search.best[-1] if search.best and np.isfinite(search.best[-1]) else None
    return (
        Value(search.architecture),
        Value(search.dataset),
        Value(words.plural(len(search.best), "trial"), len(search.best)),
        Value("none" if best is None else f"{three_digits(best)} {_unit(findings, search)}".rstrip(), best),
        Value("" if search.seconds is None else three_digits(search.seconds), search.seconds),
        Value(search.chosen),
    )
