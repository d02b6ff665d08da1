"""The first sentence of a report: the answer with its interval, or what would decide it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from potbench.results.member import Asked
from potbench.results.overall import of_each, over_datasets, overall
from potbench.results.standing import baselines, lost, rivals, standing, unbeaten, without_place
from potbench.results.table import Table
from potbench.results.words import listing, times, title, with_unit, would_decide
from potbench.statistics.verdict import Verdict


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
        return _joined(over_datasets(found), of_each(found.tables), _of_test_sets(test_sets))
    return _joined(*(_of_table(table, asked) for table in tables), _of_test_sets(test_sets))


def _of_table(table: Table, asked: Asked) -> str:
    """Answer for one table."""
    rows = rivals(table)
    what = f"{table.metric.text} on {table.title}"
    if not rows:
        return f"It cannot be decided which has the smallest {what}: no training finished without diverging."
    first = rows[0]
    to_beat = baselines(table)
    if len(rows) == 1:
        compared = table.comparison(first.architecture, to_beat[0]) if to_beat else None
        ratio = f", {times(compared)} times that of the baseline {to_beat[0]}" if compared else ""
        said = f"The {what} of {first.architecture} is {with_unit(table, first)}{ratio}."
        return _joined(said, _of_baselines(table, first.architecture), title(lost(table)))
    ranking = table.ranking
    if ranking is None:
        second = rows[1]
        return (
            f"It cannot be decided which has the smallest {what}: too many are compared. {first.architecture} has "
            f"{with_unit(table, first)}, {second.architecture} {with_unit(table, second)}."
        )
    stands = standing(ranking, [row.architecture for row in rows])
    if not stands.best:
        return _joined(_undecided(table, [row.architecture for row in rows[:2]]), title(lost(table)))
    if len(stands.best) == 1:
        said = _winner(table, stands.best[0], stands.beaten)
    else:
        said = _tie(table, stands.best, stands.beaten, asked)
    unknown = f"Not decided for {without_place(table, stands.unranked)}." if stands.unranked else ""
    return _joined(said, unknown, _of_baselines(table, stands.best[0]), title(lost(table, stands.unranked)))


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _of_baselines(table: Table, best: str) -> str:
    to_beat = baselines(table)
    compared = [table.comparison(best, name) for name in to_beat]
    return unbeaten(best, [each.comparison for each in compared if each is not None], to_beat)


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
    return f"{said}: {errors}{ratio}{than}. {would_decide(comparisons)}"


def _undecided(table: Table, pair: Sequence[str]) -> str:
    compared = table.comparison(pair[0], pair[1])
    said = f"It cannot be decided whether {pair[0]} or {pair[1]} has the smaller {table.metric.text} on {table.title}"
    errors = f"{pair[0]} has {with_unit(table, table.rows[pair[0]])}, {pair[1]} {with_unit(table, table.rows[pair[1]])}"
    if compared is None:
        return f"{said}: {errors}."
    ratio = f", a ratio of {times(compared)}"
    return f"{said}: {errors}{ratio}. {would_decide([compared.comparison])}"


def _of_test_sets(tables: Sequence[Table]) -> str:
    """Say which architectures are the best on each named test set, alone or tied, and on which that is not decided."""
    several = len({table.group.dataset for table in tables}) > 1
    found: dict[tuple[str, ...], list[str]] = {}
    undecided = []
    for table in tables:
        if table.ranking is None:
            continue
        where = f"{table.test_set} of {table.group.dataset}" if several else table.test_set
        stands = standing(table.ranking, [row.architecture for row in rivals(table)])
        if stands.unranked:
            undecided.append(f"on {where} for {without_place(table, stands.unranked)}")
        else:
            found.setdefault(stands.best, []).append(where)
    parts = [
        f"{listing(best)} {'is the best' if len(best) == 1 else 'are tied for the best'} on {listing(sets)}"
        for best, sets in found.items()
    ]
    parts += [f"it cannot be decided {listing(undecided)}"] if undecided else []
    return f"By test set: {'; '.join(parts)}." if parts else ""
