"""Errors by the distance of a test frame to the nearest frame that the same training was trained on."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from potbench.reporting.rounding import three_digits
from potbench.results.table import Table
from potbench.results.words import listing
from potbench.runs.predictions import training_frames_compared
from potbench.structures import FloatArray, IntArray

NONE_ALIKE = "no training frame of its composition"


class ByDistance(NamedTuple):
    """Errors in ranges of the distance.

    Attributes:
        groups: names of the ranges, in Å; the last may be that of frames with nothing to be near to.
        errors: architecture → shape (groups,), over frames of all its trainings; NaN for none.
        counts: shape (groups,), frames of a training in each, the mean over trainings.
        remarks: what a reader should know besides: sentences.
    """

    groups: list[str]
    errors: dict[str, FloatArray]
    counts: IntArray
    remarks: list[str]


def by_distance(table: Table, most: int, fewest: int) -> ByDistance | None:
    """Divide the test frames of each training into ranges that have, over all trainings, equally many frames.

    Args:
        table: errors of trainings, each with its own training frames.
        most: ranges.
        fewest: frames of a training in each; where there are fewer than two ranges, there is nothing to show.
    """
    whole = table.group.whole
    distances: dict[str, list[FloatArray]] = {}
    unknown = []
    for name, row in table.rows.items():
        found = [each[table.frames] for each in (whole[one].nearest for one in row.trainings) if each is not None]
        if found and len(found) == len(row.trainings):
            distances[name] = found
        elif row.trainings:
            unknown.append(name)
    every = [each for found in distances.values() for each in found]
    finite = np.concatenate([each[np.isfinite(each)] for each in every] or [np.empty(0)])
    num_ranges = min(most, len(finite) // (fewest * max(1, len(every))))
    if num_ranges < 2:
        return None
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, num_ranges + 1)))
    groups = [f"{three_digits(low)}–{three_digits(high)}" for low, high in pairwise(edges)] + [NONE_ALIKE]
    errors, counts = {}, np.zeros(len(groups))
    for name, found in distances.items():
        sums, weights = np.zeros(len(groups)), np.zeros(len(groups))
        for distance, error in zip(found, table.rows[name].errors.errors, strict=True):
            measured = ~np.isnan(distance)
            group = np.searchsorted(edges[1:-1], distance[measured], side="right")
            group[np.isinf(distance[measured])] = len(groups) - 1
            weight = table.weights[measured]
            sums += np.bincount(group, weight * error[measured], len(groups))
            weights += np.bincount(group, weight, len(groups))
            counts += np.bincount(group, minlength=len(groups)) / len(every)
        with np.errstate(invalid="ignore"):
            errors[name] = np.sqrt(sums / weights) if table.metric.squared else sums / weights
    shown = np.flatnonzero(counts)
    remarks = []
    measured_frames = round(counts.sum())
    if measured_frames < table.num_frames:
        remarks.append(f"Measured for {measured_frames:,} test frames, drawn at random.")
    trained = max(member.known.split.train for row in table.rows.values() for member in row.finished)
    if (compared := training_frames_compared(trained)) < trained:
        remarks.append(f"The nearest of {compared:,} training frames, drawn at random.")
    if unknown:
        remarks.append(f"Not known for {listing(unknown)}: an earlier version tested it, and test writes it anew.")
    return ByDistance(
        [groups[index] for index in shown],
        {name: each[shown] for name, each in errors.items()},
        np.rint(counts[shown]).astype(np.int64),
        remarks,
    )
