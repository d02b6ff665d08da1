"""All that a report knows, found once: every section reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from potbench.errors import SettingError, did_you_mean
from potbench.reporting.marks import Marks, assign_marks
from potbench.reporting.page.content import Banner
from potbench.results.answer import answer
from potbench.results.errors import ALL, METRICS, Metric
from potbench.results.fairness import Fairness, fairness
from potbench.results.group import Group, separate
from potbench.results.member import Absent, Asked, Member
from potbench.results.table import Table, judge


@dataclass(frozen=True, eq=False)
class Findings:
    """All that a report knows.

    Args:
        asked: the question.
        members: all trainings.
        groups: trainings that may be compared.
        absent: what is compared with nothing, and why.
        fairness: whether the comparison is fair.
        metric: the error that decides.
        tables: in that error, of each group and test set.
        others: in the other errors, likewise.
        answer: to the question.
    """

    asked: Asked
    members: tuple[Member, ...]
    groups: tuple[Group, ...]
    absent: tuple[Absent, ...]
    fairness: Fairness
    metric: Metric
    tables: tuple[Table, ...]
    others: tuple[Table, ...]
    answer: str

    @property
    def main(self) -> tuple[Table, ...]:
        """Return the table of each dataset at the largest size, on all test frames: those that answer the question."""
        return main_tables(self.tables)

    @property
    def architectures(self) -> tuple[str, ...]:
        """Return all names, by their error on the first dataset."""
        return tuple(dict.fromkeys(name for table in self.main for name in table.rows))

    @cached_property
    def marks(self) -> Marks:
        """Return color and marker of each architecture, the same in all figures."""
        return assign_marks(dict.fromkeys(member.label.architecture for member in self.members))

    def reference(self, table: Table) -> str | None:
        """Return the architecture that the others of a table are put in relation to."""
        if self.asked.reference in table.rows:
            return self.asked.reference
        rows = [row for row in table.rows.values() if row.mean.mean is not None]
        # of few trainings, or where some diverged, an error is no good measure for others
        ranked = [row for row in rows if table.ranking is not None and row.architecture in table.ranking.order]
        chosen = [row for candidates in (ranked, rows) for row in candidates if not row.baseline] or rows
        return chosen[0].architecture if chosen else None


def main_tables(tables: Sequence[Table]) -> tuple[Table, ...]:
    """Return of each dataset the table of the largest size on all test frames."""
    found: dict[str, Table] = {}
    for table in tables:
        if table.test_set == ALL:
            found[table.group.dataset] = table  # sizes ascend
    return tuple(found.values())


def _of_named_sets(tables: Sequence[Table], main: Sequence[Table]) -> list[Table]:
    groups = [table.group for table in main]
    return [table for table in tables if table.test_set != ALL and table.group in groups]


def find(members: Sequence[Member], absent: Sequence[Absent], asked: Asked) -> Findings:
    """Compare trainings.

    Args:
        members: labelled trainings.
        absent: what is known to be left out already.
        asked: the question.

    Raises:
        SettingError: there is no such error or reference.
    """
    names = {member.label.architecture for member in members}
    if asked.reference is not None and asked.reference not in names:
        raise SettingError(find, "reference", asked.reference, _one_of(asked.reference, sorted(names)))
    for name in filter(None, (asked.metric, *asked.also)):
        if name not in METRICS:
            raise SettingError(find, "metric", name, _one_of(name, METRICS))
    separated = separate(members)
    metric = METRICS[asked.metric or _default(separated.groups)]
    tables = _tables(separated.groups, metric, asked)
    lacking = [group for group in separated.groups if all(table.group is not group for table in tables)]
    reason = f"its test frames lack the labels of a {metric.text}"
    unlabelled = [Absent(member.label.text, reason, "note") for group in lacking for member in group.members]
    left_out = (*absent, *separated.absent, *unlabelled)
    also = [name for name in asked.also or METRICS if name != metric.name]
    others = [table for name in also for table in _tables(separated.groups, METRICS[name], asked, False)]
    verdict = fairness(separated.groups, left_out, separated.banners, asked)
    banners = list(verdict.banners)
    if lacking:
        who = f"No training has a {metric.text}:"
        if tables:
            architectures = ", ".join(dict.fromkeys(name for group in lacking for name in group.architectures))
            datasets = ", ".join(dict.fromkeys(group.dataset for group in lacking))
            who = f"Not compared are {architectures} on {datasets}:"
        banners.append(Banner("red", f"{who} the test frames lack the labels of a {metric.text}."))
    return Findings(
        asked,
        tuple(members),
        separated.groups,
        left_out,
        Fairness(verdict.checks, tuple(banners)),
        metric,
        tuple(tables),
        tuple(others),
        answer(main := main_tables(tables), asked, _of_named_sets(tables, main)),
    )


def _one_of(name: str, known: Iterable[str]) -> str:
    nearest = did_you_mean(name, known).strip()
    return f"one of {', '.join(known)}" + (f" ({nearest[0].lower()}{nearest[1:]})" if nearest else "")


def _default(groups: Sequence[Group]) -> str:
    """Return the error of the forces where all have them, else of the energies."""
    have_forces = all(each.forces_absolute is not None for group in groups for each in group.errors.values())
    return "forces_mae" if have_forces and groups else "energy_mae"


def _tables(groups: Sequence[Group], metric: Metric, asked: Asked, decides: bool = True) -> list[Table]:
    found = []
    for group in groups:
        for test_set in (ALL, *group.test.test_sets):
            table = judge(group, test_set, metric, asked.smallest_difference, decides)
            found += [] if table is None else [table]
    return found
