"""The trainings of a study as a report takes them: label, outcome, numbers."""

from __future__ import annotations

from collections.abc import Sequence

from potbench.results.member import Absent, Label, Member, Outcome
from potbench.results.reading import Reading
from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.commands import Stage, stages_asked_for
from potbench.studies.running.own_run import not_own
from potbench.studies.running.state import state_of
from potbench.studies.study import Study

UNDER_WAY = {CellState.PLANNED, CellState.RUNNING, CellState.INTERRUPTED}
LONGEST = 300
"""Characters of the error of a cell that a report shows."""


def members_of_study(folder: StudyFolder, plan: Plan, study: Study) -> tuple[list[Member], list[Absent]]:
    """Return the trainings of a study, and what it leaves out; states are read from files.

    Args:
        folder: of the study.
        plan: its cells.
        study: tells which architectures are baselines.
    """
    absent = [Absent(each.label, each.reason.removesuffix("."), "note") for each in plan.left_out]
    members, stages = [], stages_asked_for(study)
    for cell in plan.cells:
        member, late = _member(folder, cell, cell.architecture in study.baselines, stages)
        members.append(member)
        absent += [] if late is None else [late]
    planned = {cell.name for cell in plan.cells}
    if folder.runs.is_dir():
        others = sorted(run.name for run in folder.runs.iterdir() if run.is_dir() and run.name not in planned)
        absent += [
            Absent(name, "the study file has changed, and it is no part of it any more", "note") for name in others
        ]
    return members, absent


def _member(folder: StudyFolder, cell: Cell, baseline: bool, stages: Sequence[Stage]) -> tuple[Member, Absent | None]:
    """Return a training, and what has failed after its test."""
    label = Label(cell.architecture, cell.dataset, cell.size, cell.training, cell.fold, baseline)
    reading = Reading(folder.run(cell))
    state = state_of(folder, cell, stages)
    outcome, reason, late = reading.outcome, reading.reason, None
    if differs := not_own(folder, cell):
        outcome, reason = Outcome.FAILED, f"its run is that of another training: {differs}"
    elif outcome is Outcome.FINISHED:
        if state is CellState.FAILED:
            late = Absent(f"{label.text}: cost, laws or work", _error(folder, cell))
    elif state is CellState.FAILED:
        outcome, reason = Outcome.FAILED, _error(folder, cell)
    elif outcome is Outcome.MISSING:
        # of what was trained, its files say more than the state: what is missing, and which command makes it
        reason = str(state) if state in UNDER_WAY else reading.reason
    return Member(label, reading.folder, outcome, reason, reading.record, reading.choices, cell.identity), late


def _error(folder: StudyFolder, cell: Cell) -> str:
    """Return why a cell failed: the end of its error, which says most."""
    try:
        text = " ".join(folder.error(cell).read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return "its error is not there"
    return (text if len(text) <= LONGEST else f"… {text[-LONGEST:]}").removesuffix(".")
