"""Which differences are real: all pairs of architectures."""

from __future__ import annotations

import math

from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.ratios_figure import RatioShown, draw_ratios
from potbench.reporting.rounding import three_digits
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.overall import overall
from potbench.results.table import Table
from potbench.statistics.interval import Interval
from potbench.statistics.verdict import Comparison

MOST_SHOWN = 16
MOST_TABLES = 12
MOST_FIGURES = 2


def section(findings: Findings) -> Section | None:
    """Return the matrix of ratios of each table, and the geometric mean over datasets."""
    blocks: list[Block] = [*_over_datasets(findings)]
    shown = [table for table in findings.tables if table.ranking is not None and table.ranking.comparisons]
    figures = {id(table) for table in findings.main[:MOST_FIGURES]}
    for place, table in enumerate(shown[:MOST_TABLES]):
        if id(table) in figures and len(table.rows) <= MOST_SHOWN:
            blocks.append(_figure(findings, table, place))
        blocks.append(_pairs(findings, table))
    if not blocks:
        return None
    margin = f"{100 * findings.asked.smallest_difference:g} %"
    explanation = (
        f"Ratios of the {findings.metric.text}: below 1, the first is better. Better: the interval, adjusted for the "
        f"number of pairs, excludes 1. Equal: the 90 % interval lies within ±{margin}. Else undecided, with "
        "what would decide it."
    )
    if len(shown) > MOST_TABLES:
        left = words.plural(len(shown) - MOST_TABLES, "more table")
        blocks.append(f"Not shown here: {left}; records.csv has the errors.")
    return Section("differences", "Which differences are real?", (explanation, *blocks))


def _figure(findings: Findings, table: Table, place: int) -> PageFigure:
    names = [name for name in table.rows if any(name in (e.first, e.second) for e in _comparisons(table))]
    shown: dict[tuple[str, str], RatioShown] = {}
    for first in names:
        for second in names:
            compared = table.comparison(first, second) if first != second else None
            if compared is None:
                continue
            said = words.verdict(compared.comparison, findings.asked.smallest_difference)
            if said.startswith("better") and compared.comparison.first != first:
                said = said.replace("better", "worse")
            low, high = compared.interval or (None, None)
            shown[first, second] = RatioShown(math.exp(compared.ratio.log_ratio), low, high, said)
    return PageFigure(
        f"ratios_{place + 1}",
        f"Ratios of the {table.metric.text}: {table.title}, {table.num_frames:,} test frames",
        "Each field is the error of the architecture of its row divided by that of its column.",
        draw_ratios(names, shown),
    )


def _comparisons(table: Table) -> tuple[Comparison, ...]:
    return table.ranking.comparisons if table.ranking else ()


def _pairs(findings: Findings, table: Table) -> PageTable:
    columns = (
        Column("Pair"),
        Column("Ratio", "", "Error of the first over that of the second."),
        Column("Interval", "", "Adjusted for the number of pairs."),
        Column("Verdict"),
        Column("What would decide it"),
    )
    rows = []
    for each in _comparisons(table):
        ratio = math.exp(each.ratio.log_ratio)
        interval = words.between(each.interval) if each.interval else str(each.ratio.basis)
        said = words.verdict(each, findings.asked.smallest_difference)
        rows.append(
            (
                Value(f"{each.first} / {each.second}"),
                Value(three_digits(ratio), ratio),
                Value(interval),
                Value(said, None, said != "undecided"),
                Value(words.cure(each)),
            )
        )
    return PageTable(f"All pairs: {table.title}", columns, tuple(rows))


def _over_datasets(findings: Findings) -> list[PageTable]:
    found = overall(findings.main, findings.asked.smallest_difference)
    if found is None:
        return []
    columns = [
        Column("Pair"),
        Column("Geometric mean", "", "Of the ratios on all datasets, given these datasets."),
        Column("Interval"),
        Column("Verdict"),
        *(Column(table.title) for table in found.tables),
    ]
    rows = []
    for each in found.ranking.comparisons:
        pair = (each.first, each.second)
        turned = pair not in found.ratios
        ratios = found.ratios[pair[::-1] if turned else pair]
        values = [math.exp(-ratio.log_ratio if turned else ratio.log_ratio) for ratio in ratios]
        interval: Interval | None = each.interval
        mean = math.exp(each.ratio.log_ratio)
        rows.append(
            (
                Value(f"{each.first} / {each.second}"),
                Value(three_digits(mean), mean),
                Value(words.between(interval) if interval else str(each.ratio.basis)),
                Value(words.verdict(each, findings.asked.smallest_difference)),
                *(Value(three_digits(value), value) for value in values),
            )
        )
    return [PageTable(f"Over {len(found.tables)} datasets: {findings.metric.text}", tuple(columns), tuple(rows))]
