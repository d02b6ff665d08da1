"""Is the comparison fair?"""

from __future__ import annotations

import math

from potbench.reporting.page.content import Block, Checklist, Column, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.results.columns import table
from potbench.results.conditions import batches_of_step
from potbench.results.findings import Findings
from potbench.results.member import Member
from potbench.results.words import plural
from potbench.units import Quantity

MOST_TABLES = 12
RULED = {"steps": "Steps", "epochs": "Epochs", "frames": "Frames", "wall_time": "Training"}


def section(findings: Findings) -> Section | None:
    """Return the checklist of conditions, and the budgets of all."""
    blocks: list[Block] = [Checklist(findings.fairness.checks), *findings.asked.notes]
    blocks += _budgets(findings)
    return Section("fair", "Is the comparison fair?", tuple(blocks))


def _budgets(findings: Findings) -> list[PageTable | str]:
    """Return how long each has trained: the column that is equal by the rule is marked."""
    ruled = RULED.get(findings.asked.budget or "")
    columns = [
        Column("Architecture"),
        Column("Training frames", "", "Validation frames come on top of them."),
        Column("Epochs", "", "Passes over the training frames."),
        Column("Steps", "", "Optimizer steps."),
        Column("Frames", "", "Frames trained on, repetitions counted."),
        Column("Batch size", "", "Frames of a batch, times the batches of an optimizer step where these are several."),
        Column("Training", "s", "Wall time with validation, mean over trainings."),
        Column("CPU", "s", "Of all cores, mean over trainings: a shared machine lengthens the wall time alone."),
        Column("Trials", "", "Trainings of the search for hyperparameters."),
        Column("Parameters", "", "Numbers that training finds."),
    ]
    marked = [
        column._replace(name=f"{column.name} (equal)", explains=f"{column.explains} Equal for all by the rule.")
        if column.name == ruled
        else column
        for column in columns
    ]
    tables: list[PageTable | str] = []
    for group in findings.groups[:MOST_TABLES]:
        rows = []
        for name, members in group.architectures.items():
            epochs, steps, frames = (
                _range([getattr(member.known.budget, part) for member in members if member.known.budget])
                for part in ("epochs", "steps", "frames")
            )
            rows.append(
                (
                    Value(name),
                    _range([member.known.split.train for member in members]),
                    epochs,
                    steps,
                    frames,
                    _batch_size(members),
                    _mean([member.known.cost.wall_time for member in members if member.known.cost]),
                    _mean([member.known.cost.cpu_time for member in members if member.known.cost]),
                    Value(str(findings.asked.trials.get(name, 0)), findings.asked.trials.get(name, 0)),
                    _range([member.known.num_parameters for member in members if member.known.num_parameters]),
                )
            )
        notes = () if ruled else ("Budgets are as the runs were given them; none is equal by a rule.",)
        tables.append(table(f"Budgets: {group.title}", marked, rows, notes))
    left = len(findings.groups) - len(tables)
    if not left:
        return tables
    return [*tables, f"Left out here: {plural(left, 'more table')} of budgets; records.csv has them."]


def _range(numbers: list[int]) -> Value:
    if not numbers:
        return Value("not recorded")
    low, high = min(numbers), max(numbers)
    return Value(f"{low:,}" if low == high else f"{low:,}–{high:,}", low)


def _mean(quantities: list[Quantity | None]) -> Value:
    values = [each.value for each in quantities if each is not None and each.value is not None]
    if not values:
        return Value("not recorded")
    mean = sum(values) / len(values)
    return Value(three_digits(mean), mean)


def _batch_size(members: list[Member]) -> Value:
    found = sorted({batches for member in members if (batches := batches_of_step(member)) is not None})
    if not found:
        return Value("not recorded")
    texts = [str(size) if number == 1 else f"{size} × {number}" for size, number in found]
    return Value(", ".join(texts), math.prod(found[0]) if len(found) == 1 else None)
