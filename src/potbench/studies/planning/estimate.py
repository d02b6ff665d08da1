"""What a study will take: hours and disk, from what was timed and from what is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.timing import known_times
from potbench.studies.running.commands import Stage, stages_of
from potbench.studies.running.state import results_of

START = 8.0
"""Seconds that a process takes to start and to end, where none was timed."""


@dataclass(frozen=True)
class Estimate:
    """What is left to do of a study.

    Args:
        seconds: of one training after the other, all processes that belong to it included.
        disk: bytes, with what is there already.
        untimed: labels of cells of which nothing is known, such as those that are solved at once; they count nothing.
        from_finished: how many of the others are known from finished ones; the rest from timed steps.
    """

    seconds: float
    disk: int
    untimed: tuple[str, ...]
    from_finished: int


def estimate(folder: StudyFolder, plan: Plan, states: Mapping[Cell, CellState], stages: Sequence[Stage]) -> Estimate:
    """Return what is left to do.

    Args:
        folder: of the study.
        plan: of the study.
        states: of the cells that are meant.
        stages: the commands of the study.
    """
    timed = known_times(folder)
    start = fmean([each.start for each in timed]) if timed else START
    done = {cell: seconds for cell in plan.cells if (seconds := training_seconds(folder, cell)) is not None}
    sizes = [_size(folder.run(cell).path) for cell in done]
    each_run = fmean(sizes) if sizes else fmean([one.disk for one in timed]) if timed else 0.0
    seconds, untimed, from_finished, runs = 0.0, [], 0, 0
    for cell, state in states.items():
        runs += 1
        if state.is_final:
            continue
        seconds += start * len(stages_of(cell, stages))
        if cell in done:
            continue
        alike = [time for other, time in done.items() if _is_alike(other, cell)]
        if alike:
            seconds += fmean(alike)
            from_finished += 1
        elif cell.seconds is not None:
            seconds += cell.seconds
        else:
            untimed.append(cell.label)
    return Estimate(seconds, round(runs * each_run), tuple(untimed), from_finished)


def training_seconds(folder: StudyFolder, cell: Cell) -> float | None:
    """Return how long a cell has trained; None before it has ended."""
    cost = results_of(folder.run(cell)).get("cost") or {}
    wall_time = cost.get("wall_time") or {}
    return wall_time.get("value")


def _is_alike(one: Cell, other: Cell) -> bool:
    return (one.architecture, one.dataset, one.size, one.steps) == (
        other.architecture,
        other.dataset,
        other.size,
        other.steps,
    )


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
