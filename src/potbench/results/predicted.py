"""Predictions of single trainings, forces included: of one at a time, since all together would fill the memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from potbench.loading import Store
from potbench.results.member import Member
from potbench.results.row import Row
from potbench.results.table import Table
from potbench.runs.predictions import in_order
from potbench.runs.predictions_file import read_predictions
from potbench.runs.written_places import stored
from potbench.structures import Column


def predictions(member: Member) -> Mapping[str, Column]:
    """Read everything that a training predicted, in the order of the frames."""
    return in_order(read_predictions(member.folder.predictions))


def on_all_frames(row: Row) -> Mapping[str, Column]:
    """Read what the training in the middle predicted on all test frames of a table, in their order.

    Of folds that test other frames each, it has a run for every one, whose arrays of frames and components are joined.
    """
    middle = typical(row)
    runs = [predictions(member) for member in next(each for each in row.trainings if middle in each)]
    if len(runs) == 1:
        return runs[0]
    return {name: np.concatenate([run[name] for run in runs]) for name in runs[0] if all(name in run for run in runs)}


def typical(row: Row) -> Member:
    """Return the training in the middle, by its error; of an even number, the better one."""
    order = np.argsort(np.array(row.mean.values), kind="stable")
    return row.finished[int(order[(len(order) - 1) // 2])]


def store_of(table: Table) -> Store | None:
    """Return the store of a table, where it still lies there; None elsewhere."""
    member = next(member for row in table.rows.values() for member in row.finished)
    return stored(member.known.data, member.choices.root if member.choices else None)
