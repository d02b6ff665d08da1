"""With which training of each architecture and dataset the cost of inference is measured."""

from __future__ import annotations

from dataclasses import replace

from potbench.studies.cells import Cell, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.state import results_of


def with_cost_measured(folder: StudyFolder, plan: Plan) -> Plan:
    """Return the plan with the next training in place of one that should measure cost and has diverged.

    Args:
        folder: of the study, whose files say what has diverged.
        plan: of the study.
    """
    cells = list(plan.cells)
    for cell in plan.cells:
        if cell.measures_cost and _has_diverged(folder, cell):
            alike = [other for other in cells if _kind(other) == _kind(cell) and not _has_diverged(folder, other)]
            for other in alike[:1]:
                cells[cells.index(cell)] = replace(cell, measures_cost=False)
                cells[cells.index(other)] = replace(other, measures_cost=True)
    return replace(plan, cells=tuple(cells))


def _kind(cell: Cell) -> tuple[str, str, int | None]:
    return cell.architecture, cell.dataset, cell.size


def _has_diverged(folder: StudyFolder, cell: Cell) -> bool:
    return results_of(folder.run(cell)).get("diverged") is not None
