"""Architectures over several datasets: what their ratios say together, and what each dataset says."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from potbench.reporting.rounding import three_digits
from potbench.results.standing import baselines, lost, rivals, standing, unbeaten, without_place
from potbench.results.table import Table
from potbench.results.words import between, listing, would_decide
from potbench.statistics.interval import Basis
from potbench.statistics.ranking import Ranking, rank
from potbench.statistics.ratio import Ratio, geometric_mean


@dataclass(frozen=True, eq=False)
class Overall:
    """Architectures compared over several datasets, by the geometric mean of their ratios.

    Args:
        tables: one for each dataset.
        ranking: of the architectures that all datasets have.
        ratios: pair → ratio of each dataset, in the order of the tables.
    """

    tables: tuple[Table, ...]
    ranking: Ranking
    ratios: dict[tuple[str, str], tuple[Ratio, ...]]


def overall(tables: Sequence[Table], smallest_difference: float) -> Overall | None:
    """Compare architectures over datasets; None for fewer than two datasets or architectures that all have.

    Nor is there a mean where datasets are the same data in several divisions: what these have in common would be taken
    for independent.

    Args:
        tables: one for each dataset, in the same metric.
        smallest_difference: relative difference that matters.
    """
    ranked = [table for table in tables if table.ranking is not None]
    # a dataset that had to be put into tables apart counts once or not at all
    of_each = [table.group.members[0] for table in tables]
    names, data = ({each.label.dataset for each in of_each}, {each.known.data.fingerprint for each in of_each})
    if len(ranked) < 2 or min(len(names), len(data)) < len(tables):
        return None
    shared = [name for name in ranked[0].rows if all(name in table.rows for table in ranked)]
    found: dict[tuple[str, str], tuple[Ratio, ...]] = {}
    for pair in combinations(shared, 2):
        compared = [table.comparison(*pair) for table in ranked]
        if all(each is not None for each in compared):
            found[pair] = tuple(each.ratio for each in compared if each is not None)
    compared_names = {name for pair in found for name in pair}
    if not found:
        return None
    order = list(Basis)
    bases = {name: max((table.rows[name].mean.basis for table in ranked), key=order.index) for name in compared_names}
    ordered = {name: bases[name] for name in shared if name in bases}
    ratios = {pair: geometric_mean(each) for pair, each in found.items()}
    return Overall(tuple(ranked), rank(ordered, ratios, smallest_difference), found)


def over_datasets(found: Overall) -> str:
    """Answer over several datasets, by the geometric mean of the ratios."""
    ranking, tables = found.ranking, found.tables
    metric, where = tables[0].metric.text, f"Over {len(tables)} datasets"
    names = list(dict.fromkeys(row.architecture for table in tables for row in rivals(table)))
    stands = standing(ranking, names)
    elsewhere = [name for name in names if name not in ranking.order and name not in ranking.unranked]
    open_ = [f"{name} (not compared on all datasets)" for name in elsewhere]
    open_ += [f"{name} ({ranking.unranked[name]})" for name in stands.unranked if name in ranking.unranked]
    undecided = f"Not decided for {listing(open_)}." if open_ else ""
    if not stands.best:
        return f"{where} it cannot be decided which has the smallest {metric}. {undecided}".strip()
    best = stands.best[0]
    against = unbeaten(best, ranking.comparisons, baselines(tables[0]))
    if len(stands.best) == 1 and not stands.beaten:
        return " ".join(filter(None, [f"{where}, {against}" if against else "", undecided]))
    second = stands.best[1] if len(stands.best) > 1 else stands.beaten[0]
    comparison = next(each for each in ranking.comparisons if {each.first, each.second} == {best, second})
    log_ratio = comparison.ratio if comparison.first == best else comparison.ratio.inverse()
    interval = log_ratio.interval()
    shown = "" if interval is None else f" (95 % interval {between(interval)})"
    times_of = f"{three_digits(math.exp(log_ratio.log_ratio))}{shown} times that of {second}"
    if len(stands.best) == 1:
        said = f"{where} {best} has the smallest {metric}: on geometric average {times_of}, the next."
    else:
        comparisons = [each for each in ranking.comparisons if {each.first, each.second} <= set(stands.best)]
        said = (
            f"{where} it cannot be decided which of {listing(stands.best)} has the smallest {metric}: that of {best} "
            f"is on geometric average {times_of}. {would_decide(comparisons)}"
        )
    return " ".join(filter(None, [said.rstrip(), undecided, against]))


def of_each(tables: Sequence[Table]) -> str:
    """Say which architectures are the best on how many datasets, alone or tied, and on which that is not decided."""
    alone: Counter[str] = Counter()
    tied: Counter[str] = Counter()
    undecided: list[str] = []
    further: dict[str, list[str]] = defaultdict(list)
    for table in tables:
        if table.ranking is None:
            continue
        stands = standing(table.ranking, [row.architecture for row in rivals(table)])
        where = table.group.dataset
        further[lost(table, stands.unranked)].append(where)
        if stands.unranked:
            undecided.append(f"on {where} for {without_place(table, stands.unranked)}")
            continue
        (alone if len(stands.best) == 1 else tied).update(stands.best)
        further[unbeaten(stands.best[0], table.ranking.comparisons, baselines(table))].append(where)
    parts = [
        f"{name} is {' and '.join(filter(None, [_on(alone[name], 'the best'), _on(tied[name], 'tied with the best')]))}"
        for name in sorted(dict.fromkeys([*alone, *tied]), key=lambda name: (-alone[name], -tied[name], name))
    ]
    parts += [f"it cannot be decided {listing(undecided)}"] if undecided else []
    said = f"Of the {len(tables)} datasets, {'; '.join(parts)}." if parts else ""
    return " ".join([said, *(f"On {listing(where)}, {each}" for each, where in further.items() if each)]).strip()


def _on(number: int, what: str) -> str:
    return f"{what} on {number}" if number else ""
