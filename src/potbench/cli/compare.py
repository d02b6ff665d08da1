"""python -m potbench compare."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.errors import PotbenchError

if TYPE_CHECKING:
    from potbench.studies.cells import Cell, CellState, Plan
    from potbench.studies.folder import StudyFolder
    from potbench.studies.planning.planner import Planner, Tuned
    from potbench.studies.running.commands import Stage
    from potbench.studies.study import Study

MOST_SHOWN = 20


def compare(
    study: Path,
    *,
    dry_run: bool = False,
    status: bool = False,
    only: list[str] = [],  # noqa: B006 — never changed
    report: bool = False,
    retry_failed: bool = False,
    study_dir: Path | None = None,
    allow: list[str] = [],  # noqa: B006 — never changed
) -> int:
    """Train all that a study file compares, and write a page on it.

    The same command goes on where an interrupted one ended, and trains what is new where the file has changed. The exit
    status is 1 where a training failed.

    Args:
        study: a study file, such as configs/studies/quick.yaml.
        dry_run: only show what would be trained, and estimate hours and disk; steps are timed for it.
        status: only show how far the study is.
        only: train those alone whose label or name has one of these texts in it, such as "schnet ethanol".
        report: only write the page again.
        retry_failed: train those again that failed earlier.
        study_dir: folder of the study; by default runs/studies/NAME.
        allow: packages that you trust, whose classes the configs may name beside those of potbench.
    """
    from potbench.cli.environment import drop_settings
    from potbench.studies.folder import StudyFolder
    from potbench.studies.planning.read_study import read_study

    drop_settings()
    if dry_run + status + report > 1:
        raise PotbenchError(
            "Of --dry_run, --status and --report more than one is given. Expected one. Remove the others."
        )
    what = read_study(study)
    folder = StudyFolder(study_dir or Path("runs") / "studies" / what.name)
    if status or report:
        what = _as_planned(study, folder, what)
    what = replace(what, run=replace(what.run, allow=(*what.run.allow, *allow)))
    command = _command(study, study_dir, allow)
    if status:
        return _show_status(folder, what, only)
    if report:
        return _write_report(folder, what, command)
    from potbench.runs.signals import Stopped
    from potbench.studies.running.cost_cells import with_cost_measured
    from potbench.studies.running.devices import on_devices
    from potbench.studies.running.launch import run_study
    from potbench.studies.running.own_run import require_own_runs
    from potbench.studies.searches.tune_study import found_so_far, searched

    try:
        what = on_devices(what, print)
        planner, plan = _planned(study, what, folder, only, dry_run)
        if dry_run:
            return _show_plan(folder, what, plan, only)
        require_own_runs(folder, plan.chosen(only))
        result = run_study(folder, plan, what, only, retry_failed)
        tuned = found_so_far(planner)
        if tuple(searched(planner, tuned)) != plan.searches:  # another command has tuned more in the meantime
            plan = _as_tuned(planner, tuned, only)
        plan = with_cost_measured(folder, plan)
    except Stopped as stop:
        print(f"\npotbench: {stop}", file=sys.stderr)
        return stop.status
    _write_report(folder, what, command, plan)
    return 0 if result.is_complete else 1


def _planned(file: Path, study: Study, folder: StudyFolder, only: Sequence[str], is_dry: bool) -> tuple[Planner, Plan]:
    """Make the plan, and say what is not as a reader of the study file might think."""
    from potbench.cli.study_configs import StudyConfigs
    from potbench.studies.planning.make_plan import no_longer_planned
    from potbench.studies.planning.planner import Configs, Planner
    from potbench.studies.planning.study_checks import too_many_threads
    from potbench.studies.running.commands import stages_asked_for
    from potbench.studies.running.devices import no_device
    from potbench.studies.yaml_text import WrittenFileError
    from potbench.whole_file import write_text

    problem = next(too_many_threads(study), None) or (None if is_dry else next(no_device(study), None))
    if problem:
        raise WrittenFileError(file, problem)
    configs = StudyConfigs(study, file)
    planner = Planner(study, folder, Configs(configs.resolve, configs.data))
    tuned = _tuned(planner, only, is_dry)
    plan = _as_tuned(planner, tuned, only)
    if is_dry:  # what it will take is asked of what is left to do alone
        states = _states(folder, plan, only, stages_asked_for(study))
        planner.timed = {(cell.architecture, cell.dataset) for cell, state in states.items() if not state.is_final}
        plan = _as_tuned(planner, tuned, only) if planner.timed else plan
    text = file.read_text(encoding="utf-8")
    if not folder.study.is_file() or folder.study.read_text(encoding="utf-8") != text:
        write_text(folder.study, text)
    for note in plan.notes:
        print(note)
    for left_out in plan.left_out:
        print(f"{left_out.label} is left out. {left_out.reason}")
    strangers = no_longer_planned(folder, plan)
    if strangers:
        listed = ", ".join(strangers[:MOST_SHOWN]) + (" …" if len(strangers) > MOST_SHOWN else "")
        print(
            f"{len(strangers)} of the runs in {folder.runs} do not belong to the study as it is now, and are not on "
            f"its page: {listed}. Delete them if you do not need them."
        )
    return planner, plan


def _as_tuned(planner: Planner, tuned: Tuned, only: Sequence[str]) -> Plan:
    """Write the plan with the values that searches have found."""
    from potbench.studies.planning.make_plan import make_plan
    from potbench.studies.searches.tune_study import searched

    return make_plan(planner, tuned, only, searched(planner, tuned))


def _tuned(planner: Planner, only: Sequence[str], is_dry: bool) -> Tuned:
    """Search first, where the study tunes; say what is not searched."""
    tuning = planner.study.tuning
    if tuning is None:
        return {}
    from potbench.runs.signals import Stopped
    from potbench.studies.searches.tune import SearchStopped
    from potbench.studies.searches.tune_study import found_so_far, require_searches, searches_of, tune_study, untuned

    for name in untuned(planner.study):
        print(f"{name} is not tuned: nothing of it is searched.")
    require_searches(planner)
    if not is_dry:
        try:
            found = tune_study(planner, only, lambda line: print(line, flush=True))
            return {**found_so_far(planner), **found}  # by then, another command may have tuned the others
        except SearchStopped as stop:
            raise Stopped(str(stop), 128 + stop.signal) from stop
    found = found_so_far(planner)
    for pair, _ in searches_of(planner):
        if pair not in found:
            print(
                f"{' on '.join(pair)} is tuned first: {tuning.trials} trials of {tuning.budget:.0%} of its training, "
                "which are not counted below."
            )
    return found


def _as_planned(file: Path, folder: StudyFolder, study: Study) -> Study:
    """Return the study that the folder holds; say where the file is another one by now."""
    from potbench.studies.planning.read_study import planned_study

    if not folder.study.is_file() or folder.study.read_text(encoding="utf-8") == file.read_text(encoding="utf-8"):
        return study
    print(f"{file} has changed since it was planned, as {folder.study}, which is what is shown; compare plans anew.")
    return planned_study(folder.study, file)


def _command(file: Path, study_dir: Path | None, allow: Sequence[str]) -> str:
    """Return the command that makes a study again."""
    words = ["python", "-m", "potbench", "compare", str(file)]
    words += [] if study_dir is None else ["--study_dir", str(study_dir)]
    return shlex.join([*words, *(["--allow", *allow] if allow else [])])


def _show_status(folder: StudyFolder, study: Study, only: Sequence[str]) -> int:
    """Show how far the cells are: from files alone."""
    from potbench.studies.running.commands import stages_asked_for
    from potbench.studies.running.own_run import not_own

    plan = folder.load_plan()
    stages = stages_asked_for(study)
    states = _states(folder, plan, only, stages)
    _print_table(states)
    from potbench.studies.cells import CellState

    for cell, state in states.items():
        if state is CellState.FAILED:
            first = folder.error(cell).read_text(encoding="utf-8").partition("\n")[0]
            print(f"{first} See {folder.error(cell)}")
        if differs := not_own(folder, cell):
            print(f"{cell.label}: the run in {folder.run(cell).path} is that of another training: {differs}.")
    return 0


def _show_plan(folder: StudyFolder, study: Study, plan: Plan, only: Sequence[str]) -> int:
    """Show what would be trained, and what it would take."""
    from potbench.studies.planning.estimate import estimate
    from potbench.studies.running.commands import stages_asked_for

    stages = stages_asked_for(study)
    states = _states(folder, plan, only, stages)
    _print_table(states)
    left = estimate(folder, plan, states, stages)
    at_once = study.run.at_once
    hours = timedelta(seconds=round(left.seconds / at_once))
    threads = f"{study.run.threads} thread{'s' if study.run.threads > 1 else ''}"
    print(f"About {hours} left, {at_once} at once with {threads} each, and {left.disk / 1e6:,.0f} MB of disk in all.")
    if study.examine.work:
        print("Not counted: the examinations, each of which says first how long it takes.")
    if left.untimed:
        print(f"Not counted, since they are solved at once or have no length: {', '.join(left.untimed[:MOST_SHOWN])}.")
    return 0


def _states(folder: StudyFolder, plan: Plan, only: Sequence[str], stages: Sequence[Stage]) -> dict[Cell, CellState]:
    from potbench.studies.running.state import state_of

    return {cell: state_of(folder, cell, stages) for cell in plan.chosen(only)}


def _print_table(states: Mapping[Cell, CellState]) -> None:
    """Print a line for each architecture, dataset and size, with how many cells have come how far."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Architecture", "Dataset", "N", "Steps", "Seconds", "Cells", box=None, header_style="bold")
    rows: dict[tuple[str, str, str, str, str], Counter[CellState]] = {}
    for cell, state in states.items():
        steps = "–" if cell.steps is None else f"{cell.steps:,}"
        seconds = "–" if cell.seconds is None else f"{cell.seconds:,.0f}"
        row = cell.architecture, cell.dataset, f"{cell.num_train:,}", steps, seconds
        rows.setdefault(row, Counter())[state] += 1
    for row, counts in rows.items():
        table.add_row(*row, ", ".join(f"{number} {state}" for state, number in counts.items()))
    console = Console(highlight=False)
    console.print(table)
    done = sum(state.is_final for state in states.values())
    console.print(f"{done} of {len(states)} cells done.")


def _write_report(folder: StudyFolder, study: Study, command: str, plan: Plan | None = None) -> int:
    from potbench.studies.report import write_study_report

    write_study_report(folder, study, command, plan)
    return 0
