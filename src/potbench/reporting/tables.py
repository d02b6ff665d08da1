"""The table a run ends with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


def print_table(record: Mapping[str, Any], run: Path, stage: str = "test", console: Console | None = None) -> None:
    """Print the errors of a run, what it took, and where it lies.

    Args:
        record: the record of the run, as RUN/record.json holds it; every number is printed in the unit it stands in.
        run: folder of the run.
        stage: whose errors are printed: train, validation or test.
        console: where to print; the terminal if left out.
    """
    console = console or Console()
    stages = record.get("metrics", {})
    if stage not in stages:
        raise ValueError(
            f"The record of {run} has no errors of the stage {stage!r}, expected one of: "
            f"{', '.join(stages) or 'none, the run was not measured yet'}. Change the argument stage."
        )
    console.print(_errors(stages[stage], stage))
    console.print(_cost(record))
    separation = record.get("split", {}).get("separation")
    if separation:
        console.print(f"Split: {separation['text']}.\n", highlight=False)
    # On a line of its own and never wrapped, so that it can be copied
    console.print("Run folder:")
    console.print(str(run), soft_wrap=True, markup=False, highlight=False)


def three_digits(value: float | None) -> str:
    """A number with three significant digits, or all digits before the point: 0.0432, 4.30, 12,345."""
    if value is None:
        # what a record makes of infinity and NaN
        return "not finite"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def four_decimals(value: float | None) -> str:
    """R² with four decimals, since good potentials differ in the third and fourth; fewer for one far below zero."""
    return three_digits(value) if value is None or value <= -1 else f"{value:.4f}"


def _errors(metrics: Mapping[str, Mapping[str, Any]], stage: str) -> Table:
    table = Table("", "Unit", title=f"Errors of the {stage} part", box=box.SIMPLE)
    for name in ("MAE", "RMSE", "R²"):
        table.add_column(name, justify="right")
    for quantity in ("energy", "forces"):
        for suffix in ("", "_mev", "_per_atom_mev"):
            found = {name: metrics.get(f"{quantity}_{name}{suffix}") for name in ("mae", "rmse", "r2")}
            units = [entry["unit"] for name, entry in found.items() if entry and name != "r2"]
            if not units:
                continue
            r2 = found["r2"]
            table.add_row(
                quantity.capitalize(),
                units[0],
                *(three_digits(entry["value"]) if entry else "" for entry in (found["mae"], found["rmse"])),
                four_decimals(r2["value"]) if r2 else "",
            )
    return table


def _cost(record: Mapping[str, Any]) -> Table:
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    if record.get("num_parameters") is not None:
        table.add_row("Parameters", f"{record['num_parameters']:,}")
    for name, label in (("throughput", "Speed"), ("wall_time", "Wall time"), ("peak_memory", "Peak memory")):
        entry = record.get(name)
        if not entry or entry["value"] is None:
            continue
        text = f"{three_digits(entry['value'])} {entry['unit']}"
        if entry["unit"] == "s" and entry["value"] >= 60:
            text += f" ({timedelta(seconds=round(entry['value']))})"
        table.add_row(label, text)
    budget = record.get("budget") or {}
    if budget:
        table.add_row("Budget", ", ".join(f"{num:,} {what}" for what, num in budget.items() if num is not None))
    return table
