"""Writes the plan of a study and the config of each cell, before any is trained."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from potbench.errors import RecordError, RunError
from potbench.studies.cells import Cell, Plan, Searched
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.cell_config import Config
from potbench.studies.planning.planner import Planner, Tuned
from potbench.studies.running.cost_cells import with_cost_measured
from potbench.whole_file import write_text


def make_plan(
    planner: Planner, tuned: Tuned | None = None, only: Sequence[str] = (), searches: Sequence[Searched] = ()
) -> Plan:
    """Return the plan of a study, and write it and the config of each cell into the folder of the study.

    The data are prepared, and every config is read and every split divided, so that nothing is found wrong later that
    could be found now. What is planned again stays as it is; files are written only where they change.

    Args:
        planner: of the study.
        tuned: what a search has found.
        only: texts in the labels of what is asked for, as in `Plan.chosen`; where it is not there, nothing is written.
        searches: those that found it.

    Raises:
        PotbenchError: something cannot work; the message says for which architecture and dataset.
    """
    study, folder = planner.study, planner.folder
    planned = list(planner.cells(tuned or {}))
    plan = Plan(
        cells=tuple(cell for cell, _ in planned),
        left_out=tuple(dict.fromkeys(planner.left_out)),
        threads=study.run.threads,
        retries=study.run.retries,
        accelerator=study.run.accelerator,
        notes=tuple(dict.fromkeys(planner.notes)),
        searches=tuple(searches),
    )
    plan.chosen(only)  # refuses what is not there
    plan.require_reference(study.reference)
    plan = with_cost_measured(folder, plan)
    for cell, config in planned:
        _write(folder, cell, config)
    if _stored(folder) != plan:
        folder.save_plan(plan)
    return plan


def no_longer_planned(folder: StudyFolder, plan: Plan) -> list[str]:
    """Return the names of runs in the folder of a study that do not belong to it any more; none is ever deleted."""
    names = {cell.name for cell in plan.cells}
    runs = folder.runs.iterdir() if folder.runs.is_dir() else ()
    return sorted(run.name for run in runs if run.is_dir() and run.name not in names)


def _stored(folder: StudyFolder) -> Plan | None:
    """Return the plan in the folder of a study; None without one, and for one that is damaged: it is written anew."""
    try:
        return folder.load_plan()
    except (RunError, RecordError):
        return None


def _write(folder: StudyFolder, cell: Cell, config: Config) -> None:
    """Write the config of a cell, where it is not there as it is."""
    file = folder.config(cell)
    text = f"# {cell.label}\n" + yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_text(file, text)
