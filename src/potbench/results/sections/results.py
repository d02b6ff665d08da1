"""The errors of all architectures, with intervals, ratios and letters."""

from __future__ import annotations

import math

from potbench.reporting.errors_figure import ErrorRow, draw_errors
from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.group import Group
from potbench.results.row import Row, lost_reason
from potbench.results.shared_frames import shared_frames
from potbench.results.table import Compared, Table
from potbench.results.tested_folds import TestedFolds

MOST_ROWS = 60


def section(findings: Findings) -> Section | None:
    """Return a table for each dataset, size and test set, and a figure with every training as a dot."""
    if not findings.tables:
        return None
    blocks: list[Block] = [_explanation(findings), *_figure(findings)]
    blocks += [_table(findings, table) for table in findings.tables]
    blocks += _others(findings)
    return Section("results", f"Results: {findings.metric.text}", tuple(blocks))


def _explanation(findings: Findings) -> str:
    return (
        f"Errors are means over trainings ± half of their 95 % interval. Architectures that share a letter cannot be "
        f"told apart; all that cannot be told from the best are bold. Only the {findings.metric.text} decides: all "
        "pairs of a table are tested together (Holm, 5 %). Other errors describe."
    )


def _figure(findings: Findings) -> list[PageFigure]:
    rows = [
        ErrorRow(
            row.architecture,
            table.title,
            row.mean.values,
            row.mean.mean,
            row.mean.interval.low if row.mean.interval else None,
            row.mean.interval.high if row.mean.interval else None,
            row.baseline,
        )
        for table in findings.tables
        for row in table.rows.values()
        if row.mean.mean is not None
    ]
    if not rows:
        return []
    which = "" if len(rows) <= MOST_ROWS else f"; the first {MOST_ROWS} of {len(rows)} rows"
    rows = rows[:MOST_ROWS]
    unit = findings.tables[0].unit
    frames = words.listing([f"{table.num_frames:,} of {table.title}" for table in findings.main])
    return [
        PageFigure(
            "errors",
            f"{words.title(findings.metric.text)} on test frames: {frames}{which}",
            f"Mean {findings.metric.text} of each architecture with its interval; every training is a dot.",
            draw_errors(rows, words.title(findings.metric.text), unit, findings.marks),
            _data(rows, unit),
        )
    ]


def _data(rows: list[ErrorRow], unit: str) -> PageTable:
    columns = (Column("Architecture"), Column("On"), Column("Mean", unit), Column("Low", unit), Column("High", unit))
    return PageTable(
        "Numbers of the figure",
        (*columns, Column("Trainings", unit)),
        tuple(
            (
                *(Value(row.label), Value(row.group), _value(row.mean), _value(row.low), _value(row.high)),
                Value(", ".join(map(three_digits, row.values))),
            )
            for row in rows
        ),
    )


def _value(number: float | None) -> Value:
    return Value("" if number is None else three_digits(number), number)


def _table(findings: Findings, table: Table) -> PageTable:
    reference = findings.reference(table)
    ranking = table.ranking
    unit = table.unit
    show_mev = table.metric.in_mev(1.0, table.group.energy_unit)
    has_laws = any(member.known.laws is not None for row in table.rows.values() for member in row.finished)
    has_latency = any(member.known.inference is not None for row in table.rows.values() for member in row.finished)
    columns = [
        Column("Architecture"),
        Column(words.title(table.metric.text), unit, "Mean over trainings ± half of the 95 % interval."),
        *([Column("The same", show_mev[1])] if show_mev else []),
        Column("Rests on", "", "What the interval contains: trainings, or test frames alone."),
        Column(f"Ratio to {reference}", "", "Error divided by that of the reference, with its adjusted interval."),
        Column("Letters", "", "Architectures that share a letter cannot be told apart."),
        Column("Rank", "", "First and last rank that the decided comparisons leave."),
        Column("P(best)", "", "How probable it is that its error is the smallest; an extra, by bootstrap."),
        *([Column("Laws", "", "Physical laws that the trained potential passes.")] if has_laws else []),
        Column("Parameters"),
        *([Column("Latency", "ms", "Energy and forces of one molecule, measured apart.")] if has_latency else []),
    ]
    rows = []
    for row in table.rows.values():
        best = ranking is not None and row.architecture in ranking.best
        low, high = ranking.ranks.get(row.architecture, (None, None)) if ranking else (None, None)
        letters = "".join(ranking.letters.get(row.architecture, ())) if ranking else ""
        compared = table.comparison(row.architecture, reference) if reference else None
        probable = table.best.get(row.architecture)
        rank = "" if low is None else str(low) if low == high else f"{low}–{high}"
        in_mev = table.metric.in_mev(row.mean.mean, table.group.energy_unit) if row.mean.mean is not None else None
        rows.append(
            (
                Value(row.architecture, None, best, "baseline" if row.baseline else ""),
                Value(words.error(row.mean), row.mean.mean, best),
                *(
                    [Value(three_digits(in_mev[0]) if in_mev else "", in_mev[0] if in_mev else None)]
                    if show_mev
                    else []
                ),
                Value(words.basis(row).removeprefix("interval over ").replace(" ", "\N{NO-BREAK SPACE}", 1)),
                _ratio(row, reference, compared),
                Value(letters or "undecided" if row.mean.mean is not None else "none", None, best),
                Value(rank, low),
                Value("" if probable is None else f"{probable:.0%}", probable),
                *([_laws(row)] if has_laws else []),
                _parameters(row),
                *([_latency(row)] if has_latency else []),
            )
        )
    return PageTable(table.title, tuple(columns), tuple(rows), _notes(table))


