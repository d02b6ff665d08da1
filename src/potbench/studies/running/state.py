"""How far a cell has come: read from files, which are there after any end of the processes that wrote them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from potbench.runs.folder import RunFolder
from potbench.runs.lock import is_in_use
from potbench.studies.cells import Cell, CellState
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_lock import is_held
from potbench.studies.running.commands import STAGES, Stage, stages_of


def state_of(folder: StudyFolder, cell: Cell, stages: Sequence[Stage] = STAGES) -> CellState:
    """Return how far a cell has come.

    Args:
        folder: of the study.
        cell: one of its cells.
        stages: the commands of the study.
    """
    run = folder.run(cell)
    at_rest = state_at_rest(folder, cell, stages)
    if not at_rest.is_final and (is_held(folder.lock(cell)) or is_in_use(run)):
        return CellState.RUNNING
    return at_rest


def state_at_rest(folder: StudyFolder, cell: Cell, stages: Sequence[Stage] = STAGES) -> CellState:
    """Return how far a cell has come, if nobody works on it; arguments as those of `state_of`."""
    run = folder.run(cell)
    record = results_of(run)
    if record.get("diverged") is not None:
        return CellState.DIVERGED
    if all(stage.is_done(record, run) for stage in stages_of(cell, stages)):
        return CellState.FINISHED
    if folder.error(cell).is_file():
        return CellState.FAILED
    done = {stage.name for stage in stages if stage.is_done(record, run)}
    if "test" in done:
        return CellState.TESTED
    if "fit" in done:
        return CellState.TRAINED
    return CellState.INTERRUPTED if run.config.is_file() or run.last.is_file() else CellState.PLANNED


def next_stage(folder: StudyFolder, cell: Cell, stages: Sequence[Stage] = STAGES) -> Stage | None:
    """Return the first command whose result is missing; None where there is nothing left to do."""
    run = folder.run(cell)
    record = results_of(run)
    if record.get("diverged") is not None:
        return None
    return next((stage for stage in stages_of(cell, stages) if not stage.is_done(record, run)), None)


def results_of(run: RunFolder) -> dict[str, Any]:
    """Return the record of a run as JSON holds it; empty without one, and for one that is damaged.

    A damaged record is taken for no result: the next command says what is wrong with it.
    """
    try:
        found = json.loads(run.record.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
