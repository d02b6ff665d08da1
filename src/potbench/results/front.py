"""Which architectures are on the Pareto front of error and cost, and of which that cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from potbench.reporting.pareto_figure import CostShown
from potbench.results.table import Table
from potbench.statistics.blocks import block_sums
from potbench.structures import FloatArray

State = Literal["front", "ambiguous", "dominated"]
DRAWS = 2000
SURE = 0.95


def front(table: Table, costs: Mapping[str, CostShown], seed: int = 0) -> dict[str, State]:
    """Tell for each architecture whether another has both a smaller error and a smaller cost.

    One joint bootstrap: blocks of test frames are drawn with replacement, the same for all, means over S trainings
    vary by t(S − 1) · s/√S, and costs within what was measured. On the front, or dominated, is what is so in 95 % of
    the draws. Of a single training it is not known how far it varies: it is ambiguous.

    Args:
        table: errors.
        costs: architecture → cost, of those to look at.
        seed: of the random numbers.
    """
    random = np.random.default_rng(seed)
    blocks = table.independence.blocks
    number = len(np.unique(blocks))
    drawn = random.multinomial(number, np.full(number, 1 / number), size=DRAWS).astype(np.float64)
    errors = {name: _errors(table, name, drawn, random) for name in costs}
    prices = {name: _costs(cost, random) for name, cost in costs.items()}
    found: dict[str, State] = {}
    for name in costs:
        beaten = np.zeros(DRAWS, dtype=bool)
        for other in costs:
            if other != name:
                beaten |= (errors[other] < errors[name]) & (prices[other] <= prices[name])
        share = float(beaten.mean())
        # of molecules that are tested once it is seen how far they vary, of folds that share training frames it is not
        sure = len(table.rows[name].independent.errors) > 1 if table.folds is None else table.folds.by_molecule
        found[name] = "front" if sure and share <= 1 - SURE else "dominated" if sure and share >= SURE else "ambiguous"
    return found


def _errors(table: Table, name: str, drawn: FloatArray, random: np.random.Generator) -> FloatArray:
    cell = table.rows[name].independent
    sums = block_sums(cell.errors.mean(axis=0), table.independence.blocks, table.weights)
    found: FloatArray = (drawn @ sums.values) / (drawn @ sums.weights)
    trainings = len(cell.errors)
    if trainings > 1:
        scatter = float(np.std(cell.training_means(table.weights), ddof=1)) / trainings**0.5
        found = found + random.standard_t(trainings - 1, size=DRAWS) * scatter
    return found


def _costs(cost: CostShown, random: np.random.Generator) -> FloatArray:
    if cost.low is None or cost.high is None:
        return np.full(DRAWS, cost.value)
    return random.uniform(cost.low, cost.high, size=DRAWS)
