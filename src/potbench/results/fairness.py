"""Whether a comparison is fair: what is equal for all, what is not, and how much that matters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from potbench.reporting.page.content import Banner, Check
from potbench.reporting.rounding import three_digits
from potbench.results.conditions import CONDITIONS, Condition, budget_conditions
from potbench.results.group import Group
from potbench.results.member import Absent, Asked, Member
from potbench.results.training_time import training_seconds
from potbench.results.words import plural

FEW = 8
# a training timed beforehand does not end to the second
TIME_TOLERANCE = 1.25


class Fairness(NamedTuple):
    """The verdict on all conditions.

    Attributes:
        checks: in the order in which they are read.
        banners: for the head of the page.
    """

    checks: tuple[Check, ...]
    banners: tuple[Banner, ...]


def fairness(groups: Sequence[Group], absent: Sequence[Absent], separated: Sequence[Banner], asked: Asked) -> Fairness:
    """Examine all conditions of a fair comparison.

    Args:
        groups: trainings that are compared.
        absent: what was left out.
        separated: what was put into tables apart, and folds that are compared without some.
        asked: rule of equal budgets, and trials of the searches.
    """
    refused = [each for each in absent if each.level == "red"]
    apart = [banner.text for banner in separated if banner.level == "red"]
    checks = [
        Check(
            "Same test frames, data, units and level of theory in each table",
            not apart,
            " ".join(apart) or _test_frames(groups),
        ),
        _seen(groups, [each for each in refused if "refused" in each.reason]),
        _elements(groups),
        _training_frames(groups),
    ]
    banners = list(separated)
    for each in refused:
        banners.append(Banner("red", f"Left out: {each.label}, {each.reason}."))
    for frames in checks[-2:]:
        if frames.holds is False:
            banners.append(Banner("amber", f"{frames.says}: no. {frames.reason}."))
    conditions = [*budget_conditions(asked.budget), *CONDITIONS]
    for condition in conditions:
        check = _examine(condition, groups)
        if check is None:
            continue
        checks.append(check)
        if check.holds is False and condition.level in ("red", "amber"):
            banners.append(Banner(condition.level, f"{condition.says}: no. {check.reason}."))
    if asked.budget == "as_given":
        banners.append(Banner("red", "The study lets each architecture train as long as it likes: budgets differ."))
    if asked.budget == "wall_time":
        checks.append(_times(groups))
    checks += [_trainings(groups), _looks(groups), _tuning(groups, asked), _machines(groups)]
    lost = sum(bool(member.record and member.record.diverged) for group in groups for member in group.members)
    if lost:
        banners.append(Banner("note", f"Diverged: {plural(lost, 'training')}, counted as having no error."))
    waiting = [each for each in absent if each.level == "amber"]
    if waiting:
        said = f"Not compared: {plural(len(waiting), 'run')} not there yet, failed, or not readable"
        banners.append(Banner("note", f"{said}; see what was left out."))
    return Fairness(tuple(checks), tuple(banners))


def differing(of: Callable[[Member], str | None], members: Iterable[Member]) -> dict[str, list[str]]:
    """Return value → architectures that have it; those it does not apply to are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for member in members:
        value = of(member)
        name = member.label.architecture
        if value is not None and name not in found[value]:
            found[value].append(name)
    return {value: names for value, names in found.items() if names}


def _examine(condition: Condition, groups: Sequence[Group]) -> Check | None:
    """Examine a condition within each fold of each group; None where it applies to nothing.

    Folds themselves may differ: of 100 frames, one of three has a frame more.
    """
    broken, held = [], []
    for group in groups:
        values = differing(condition.of, group.members)
        folds: dict[int | None, list[Member]] = defaultdict(list)
        for member in group.members:
            folds[member.label.fold].append(member)
        if any(len(differing(condition.of, members)) > 1 for members in folds.values()):
            place = f"{group.title}: " if len(groups) > 1 else ""
            broken.append(place + "; ".join(f"{value} of {_few(names)}" for value, names in values.items()))
        held += [value for value in values if value not in held]
    if not held:
        return None
    if broken:
        more = f", and in {plural(len(broken) - 1, 'more table')}" if len(broken) > 1 else ""
        return Check(condition.says, False, broken[0] + more)
    return Check(condition.says, True, ", ".join(held[:FEW]))


def _times(groups: Sequence[Group]) -> Check:
    """Compare training times within each group: trainings timed beforehand do not end to the second."""
    broken: list[str] = []
    held: list[str] = []
    for group in groups:
        seconds = {name: training_seconds(members, "wall_time") for name, members in group.architectures.items()}
        means = {name: float(np.nanmean(each)) for name, each in seconds.items() if np.isfinite(each).any()}
        listed = ", ".join(f"{name} {three_digits(mean)} s" for name, mean in means.items())
        same = not means or max(means.values()) <= TIME_TOLERANCE * min(means.values())
        (held if same else broken).append(f"{group.title}: {listed}")
    return Check("Same training time, preparation included", not broken, (broken or held or [""])[0])


def _test_frames(groups: Sequence[Group]) -> str:
    return "; ".join(f"{group.title}: {len(group.test.frames):,} test frames" for group in groups[:FEW])


