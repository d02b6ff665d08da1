"""What each architecture costs, and which are on the Pareto front of error and cost."""

from __future__ import annotations

import numpy as np

from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.pareto_figure import CostShown, ParetoPoint, draw_pareto
from potbench.reporting.rounding import three_digits
from potbench.results import words
from potbench.results.columns import table as columns_with_values
from potbench.results.findings import Findings
from potbench.results.front import State, front
from potbench.results.row import Row
from potbench.results.table import Table
from potbench.results.training_time import training_seconds
from potbench.runs.record import InferenceCost, Measured
from potbench.statistics.interval import mean_over_trainings
from potbench.units import Quantity

PARAMETERS, TRAINING = "Parameters", "Training time (s)"
LATENCY, THROUGHPUT, MEMORY = "Latency (ms)", "Inference (µs/atom)", "Memory (MiB)"
COSTS = (PARAMETERS, TRAINING, LATENCY, THROUGHPUT, MEMORY)
MOST_FIGURES = 1


def section(findings: Findings) -> Section | None:
    """Return a table of costs for each dataset, and error against each cost."""
    blocks: list[Block] = []
    for place, table in enumerate(findings.main):
        blocks.append(_table(table))
        figure = _figure(findings, table, place) if place < MOST_FIGURES else None
        blocks += [] if figure is None else [figure]
    if not blocks:
        return None
    if len(findings.main) > MOST_FIGURES:
        blocks.append(f"Not drawn here: {words.plural(len(findings.main) - MOST_FIGURES, 'more dataset')}.")
    text = (
        "Latency, inference and memory are measured in a process of their own, with fixed threads, on the same "
        "structures for all, by python -m potbench cost RUN; training times are those of the runs, and depend on what "
        "else the machine did. In figures they include the preparation."
    )
    return Section("cost", "Cost", (text, *blocks))


def _table(table: Table) -> PageTable:
    columns = (
        Column("Architecture"),
        Column("Parameters"),
        Column("Training", "s", "Wall time, mean over trainings."),
        Column("CPU time", "s", "Of all cores, mean over trainings."),
        Column(
            "Preparation",
            "s",
            "Computing cached features, before the first step: of the training that took longest.",
        ),
        Column("Latency", "ms", "Energy and forces of one molecule; median and range."),
        Column("Inference", "µs/atom", "In the batch that saturates; median and range."),
        Column("Batch", "frames", "That batch."),
        Column("Memory", "MiB", "Above that of the potential alone."),
    )
    rows: list[tuple[Value, ...]] = []
    measured: dict[str, list[str]] = {}
    for row in table.rows.values():
        inference = _inference(row)
        if inference is not None:
            measured.setdefault(_how(inference), []).append(row.architecture)
        parameters = _parameters(row)
        rows.append(
            (
                Value(row.architecture),
                Value(f"{parameters:,}" if parameters is not None else "not recorded", parameters),
                _mean([member.known.cost.wall_time for member in row.finished if member.known.cost]),
                _mean([member.known.cost.cpu_time for member in row.finished if member.known.cost]),
                _longest([member.known.cost.preparation for member in row.finished if member.known.cost]),
                _measured(inference.latency if inference else None),
                _measured(inference.throughput if inference else None),
                Value(f"{inference.frames_at_once:,}", inference.frames_at_once)
                if inference
                else Value("not measured"),
                _quantity(inference.peak_memory if inference else None),
            )
        )
    notes = [f"Inference was measured on {how}." for how in measured]
    if len(measured) > 1:
        listed = "; ".join(f"{words.listing(names)} on {how}" for how, names in measured.items())
        notes = [f"Inference was not measured alike, and cannot be compared: {listed}."]
    return columns_with_values(f"Costs: {table.title}", columns, rows, notes)


def _how(inference: InferenceCost) -> str:
    """Say on what the cost of inference was measured."""
    machine = inference.provenance.machine
    device = machine.accelerator or f"{machine.processor} with {words.plural(machine.threads, 'thread')}"
    return f"{device}, {words.plural(inference.structures, 'structure')}"


def _figure(findings: Findings, table: Table, place: int) -> PageFigure | None:
    """Return error against each cost that two architectures have; what is on the front differs with the cost."""
    points: list[ParetoPoint] = []
    states: dict[str, dict[str, State]] = {}
    for title in COSTS:
        costs = {
            row.architecture: cost
            for row in table.rows.values()
            if row.mean.mean and (cost := _cost(row, title)) is not None and cost.value > 0
        }
        if len(costs) < 2:
            continue
        states[title] = front(table, costs)
        points += [_point(table.rows[name], title, cost, states[title][name]) for name, cost in costs.items()]
    if not points:
        return None
    columns = (Column("Architecture"), *(Column(f"{title}: state") for title in states))
    data = [(Value(name), *(Value(state.get(name, "")) for state in states.values())) for name in table.rows]
    return PageFigure(
        f"pareto_{place + 1}",
        f"{words.title(table.metric.text)} against costs: {table.title}, {table.num_frames:,} test frames",
        "On the front are architectures that none beats in both error and cost; of those that are ambiguous it cannot "
        "be told.",
        draw_pareto(points, words.title(table.metric.text), table.unit, findings.marks),
        PageTable("Who is on the front, in 95 % of the draws of a joint bootstrap", columns, tuple(data)),
    )


def _point(row: Row, title: str, cost: CostShown, state: State) -> ParetoPoint:
    assert row.mean.mean is not None
    low, high = row.mean.interval or (None, None)
    family = row.architecture.partition(" (")[0]
    return ParetoPoint(row.architecture, family, row.mean.mean, low, high, {title: cost}, row.baseline, state)


def _cost(row: Row, title: str) -> CostShown | None:
    if title == PARAMETERS:
        parameters = _parameters(row)
        return None if parameters is None else CostShown(float(parameters))
    if title == TRAINING:
        seconds = training_seconds(row.finished, "wall_time")
        seconds = seconds[np.isfinite(seconds)]
        if not len(seconds):
            return None
        mean = mean_over_trainings(seconds)
        low, high = mean.interval or (None, None)
        return CostShown(float(seconds.mean()), low if low is None else max(low, 0.0), high)
    inference = _inference(row)
    if inference is None:
        return None
    if title == MEMORY:
        memory = inference.peak_memory.value
        return None if memory is None else CostShown(memory)
    measured = inference.latency if title == LATENCY else inference.throughput
    return CostShown(measured.median, measured.low, measured.high)


def _parameters(row: Row) -> int | None:
    return next(
        (member.known.num_parameters for member in row.finished if member.known.num_parameters is not None), None
    )


def _inference(row: Row) -> InferenceCost | None:
    return next((member.known.inference for member in row.finished if member.known.inference is not None), None)


def _mean(quantities: list[Quantity | None]) -> Value:
    values = [each.value for each in quantities if each is not None and each.value is not None]
    if not values:
        return Value("not recorded")
    mean = sum(values) / len(values)
    return Value(three_digits(mean), mean)


def _longest(quantities: list[Quantity | None]) -> Value:
    values = [each.value for each in quantities if each is not None and each.value is not None]
    return Value(three_digits(max(values)), max(values)) if values else Value("not recorded")


def _measured(measured: Measured | None) -> Value:
    if measured is None:
        return Value("not measured")
    note = f"{three_digits(measured.low)}–{three_digits(measured.high)}"
    return Value(three_digits(measured.median), measured.median, note=note)


def _quantity(quantity: Quantity | None) -> Value:
    if quantity is None:
        return Value("not measured")
    return Value(three_digits(quantity.value), quantity.value)
