"""How the errors fall with the number of training frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from potbench.reporting.learning_curves_figure import CurveShown, draw_learning_curves
from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.rounding import exponent, three_digits
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.shared_frames import shared_frames
from potbench.results.table import Table
from potbench.results.times_by_size import times_by_size
from potbench.statistics.learning_curve import LearningCurve, Scope, data_efficiency, learning_curve, scope
from potbench.structures import FloatArray, IntArray


def section(findings: Findings) -> Section | None:
    """Return learning curves of each dataset and test set that has two sizes or more."""
    found: dict[tuple[str, str], list[Table]] = defaultdict(list)
    for table in findings.tables:
        if table.group.size is not None:
            found[table.group.dataset, table.test_set].append(table)
    blocks: list[Block] = []
    for place, tables in enumerate(tables for tables in found.values() if len(tables) > 1):
        blocks += _of_dataset(findings, tables, place)
    if not blocks:
        return None
    rule = findings.asked.budget
    fixed = f"All sizes have the same budget: {rule}. " if rule in ("steps", "epochs", "frames", "wall_time") else ""
    text = (
        f"{fixed}Validation frames come on top of the training frames. The law is error = A · N^(−b); every training "
        "that is known at all sizes, by its seeds and the draw of its training frames, is fitted alone, and the "
        f"interval of b is that {_over(findings)}."
    )
    return Section("learning-curves", "Learning curves", (text, *blocks))


def _over(findings: Findings) -> str:
    """Say what an interval of an exponent is taken over."""
    if any(table.folds for table in findings.tables):
        return "over folds, trainings of one fold averaged, with an allowance for the training frames that folds share"
    if any(member.label.fold is not None for member in findings.members):
        return "over folds, trainings of one fold averaged"
    return "over trainings"


def _of_dataset(findings: Findings, tables: Sequence[Table], place: int) -> list[Block]:
    sizes = np.array([table.group.size for table in tables])
    names = list(dict.fromkeys(name for table in tables for name in table.rows))
    shown, curves, missing, unmatched = [], {}, {}, []
    for name in names:
        draws, values = _values(tables, name)
        has = np.isfinite(values).any(axis=0)
        own = sizes[has]
        if len(own) < 2:
            continue
        is_complete = np.array([np.isfinite(each).all() for each in values[:, has]], dtype=bool)
        complete = values[:, has][is_complete]
        lost = _lost(tables, name)
        if not len(complete) and not lost:
            unmatched.append(name)
        missing[name] = sum(draw not in lost for draw, whole in zip(draws, is_complete, strict=True) if not whole)
        if len(complete) and (complete > 0).all():
            folds = None if draws[0].fold is None else np.array([draw.fold for draw in draws])[is_complete]
            tested = tables[int(np.flatnonzero(has)[-1])].folds
            share = 0.0 if tested is None else tested.test_share
            curves[name] = learning_curve(own, complete, len(lost), folds, share)
        shown.append(_shown(tables, name, sizes, values, curves.get(name)))
    if not shown:
        return []
    first = tables[-1]
    title = first.group.dataset + (f", test set {first.test_set}" if first.test_set else "")
    figure = PageFigure(
        f"learning_curves_{place + 1}",
        f"{words.title(first.metric.text)} against the number of training frames: {title}, {first.num_frames:,} test "
        "frames",
        "Every training is a dot, bars are intervals over trainings, lines the fitted laws.",
        draw_learning_curves(shown, words.title(first.metric.text), first.unit, findings.marks),
        _data(tables, names),
    )
    times = times_by_size(tables, title)
    return [figure, _table(findings, tables, curves, missing, unmatched, title), *([] if times is None else [times])]


class _Draw(NamedTuple):
    """A training at all sizes."""

    fold: int | None
    training: int


def _values(tables: Sequence[Table], name: str) -> tuple[list[_Draw], FloatArray]:
    """Return the trainings, and the error of each at each size, shape (trainings, sizes); NaN where there is none."""
    found = [
        {
            _Draw(member.label.fold, member.label.training): value
            for member, value in zip(table.rows[name].finished, table.rows[name].mean.values, strict=True)
        }
        if name in table.rows
        else {}
        for table in tables
    ]
    draws = sorted(set[_Draw]().union(*found), key=lambda draw: (draw.fold or 0, draw.training))
    values = np.array([[each.get(draw, np.nan) for each in found] for draw in draws])
    return draws, values.reshape(len(draws), len(tables))


def _lost(tables: Sequence[Table], name: str) -> set[_Draw]:
    """Return the trainings that have no error at some size, for they diverged."""
    lost = (member for table in tables if name in table.rows for member in table.rows[name].lost)
    return {_Draw(member.label.fold, member.label.training) for member in lost}


def _shown(
    tables: Sequence[Table], name: str, sizes: IntArray, values: FloatArray, curve: LearningCurve | None
) -> CurveShown:
    rows = [table.rows.get(name) for table in tables]
    means = np.array([np.nan if row is None or row.mean.mean is None else row.mean.mean for row in rows])
    intervals = [None if row is None else row.mean.interval for row in rows]
    lows = np.array([np.nan if each is None else each.low for each in intervals])
    highs = np.array([np.nan if each is None else each.high for each in intervals])
    known = np.isfinite(lows).any()
    fit = None if curve is None or curve.exponent.mean is None else (curve.prefactor, curve.exponent.mean)
    return CurveShown(name, sizes, values, means, lows if known else None, highs if known else None, fit)


def _table(
    findings: Findings,
    tables: Sequence[Table],
    curves: Mapping[str, LearningCurve],
    missing: Mapping[str, int],
    unmatched: Sequence[str],
    title: str,
) -> PageTable:
    last = tables[-1]
    reference = findings.reference(last)
    reference = reference if reference in curves else next(iter(curves), None)
    columns = (
        Column("Architecture"),
        Column("Exponent b", "", f"Of the law A · N^(−b), with its interval {_over(findings).partition(',')[0]}."),
        Column(f"Error at {last.group.size:,} frames", last.unit),
        Column(
            "Data efficiency",
            "",
            f"Frames that {reference} needs for this error, divided by its largest number; above 1 is better. "
            "None where that is beyond twice the largest size.",
        ),
        Column("Scope", "", "To which training sets the interval applies."),
    )
    rows = []
    for name, curve in curves.items():
        row = last.rows.get(name)
        efficiency = (
            data_efficiency(curve, curves[reference]) if reference in curves and reference is not None else None
        )
        found = curve.exponent
        ends = found.interval and f"{exponent(found.interval.low)} to {exponent(found.interval.high)}"
        floor = "" if curve.floor is None else f"levels off at {three_digits(curve.floor.floor)} {last.unit}"
        lacking = f"{missing[name]} missing" if missing[name] else ""
        rows.append(
            (
                Value(name),
                Value(
                    "" if found.mean is None else f"{exponent(found.mean)} ({ends or found.basis})",
                    found.mean,
                    note="; ".join(filter(None, [floor, lacking])),
                ),
                Value(words.error(row.mean), row.mean.mean) if row else Value("not trained at this size"),
                Value("" if efficiency is None else f"{efficiency:.2g}", efficiency),
                Value(_scope(last, name)),
            )
        )
    notes = [
        f"No exponent for {', '.join(unmatched)}: no training is known to be of the same draw at all sizes. Expected "
        "the same seeds, and splits that differ in their numbers of frames alone."
    ]
    return PageTable(f"Learning curves: {title}", columns, tuple(rows), tuple(notes if unmatched else ()))


def _scope(table: Table, name: str) -> str:
    """Tell to which training sets an interval applies, by how many frames the trainings have in common."""
    if name not in table.rows:
        return ""
    if table.folds is not None:
        return f"corrected resampling over {table.folds.number} folds"
    shared = shared_frames(table.rows[name].finished)
    size = table.group.size or 0
    if shared is None:
        return "one training set"
    pool = round(size / shared) if shared > 0 else 10**9
    found = scope(size, pool)
    return str(found) if found is Scope.ANY_FRAMES else f"{found}: trainings share {shared:.0%} of their frames"


def _data(tables: Sequence[Table], names: Sequence[str]) -> PageTable:
    columns = (Column("Architecture"), *(Column(f"{table.group.size:,} frames", table.unit) for table in tables))
    rows = [
        (
            Value(name),
            *(
                Value(words.error(table.rows[name].mean), table.rows[name].mean.mean)
                if name in table.rows
                else Value("")
                for table in tables
            ),
        )
        for name in names
    ]
    return PageTable("Numbers of the figure", columns, tuple(rows))
