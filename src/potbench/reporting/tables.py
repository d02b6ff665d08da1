"""Tables of one run, for the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from rich import box
from rich.table import Table

from potbench.reporting.rounding import four_decimals, three_digits
from potbench.units import Quantity


def error_table(metrics: Mapping[str, Quantity], title: str) -> Table:
    """Return a table of MAE, RMSE and R² of energies and forces, a row for each unit they are given in.

    Args:
        metrics: energy_mae and so on → error.
        title: of the table.
    """
    table = Table("", "Unit", title=title, box=box.SIMPLE)
    for name in ("MAE", "RMSE", "R²"):
        table.add_column(name, justify="right")
    for name in ("energy", "forces"):
        for suffix in ("", "_mev", "_per_atom_mev"):
            mae, rmse, r2 = (metrics.get(f"{name}_{error}{suffix}") for error in ("mae", "rmse", "r2"))
            measured = mae or rmse
            if measured is not None:
                errors = (three_digits(error.value) if error else "" for error in (mae, rmse))
                table.add_row(name.capitalize(), measured.unit, *errors, four_decimals(r2.value) if r2 else "")
    return table


def range_table(measured: Mapping[str, tuple[float, float, float, str]], title: str) -> Table:
    """Return a table of what was measured several times.

    Args:
        measured: name → median, smallest, largest, and their unit.
        title: of the table.
    """
    table = Table("", "Unit", title=title, box=box.SIMPLE)
    for name in ("median", "range"):
        table.add_column(name, justify="right")
    for name, (median, low, high, unit) in measured.items():
        shown = "" if low == high else f"{three_digits(low)} – {three_digits(high)}"
        table.add_row(name, unit, three_digits(median), shown)
    return table


def calibration_table(rows: Mapping[str, tuple[float | None, float | None]], title: str) -> Table:
    """Return a table of how well spreads describe errors.

    Args:
        rows: number → before and after calibration; None where it is not known.
        title: of the table.
    """
    table = Table("", title=title, box=box.SIMPLE)
    for name in ("before", "calibrated"):
        table.add_column(name, justify="right")
    for name, values in rows.items():
        table.add_row(name, *("" if value is None else three_digits(value) for value in values))
    return table


def cost_table(num_parameters: int | None, costs: Mapping[str, Quantity], budget: Mapping[str, int]) -> Table:
    """Return a table of what training took.

    Args:
        num_parameters: how many numbers training found; None where it is not known.
        costs: what is measured → how much; a value that is not finite is left out.
        budget: what is counted → how many.
    """
    table = Table(box=box.SIMPLE, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    if num_parameters is not None:
        table.add_row("Parameters", f"{num_parameters:,}")
    for name, cost in costs.items():
        if cost.value is not None:
            text = f"{three_digits(cost.value)} {cost.unit}"
            if cost.unit == "s" and cost.value >= 60:
                text += f" ({timedelta(seconds=round(cost.value))})"
            table.add_row(name, text)
    if budget:
        table.add_row("Budget", ", ".join(f"{num:,} {what}" for what, num in budget.items()))
    return table
