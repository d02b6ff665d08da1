"""What a run prints when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from potbench.reporting.tables import calibration_table, cost_table, error_table, range_table
from potbench.runs.evaluation import Evaluation, Stage
from potbench.runs.record import InferenceCost, Record
from potbench.runs.split_summary import SplitSummary
from potbench.runs.spreads import SpreadFound, rows_of
from potbench.units import Quantity


def print_summary(record: Record, run: Path, stage: Stage, console: Console | None = None) -> None:
    """Print the errors of a run, what training took, and where the run is.

    Args:
        record: of the run.
        run: its folder.
        stage: whose errors are printed.
        console: where to print; by default the terminal.
    """
    console = console or Console()
    _print_errors(record.metrics[stage], record.test_sets if stage == "test" else {}, stage, console)
    if stage == "test":
        _print_spreads(record.spreads, console)
    costs = {}
    if record.cost:
        cost = record.cost
        every = {
            "Speed": cost.throughput,
            "Wall time": cost.wall_time,
            "CPU time": cost.cpu_time,
            "Feature cache": cost.preparation,
            "Peak memory": cost.peak_memory,
        }
        costs = {name: cost for name, cost in every.items() if cost is not None and cost.value != 0}
    budget = vars(record.budget) if record.budget else {}
    console.print(cost_table(record.num_parameters, costs, budget))
    _print_split(record.split, console)
    _print_folder("Run folder:", run, console)


def print_evaluation(evaluation: Evaluation, folder: Path, stage: Stage, console: Console | None = None) -> None:
    """Print the errors of an evaluation that is not that of its run: what was evaluated, and where it is.

    Args:
        evaluation: has metrics of its own.
        folder: where its predictions are.
        stage: what was evaluated.
        console: where to print; by default the terminal.
    """
    console = console or Console()
    _print_errors(evaluation.metrics or {}, evaluation.test_sets, stage, console)
    _print_spreads(evaluation.spreads, console)
    lines = [f"Checkpoint: {evaluation.checkpoint or 'none, weights that were never trained'}"]
    if evaluation.data:
        about = f"{evaluation.data.name}, {evaluation.data.num_frames:,} frames"
        lines.append(f"Data: {about}, other than those of the training: whether it knows some of them is not known.")
    if evaluation.settings:
        lines.append(f"Settings: {evaluation.settings}")
    if evaluation.frames_seen:
        lines.append(
            f"{evaluation.frames_seen:,} of these frames trained or validated the run, so errors are too small."
        )
    for line in lines:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    if evaluation.split:
        _print_split(evaluation.split, console)
    _print_folder("The errors of the run itself are as they were. These are in its record, and in", folder, console)


def print_inference(cost: InferenceCost, console: Console | None = None) -> None:
    """Print what a potential costs at work, and on what machine.

    Args:
        cost: measured.
        console: where to print; by default the terminal.
    """
    console = console or Console()
    memory = cost.peak_memory.value
    rows = {
        "Latency, one molecule": astuple(cost.latency),
        f"Throughput, {cost.frames_at_once:,} frames at once": astuple(cost.throughput),
    }
    if memory is not None:
        rows["Memory of these, above the potential's"] = (memory, memory, memory, cost.peak_memory.unit)
    console.print(range_table(rows, "Energies and forces"))
    machine = cost.provenance.machine
    console.print(
        f"{cost.structures} test frames, from the smallest to the largest; {cost.provenance.digits}, "
        f"{machine.processor}, {machine.cores or 'unknown'} cores.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )


def _print_errors(
    metrics: Mapping[str, Quantity],
    test_sets: Mapping[str, Mapping[str, Quantity]],
    stage: Stage,
    console: Console,
) -> None:
    together = f", {len(test_sets)} sets together" if test_sets else ""
    console.print(error_table(metrics, f"Errors on the {stage} set{together}"))
    for name, errors in test_sets.items():
        console.print(error_table(errors, f"Errors on the test set {escape(name)}"))


def _print_spreads(spreads: Mapping[str, SpreadFound], console: Console) -> None:
    for name, found in spreads.items():
        console.print(calibration_table(rows_of(found), f"Spread of the members: {name}, {found.values:,} values"))


def _print_split(split: SplitSummary, console: Console) -> None:
    console.print(f"Frames: {split.text}.", highlight=False, markup=False)
    if split.leakage:
        console.print(f"Split: {split.leakage.text}.\n", highlight=False)


def _print_folder(title: str, folder: Path, console: Console) -> None:
    # on a line of its own and never wrapped, so that it can be copied
    console.print(title)
    console.print(str(folder), soft_wrap=True, markup=False, highlight=False)