def _seen(groups: Sequence[Group], refused: Sequence[Absent]) -> Check:
    says = "No training has seen its test frames"
    if refused:
        return Check(says, False, "; ".join(f"{each.label}: {each.reason}" for each in refused))
    tested = [member for group in groups for member in group.members if member in group.errors]
    unknown = {
        "no split.npz": [each for each in tested if not each.folder.split.is_file()],
        "weights of which it is not known what they saw": [
            each for each in tested if each.known.parents and each.known.seen_before is None
        ],
    }
    reasons = [f"{_few([each.label.text for each in members])} ({why})" for why, members in unknown.items() if members]
    return Check(says, None, f"not known of {'; '.join(reasons)}") if reasons else Check(says, True, _leakage(groups))


def _leakage(groups: Sequence[Group]) -> str:
    copies = max(
        (
            member.known.split.leakage.duplicates
            for group in groups
            for member in group.members
            if member.known.split.leakage
        ),
        default=0,
    )
    if copies:
        return f"no frame is in both, but up to {copies} test frames are copies of training frames"
    return "test and training frames have none in common"


def _elements(groups: Sequence[Group]) -> Check:
    says = "Training frames have all elements of the test frames"
    blind: dict[str, str] = {}
    known = True
    for group in groups:
        for member in group.members:
            unseen = member.known.split.unseen
            known &= unseen is not None
            if unseen and unseen.test:
                place = group.title if member.label.fold is None else f"{group.title} fold {member.label.fold}"
                blind.setdefault(place, f"{place}: {plural(unseen.test, 'test frame')} with {unseen.symbols}")
    if not blind:
        return Check(says, known or None, "" if known else "records of earlier versions do not say")
    more = f" and {len(blind) - FEW} more" if len(blind) > FEW else ""
    listed = "; ".join(list(blind.values())[:FEW])
    return Check(says, False, f"{listed}{more}. They are predicted blindly, and may decide all averages")


def _training_frames(groups: Sequence[Group]) -> Check:
    """Compare the draws of training frames; that an architecture lacks some of them is another condition."""
    says = "Same training frames for all architectures"
    lacking = False
    for group in groups:
        draws = {
            name: {member.known.split.fingerprint for member in members}
            for name, members in group.architectures.items()
        }
        lacking |= len({frozenset(each) for each in draws.values()}) > 1
        planned = max(len(members) + group.missing.get(name, 0) for name, members in group.architectures.items())
        every = set[str]().union(*draws.values())
        if any(len(every - draws[name]) > planned - len(members) for name, members in group.architectures.items()):
            numbers = {
                name: sorted({member.known.split.train for member in members})
                for name, members in group.architectures.items()
            }
            if len({tuple(each) for each in numbers.values()}) > 1:
                listed = "; ".join(f"{name} {', '.join(f'{n:,}' for n in each)}" for name, each in numbers.items())
                return Check(says, False, f"{group.title}: {listed} frames")
            return Check(says, False, f"{group.title}: as many, but of other draws")
    draws_of = {
        name: len({member.known.split.fingerprint for member in members})
        for group in groups
        for name, members in group.architectures.items()
    }
    number = max(draws_of.values(), default=1)
    said = "one draw for all trainings" if number == 1 else f"{number} draws, the same for each"
    return Check(says, True, f"{said}, but for trainings that are not there" if lacking else said)


def _trainings(groups: Sequence[Group]) -> Check:
    broken = []
    for group in groups:
        numbers: dict[int, list[str]] = defaultdict(list)
        for name, number in group.numbers.items():
            numbers[number].append(name)
        if len(numbers) > 1:
            listed = "; ".join(f"{number} of {_few(names)}" for number, names in sorted(numbers.items()))
            broken.append(f"{group.title}: {listed}")
    found = {number for group in groups for number in group.numbers.values()}
    low, high = min(found, default=0), max(found, default=0)
    said = f"{plural(low, 'training')} each" if low == high else f"{low}–{high} trainings each, the same in each table"
    reason = broken[0] if broken else said
    return Check("As many trainings of each architecture", not broken, reason)


def _looks(groups: Sequence[Group]) -> Check:
    tested = [member for group in groups for member in group.members if member in group.errors]
    often = {member.label.text: member.known.known_looks for member in tested if member.known.known_looks > 1}
    if any(member.known.test_looks is None for member in tested) and not often:
        return Check("Test frames looked at once", None, "records of earlier versions do not say")
    listed = ", ".join(f"{name} {looks} times" for name, looks in list(often.items())[:FEW])
    more = f" and {len(often) - FEW} more" if len(often) > FEW else ""
    return Check("Test frames looked at once", not often, listed + more if often else "by every training")


def _tuning(groups: Sequence[Group], asked: Asked) -> Check:
    says = "Same effort of tuning"
    if not asked.trials:
        known = None if asked.budget is None else True
        return Check(says, known, "not known for runs given by hand" if known is None else "no search for any")
    names = {member.label.architecture for group in groups for member in group.members}
    trials = {name: asked.trials.get(name, 0) for name in sorted(names)}
    listed = ", ".join(f"{name} {number}" for name, number in trials.items())
    return Check(says, len(set(trials.values())) == 1, f"trials: {listed}")


def _machines(groups: Sequence[Group]) -> Check:
    found = differing(
        lambda member: member.known.provenance.machine.accelerator or member.known.provenance.machine.processor,
        (member for group in groups for member in group.members),
    )
    listed = "; ".join(f"{value}: {_few(names)}" for value, names in found.items())
    reason = listed if len(found) > 1 else next(iter(found), "")
    return Check("Same machine (matters for the costs alone)", len(found) <= 1, reason)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more
