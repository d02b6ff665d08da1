"""Predictions of single trainings, forces included: of one at a time, since all together would fill the memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from potbench.loading import Store
from potbench.results.member import Member
from potbench.results.table import Row, Table
from potbench.runs.written_places import stored
from potbench.structures import Column


def predictions(member: Member) -> Mapping[str, Column]:
    """Read everything that a training predicted."""
    with np.load(member.folder.predictions, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays}


def typical(row: Row) -> Member:
    """Return the training in the middle, by its error; of an even number, the better one."""
    order = np.argsort(np.array(row.mean.values), kind="stable")
    return row.finished[int(order[(len(order) - 1) // 2])]


def store_of(table: Table) -> Store | None:
    """Return the store of a table, where it still lies there; None elsewhere."""
    member = next(member for row in table.rows.values() for member in row.finished)
    return stored(member.known.data, member.choices.root if member.choices else None)
