"""Which architectures are the best of a ranking: baselines, which only show what to beat, left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from potbench.results.row import Row
from potbench.results.table import Table
from potbench.results.words import basis, listing, would_decide
from potbench.statistics.ranking import Ranking
from potbench.statistics.verdict import Comparison, Verdict


@dataclass(frozen=True)
class Standing:
    """Rivals of a ranking.

    Attributes:
        best: those that no other rival is better than, by error.
        beaten: the other ranked ones, by error.
        unranked: those whose trainings allow no place in the order; all rivals where one at most has a place, so that
            nothing is decided.
    """

    best: tuple[str, ...]
    beaten: tuple[str, ...]
    unranked: tuple[str, ...]


def rivals(table: Table) -> list[Row]:
    """Return the rows with an error that are no baselines, by error; baselines where there is nothing else."""
    found = [row for row in table.rows.values() if row.mean.mean is not None]
    return [row for row in found if not row.baseline] or found


def baselines(table: Table) -> list[str]:
    """Return the names of those that the rivals must beat."""
    others = [row.architecture for row in rivals(table)]
    return [row.architecture for row in table.rows.values() if row.baseline and row.architecture not in others]


def standing(ranking: Ranking, names: Sequence[str]) -> Standing:
    """Return how rivals stand among themselves.

    Args:
        ranking: of these and of baselines.
        names: of the rivals.
    """
    ranked = [name for name in ranking.order if name in names]
    worse = {each.second for each in ranking.comparisons if Verdict.BETTER in each.verdict and each.first in ranked}
    unranked = tuple(name for name in names if name in ranking.unranked)
    if len(ranked) < 2 and unranked:
        return Standing((), (), (*ranked, *unranked))
    beaten = tuple(name for name in ranked if name in worse)
    return Standing(tuple(name for name in ranked if name not in worse), beaten, unranked)


def without_place(table: Table, names: Iterable[str]) -> str:
    """Name rows that have no place in the order, with what they have in its stead: PaiNN (one training)."""
    return listing([f"{name} ({basis(table.rows[name])})" for name in names if name in table.rows])


def lost(table: Table, named: Sequence[str] = ()) -> str:
    """Say which have trainings without an error, but for those that are named already; empty where none has."""
    rows = [row for row in table.rows.values() if row.lost and row.architecture not in named]
    listed = [f"{row.trained} of {row.architecture}" for row in rows]
    return f"trained without diverging: {listing(listed)}." if listed else ""


def unbeaten(best: str, comparisons: Iterable[Comparison], to_beat: Iterable[str]) -> str:
    """Say which baselines the best does not beat, and of which it is not known; empty where it beats all.

    Args:
        best: an architecture.
        comparisons: some are of it with baselines.
        to_beat: their names.
    """
    known = {frozenset((each.first, each.second)): each for each in comparisons}
    pairs = {name: known[pair] for name in to_beat if (pair := frozenset((best, name))) in known}
    won = [
        name
        for name, each in pairs.items()
        if each.verdict and not (each.first == best and Verdict.BETTER in each.verdict)
    ]
    unknown = [name for name, each in pairs.items() if not each.verdict]
    said = f"{best} does not beat the baseline {listing(won)}." if won else ""
    if unknown:
        said += f" It cannot be decided whether {best} beats the baseline {listing(unknown)}. "
        said += would_decide([pairs[name] for name in unknown])
    return said.strip()