def _ratio(row: Row, reference: str | None, compared: Compared | None) -> Value:
    if row.architecture == reference:
        return Value("1", 1.0)
    if compared is None:
        return Value("")
    return Value(words.times(compared), math.exp(compared.ratio.log_ratio))


def _laws(row: Row) -> Value:
    found = [member.known.laws for member in row.finished if member.known.laws is not None]
    if not found:
        return Value("not checked")
    passed = min(sum(law.verdict == "pass" for law in laws) for laws in found)
    return Value(f"{passed} of {len(found[0])}", passed)


def _parameters(row: Row) -> Value:
    numbers = sorted({member.known.num_parameters for member in row.finished if member.known.num_parameters})
    return Value(f"{numbers[0]:,}", numbers[0]) if numbers else Value("")


def _latency(row: Row) -> Value:
    found = next((member.known.inference for member in row.finished if member.known.inference), None)
    return Value("") if found is None else Value(three_digits(found.latency.median), found.latency.median)


def _notes(table: Table) -> tuple[str, ...]:
    notes = [f"{table.num_frames:,} test frames; independent are {table.independence.text}."]
    if table.folds is not None:
        notes = _of_folds(table, table.folds)
    pairs = math.comb(sum(bool(row.finished) for row in table.rows.values()), 2)
    if len(table.paired) == pairs > 0:
        notes.append("Trainings are compared in pairs: the same training frames for each architecture.")
    elif table.paired:
        notes.append(
            "Trainings are compared in pairs where both architectures had the same training frames: "
            f"{len(table.paired)} of {pairs}."
        )
    folds = {member.label.fold for row in table.rows.values() for member in row.finished}
    if len(folds) > 1 and table.folds is None:
        notes.append(
            f"Given this pool: {len(folds)} folds{_share(table)}; the spread over folds is a lower bound of that over "
            "independent training sets."
        )
    if table.ranking is None and len(table.rows) > 1:
        notes.append(f"{len(table.rows)} architectures are too many, or too few have errors, to compare all pairs.")
    lost = [member for row in table.rows.values() for member in row.lost]
    if lost:
        notes.append("; ".join(f"{member.label.text}: {lost_reason(member)}" for member in lost) + ".")
    return tuple(notes)


def _of_folds(table: Table, folds: TestedFolds) -> list[str]:
    """Say on what intervals rest where each fold tests other frames."""
    number = folds.number
    if folds.by_molecule:
        rests = f"intervals are Student's over the {table.independence.text}, each of which is tested once"
    else:
        rests = (
            f"intervals are those of corrected resampling over {number} folds (Nadeau and Bengio 2003), with "
            f"{number - 1} degrees of freedom and the variance 1/{number} + {folds.test_share:.2g} times that of a fold"
        )
    return [
        f"{table.num_frames:,} test frames in {number} folds, each predicted by the training that did not see it: "
        f"{rests}.",
        f"It is no naive t-test over folds{_share(table)}: one that takes splits of a dataset for independent calls "
        "equal architectures different far too often, over 15 random splits in a third of all studies.",
        *([folds.lacking] if folds.lacking else []),
    ]


def _share(table: Table) -> str:
    """Say how many training frames the folds have in common, if that is known."""
    shares = (shared_frames(row.finished) for row in table.rows.values())
    share = next((each for each in shares if each is not None), None)
    return "" if share is None else f", which share {share:.0%} of their training frames"


def _others(findings: Findings) -> list[PageTable]:
    """Return the other errors of each group, which decide nothing."""
    found: dict[tuple[Group, str], list[Table]] = {}
    for each in (*findings.tables, *findings.others):
        found.setdefault((each.group, each.test_set), []).append(each)
    tables = []
    for table, *more in found.values():
        same = [each for each in (table, *more) if each.metric is not findings.metric]
        if not same:
            continue
        columns = [Column(words.title(each.metric.text), each.unit) for each in same]
        rows = [
            (
                Value(name, None, False, "baseline" if row.baseline else ""),
                *(
                    Value(words.error(each.rows[name].mean), each.rows[name].mean.mean)
                    if name in each.rows
                    else Value("")
                    for each in same
                ),
            )
            for name, row in table.rows.items()
        ]
        tables.append(
            PageTable(
                f"Other errors: {table.title}",
                (Column("Architecture"), *columns),
                tuple(rows),
                ("They describe, and decide nothing.",),
            )
        )
    return tables
