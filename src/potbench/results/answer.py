"""The first sentence of a report: the answer with its interval, or what would decide it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from potbench.reporting.rounding import three_digits
from potbench.results.member import Asked
from potbench.results.table import Table
from potbench.results.words import basis, between, listing, plural, times, title, with_unit
from potbench.statistics.interval import Basis
from potbench.statistics.ranking import Ranking, rank
from potbench.statistics.ratio import Ratio, geometric_mean
from potbench.statistics.verdict import Comparison, Remedy, Verdict


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


def answer(tables: Sequence[Table], asked: Asked, test_sets: Sequence[Table] = ()) -> str:
    """Return the answer to the question, as a sentence or a few.

    Args:
        tables: the main table of each dataset, at the largest size, on all test frames.
        asked: the question.
        test_sets: the tables of named test sets, at the same sizes.
    """
    if not tables:
        return "It cannot be decided: no training has errors yet. Trainings that finish and are tested would decide it."
    found = overall(tables, asked.smallest_difference) if len(tables) > 1 else None
    if found is not None:
        return " ".join(filter(None, [_over_datasets(found), _of_each(found.tables), _of_test_sets(test_sets)]))
    return " ".join(filter(None, [*(_of_table(table, asked) for table in tables), _of_test_sets(test_sets)]))


def _of_table(table: Table, asked: Asked) -> str:
    """Answer for one table."""
    rivals = [row for row in table.rows.values() if row.mean.mean is not None and not row.baseline]
    rivals = rivals or [row for row in table.rows.values() if row.mean.mean is not None]
    what = f"{table.metric.text} on {table.title}"
    if not rivals:
        return f"It cannot be decided which has the smallest {what}: no training finished without diverging."
    first = rivals[0]
    if len(rivals) == 1:
        baselines = [row.architecture for row in table.rows.values() if row.baseline]
        compared = table.comparison(first.architecture, baselines[0]) if baselines else None
        ratio = f", {times(compared)} times that of the baseline {baselines[0]}" if compared else ""
        said = f"The {what} of {first.architecture} is {with_unit(table, first)}{ratio}."
        return said + _of_baselines(table, [first.architecture]) + _of_lost(table)
    ranking = table.ranking
    if ranking is None:
        second = rivals[1]
        return (
            f"It cannot be decided which has the smallest {what}: too many are compared. {first.architecture} has "
            f"{with_unit(table, first)}, {second.architecture} {with_unit(table, second)}."
        )
    ranked = [row.architecture for row in rivals if row.architecture in ranking.order]
    worse = {each.second for each in ranking.comparisons if Verdict.BETTER in each.verdict and each.first in ranked}
    best = [name for name in ranked if name not in worse]
    beaten = [name for name in ranked if name in worse]
    unranked = [row for row in rivals if row.architecture in ranking.unranked]
    if len(best) == 1 and beaten:
        said = _winner(table, best[0], beaten)
    elif len(best) < 2:
        return f"{_undecided(table, [row.architecture for row in rivals[:2]])}{_of_lost(table)}"
    else:
        said = _tie(table, best, beaten, asked)
    if unranked:
        names = listing([f"{row.architecture} ({basis(row)})" for row in unranked])
        said += f" Not decided for {names}."
    return said + _of_baselines(table, best) + _of_lost(table, [row.architecture for row in unranked])


def _of_baselines(table: Table, best: Sequence[str]) -> str:
    """Say which baselines the best does not beat, and of which it is not known."""
    comparisons = {
        row.architecture: compared.comparison
        for row in table.rows.values()
        if row.baseline
        and row.mean.mean is not None
        and (compared := table.comparison(best[0], row.architecture)) is not None
    }
    unbeaten = [
        name
        for name, each in comparisons.items()
        if each.verdict and not (each.first == best[0] and Verdict.BETTER in each.verdict)
    ]
    unknown = [name for name, each in comparisons.items() if not each.verdict]
    said = f" {best[0]} does not beat the baseline {listing(unbeaten)}." if unbeaten else ""
    if unknown:
        said += f" It cannot be decided whether {best[0]} beats the baseline {listing(unknown)}."
        said += f" {_would_decide([comparisons[name] for name in unknown])}"
    return said.rstrip()


def _winner(table: Table, name: str, beaten: Sequence[str]) -> str:
    compared = table.comparison(name, beaten[0])
    said = f"{name} has the smallest {table.metric.text} on {table.title}: {with_unit(table, table.rows[name])}"
    if compared is not None:
        said += f", {times(compared)} times that of {beaten[0]}, the next"
    return said + "."


def _tie(table: Table, best: Sequence[str], beaten: Sequence[str], asked: Asked) -> str:
    comparisons = [compared.comparison for pair in combinations(best, 2) if (compared := table.comparison(*pair))]
    first = table.rows[best[0]]
    errors = f"the smallest mean is that of {best[0]}, {with_unit(table, first)}"
    than = f"; {listing(beaten)} {'is' if len(beaten) == 1 else 'are'} worse than the best of them" if beaten else ""
    if all(Verdict.EQUAL in each.verdict for each in comparisons):
        margin = f"{100 * asked.smallest_difference:g} %"
        return f"{listing(best)} have equal {table.metric.text} on {table.title}, within {margin}: {errors}{than}."
    said = f"It cannot be decided which of {listing(best)} has the smallest {table.metric.text} on {table.title}"
    compared = table.comparison(best[0], best[1])
    ratio = f", {times(compared)} times that of {best[1]}" if compared else ""
    return f"{said}: {errors}{ratio}{than}. {_would_decide(comparisons)}"


def _undecided(table: Table, pair: Sequence[str]) -> str:
    compared = table.comparison(pair[0], pair[1])
    said = f"It cannot be decided whether {pair[0]} or {pair[1]} has the smaller {table.metric.text} on {table.title}"
    errors = f"{pair[0]} has {with_unit(table, table.rows[pair[0]])}, {pair[1]} {with_unit(table, table.rows[pair[1]])}"
    if compared is None:
        return f"{said}: {errors}."
    ratio = f", a ratio of {times(compared)}"
    return f"{said}: {errors}{ratio}. {_would_decide([compared.comparison])}"


def _would_decide(comparisons: Sequence[Comparison]) -> str:
    """Say what would decide all comparisons that are undecided."""
    open_ = [each for each in comparisons if not each.verdict and each.would_decide is not None]
    remedies = {each.would_decide.remedy for each in open_ if each.would_decide}
    if Remedy.FINISHED_TRAININGS in remedies:
        return "Trainings that do not diverge would decide it."
    if Remedy.DATA in remedies:
        return f"{title(Remedy.DATA)} would decide it."
    if Remedy.FRAMES in remedies:
        return "More test frames would decide it, not more trainings."
    numbers = [each.would_decide.trainings for each in open_ if each.would_decide and each.would_decide.trainings]
    if not numbers:
        return ""
    return f"About {plural(max(numbers), 'training')} of each would decide it, if the errors stay as they are."


def _of_lost(table: Table, named: Sequence[str] = ()) -> str:
    """Say which have trainings without an error, but for those that are named already."""
    lost = [row for row in table.rows.values() if row.lost and row.architecture not in named]
    if not lost:
        return ""
    listed = [f"{len(row.finished)} of {len(row.finished) + len(row.lost)} of {row.architecture}" for row in lost]
    return f" Trained without diverging: {listing(listed)}."


def _over_datasets(found: Overall) -> str:
    """Answer over several datasets, by the geometric mean of the ratios."""
    ranking, number = found.ranking, len(found.tables)
    metric = found.tables[0].metric.text
    baselines = {name for table in found.tables for name, row in table.rows.items() if row.baseline}
    best = [name for name in ranking.best if name not in baselines]
    others = [name for name in ranking.order if name not in best and name not in baselines]
    if not best:
        return f"Over {number} datasets it cannot be decided which has the smallest {metric}."
    pair = (best[0], best[1]) if len(best) > 1 else (best[0], others[0]) if others else None
    comparison = None
    if pair is not None:
        comparison = next((each for each in ranking.comparisons if {each.first, each.second} == set(pair)), None)
    if pair is None or comparison is None:
        return ""
    log_ratio = comparison.ratio if comparison.first == pair[0] else comparison.ratio.inverse()
    interval = log_ratio.interval()
    shown = "" if interval is None else f" (95 % interval {between(interval)})"
    times_of = f"{three_digits(math.exp(log_ratio.log_ratio))}{shown} times that of {pair[1]}"
    if len(best) == 1:
        return f"Over {number} datasets {best[0]} has the smallest {metric}: on geometric average {times_of}, the next."
    said = f"Over {number} datasets it cannot be decided which of {listing(best)} has the smallest {metric}"
    comparisons = [each for each in ranking.comparisons if {each.first, each.second} <= set(best)]
    return f"{said}: that of {best[0]} is on geometric average {times_of}. {_would_decide(comparisons)}"


def _of_each(tables: Sequence[Table]) -> str:
    """Say which architectures are the best on how many datasets, alone or tied."""
    alone: Counter[str] = Counter()
    tied: Counter[str] = Counter()
    for table in tables:
        best = [name for name in table.ranking.best if not table.rows[name].baseline] if table.ranking else []
        (alone if len(best) == 1 else tied).update(best)
    names = list(dict.fromkeys([*alone, *tied]))
    parts = [
        f"{name} is {' and '.join(filter(None, [_on(alone[name], 'the best'), _on(tied[name], 'tied with the best')]))}"
        for name in sorted(names, key=lambda name: (-alone[name], -tied[name], name))
    ]
    return f"Of the {len(tables)} datasets, {'; '.join(parts)}." if parts else ""


def _of_test_sets(tables: Sequence[Table]) -> str:
    """Say which architectures are the best on each named test set, alone or tied."""
    several = len({table.group.dataset for table in tables}) > 1
    found: dict[tuple[str, ...], list[str]] = {}
    for table in tables:
        best = [name for name in table.ranking.best if not table.rows[name].baseline] if table.ranking else []
        if best:
            where = f"{table.test_set} of {table.group.dataset}" if several else table.test_set
            found.setdefault(tuple(best), []).append(where)
    parts = [
        f"{listing(best)} {'is the best' if len(best) == 1 else 'are tied for the best'} on {listing(sets)}"
        for best, sets in found.items()
    ]
    return f"By test set: {'; '.join(parts)}." if parts else ""


def _on(number: int, what: str) -> str:
    return f"{what} on {number}" if number else ""
