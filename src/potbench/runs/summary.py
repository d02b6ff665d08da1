"""What a run prints when it ends."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from potbench.reporting.tables import cost_table, error_table
from potbench.runs.record import Record


def print_summary(record: Record, run: Path, stage: str, console: Console | None = None) -> None:
    """Print the errors of a run, what training took, and where the run is.

    Args:
        record: of the run.
        run: its folder.
        stage: whose errors are printed: validation or test.
        console: where to print; by default the terminal.
    """
    console = console or Console()
    console.print(error_table(record.metrics[stage], f"Errors on the {stage} set"))
    costs = {}
    if record.cost:
        cost = record.cost
        costs = {"Speed": cost.throughput, "Wall time": cost.wall_time, "Peak memory": cost.peak_memory}
    budget = vars(record.budget) if record.budget else {}
    console.print(cost_table(record.num_parameters, costs, budget))
    if record.split.leakage:
        console.print(f"Split: {record.split.leakage.text}.\n", highlight=False)
    # on a line of its own and never wrapped, so that it can be copied
    console.print("Run folder:")
    console.print(str(run), soft_wrap=True, markup=False, highlight=False)
