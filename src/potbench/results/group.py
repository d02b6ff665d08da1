"""Trainings that may stand in one table: of one dataset and size, tested on the same frames."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from potbench.errors import RecordError
from potbench.loading import SplitIndices
from potbench.reporting.page.content import Banner
from potbench.results.errors import Reader, RunErrors, TestFrames, digest
from potbench.results.member import Absent, Member, Outcome
from potbench.results.pooling import Pool, pool
from potbench.results.refused import why_refused

FEW = 6
Training = tuple[Member, ...]
"""One run, or one for each of the folds that test other frames."""


@dataclass(frozen=True, eq=False)
class Group:
    """Trainings on one dataset with one number of training frames, tested on the same frames, at once or fold by fold.

    Args:
        dataset: as tables show it.
        size: number of training frames, where several are compared.
        test: the test frames.
        members: that finished or diverged.
        errors: of those that finished.
        missing: architecture → trainings that neither finished nor diverged.
        pool: the folds, where each tests other frames; None where all have the same.
    """

    dataset: str
    size: int | None
    test: TestFrames
    members: tuple[Member, ...]
    errors: Mapping[Member, RunErrors]
    missing: Mapping[str, int]
    pool: Pool | None = None

    @property
    def architectures(self) -> dict[str, list[Member]]:
        """Return architecture → trainings, in the order of fold and training."""
        found: dict[str, list[Member]] = defaultdict(list)
        for member in sorted(self.members, key=lambda each: (each.label.fold or 0, each.label.training)):
            found[member.label.architecture].append(member)
        return dict(found)

    @property
    def numbers(self) -> dict[str, int]:
        """Return architecture → runs that finished or diverged, those of incomplete trainings among them."""
        alone = {} if self.pool is None else self.pool.alone
        return {name: len(members) + alone.get(name, 0) for name, members in self.architectures.items()}

    @property
    def trainings(self) -> dict[str, list[Training]]:
        """Return architecture → trainings, each with a run for every fold; a run that diverged stands alone."""
        if self.pool is None:
            return {name: [(member,) for member in members] for name, members in self.architectures.items()}
        return {
            name: [
                *self.pool.trainings.get(name, ()),
                *((member,) for member in members if member.outcome is Outcome.DIVERGED),
            ]
            for name, members in self.architectures.items()
        }

    @property
    def whole(self) -> dict[Training, RunErrors]:
        """Return the errors of each training that finished, on all test frames."""
        if self.pool is None:
            return {(member,): each for member, each in self.errors.items()}
        return {
            training: self.pool.join([self.errors[member] for member in training])
            for trainings in self.pool.trainings.values()
            for training in trainings
        }

    @property
    def energy_unit(self) -> str:
        """Return the unit of the energies in the store."""
        return self.members[0].known.data.units.energy

    @property
    def title(self) -> str:
        """Return what it is called: ethanol, 400 training frames."""
        return self.dataset if self.size is None else f"{self.dataset}, {self.size:,} training frames"


class Separated(NamedTuple):
    """What may be compared, and what may not.

    Attributes:
        groups: by dataset and size.
        absent: what is in none of them, and why.
        banners: what had to be put into tables apart.
    """

    groups: tuple[Group, ...]
    absent: tuple[Absent, ...]
    banners: tuple[Banner, ...]


class _Key(NamedTuple):
    """What must be equal in a table."""

    data: str
    theory: str
    energy_unit: str
    test: str


def separate(members: Sequence[Member]) -> Separated:
    """Put trainings together that may be compared, and say of all others why not.

    Test frames, data, units and levels of theory are the same within a group. Who was trained on test frames is
    refused.

    Args:
        members: all trainings.
    """
    reader, absent = Reader(), []
    errors: dict[Member, RunErrors] = {}
    keys: dict[Member, _Key] = {}
    for member in members:
        if member.outcome is Outcome.FINISHED:
            try:
                found = reader.read(member.folder, member.known.data.fingerprint)
                refused = why_refused(member, found)
            except (RecordError, OSError) as error:
                absent.append(_unreadable(member, error))
                continue
            if refused:
                absent.append(Absent(member.label.text, refused, "red"))
                continue
            errors[member] = found
            keys[member] = _key(member, found.test.digest)
        elif member.outcome is not Outcome.DIVERGED:
            absent.append(Absent(member.label.text, f"{member.outcome}: {member.reason}"))
    for member in members:
        if member.outcome is Outcome.DIVERGED:
            try:
                key = _key_of_diverged(member, errors, keys)
            except (RecordError, OSError) as error:
                absent.append(_unreadable(member, error))
                continue
            if key is None:
                absent.append(_alone(member))
            else:
                keys[member] = key
    pools = _pools(errors, keys, absent)
    tested_keys = {(member.label.dataset, member.label.size, keys[member]) for member in errors}
    for member, key in list(keys.items()):
        if (member.label.dataset, member.label.size, key) not in tested_keys:
            absent.append(_alone(member))
            del keys[member]
    names, banners = _names(keys)
    banners += tuple(
        Banner("amber", f"{found.folds.lacking.removesuffix('.')}, {member.label.dataset}.")
        for member, found in {id(found): (member, found) for member, found in pools.items()}.values()
        if found.folds.lacking
    )
    members_of: dict[tuple[str, int | None], list[Member]] = defaultdict(list)
    for member in members:
        if member in keys:
            members_of[names[member.label.dataset, keys[member]], member.label.size].append(member)
    groups = []
    for (dataset, size), found_members in sorted(
        members_of.items(), key=lambda item: (_first(item[1], members), item[0][1] or 0)
    ):
        tested = {member: errors[member] for member in found_members if member in errors}
        missing: dict[str, int] = defaultdict(int)
        for member in members:
            same = (member.label.dataset, member.label.size) == (found_members[0].label.dataset, size)
            if same and member.outcome in (Outcome.FAILED, Outcome.MISSING):
                missing[member.label.architecture] += 1
        pooled = pools.get(next(iter(tested)))
        test = next(iter(tested.values())).test if pooled is None else pooled.test
        groups.append(Group(dataset, size, test, tuple(found_members), tested, dict(missing), pooled))
    return Separated(tuple(groups), tuple(absent), banners)


def _pools(errors: dict[Member, RunErrors], keys: dict[Member, _Key], absent: list[Absent]) -> dict[Member, Pool]:
    """Put folds together that test other frames each: their trainings get one key, and what is left over is absent."""
    alike: dict[tuple[object, ...], list[Member]] = defaultdict(list)
    for member, key in keys.items():
        alike[member.label.dataset, member.label.size, key._replace(test="")].append(member)
    found: dict[Member, Pool] = {}
    for same in alike.values():
        tested = {member: errors[member] for member in same if member in errors}
        pooled, left_over = pool(tested, {member: keys[member].test for member in same if member not in errors})
        if pooled is None:
            continue
        absent += left_over.values()
        for member in left_over:
            errors.pop(member, None)
            del keys[member]
        for member in set(same) - left_over.keys():
            found[member] = pooled
            keys[member] = keys[member]._replace(test=pooled.test.digest)
    return found


def _key(member: Member, test: str) -> _Key:
    data = member.known.data
    return _Key(data.fingerprint, data.theory, data.units.energy, test)


def _key_of_diverged(member: Member, errors: Mapping[Member, RunErrors], keys: Mapping[Member, _Key]) -> _Key | None:
    """Return the key of those of its size that finished with the same test frames: it was not tested itself.

    Of a fold in which all diverged, it is that of the other folds, with its own test frames.
    """
    label, data = member.label, member.known.data.fingerprint
    same = [
        other
        for other in errors
        if (other.label.dataset, other.label.size) == (label.dataset, label.size)
        and other.known.data.fingerprint == data
    ]
    if member.folder.split.is_file():
        frames = digest(SplitIndices.load(member.folder.split).test, {})
        of_others = [keys[other]._replace(test=frames) for other in same if label.fold is not None]
        same = [other for other in same if errors[other].test.digest_of_frames == frames]
        if not same:
            return of_others[0] if of_others else None
    return keys[same[0]] if same else None


def _alone(member: Member) -> Absent:
    return Absent(member.label.text, f"{member.reason}; no training of its kind finished")


def _unreadable(member: Member, error: Exception) -> Absent:
    # the label names the run already
    return Absent(member.label.text, str(error).replace(f"{member.folder.path}/", "").removesuffix("."), "red")


def _names(keys: Mapping[Member, _Key]) -> tuple[dict[tuple[str, _Key], str], tuple[Banner, ...]]:
    """Name datasets, A, B and so on where a name stands for what cannot be compared, and say why."""
    of_dataset: dict[str, dict[_Key, list[Member]]] = defaultdict(lambda: defaultdict(list))
    for member, key in keys.items():
        of_dataset[member.label.dataset][key].append(member)
    names, banners = {}, []
    for dataset, found in of_dataset.items():
        if len(found) == 1:
            names[dataset, next(iter(found))] = dataset
            continue
        parts = {"data": "versions of the data", "theory": "levels of theory", "energy_unit": "units of the energies"}
        differ = [text for field, text in parts.items() if len({getattr(key, field) for key in found}) > 1]
        # other data has other frames anyway
        differ = differ or ["test frames"]
        for place, key in enumerate(found):
            names[dataset, key] = f"{dataset} ({_letter(place)})"
        listed = "; ".join(
            f"{_letter(place)}: {len(same)} of {_few(dict.fromkeys(member.label.architecture for member in same))}"
            for place, same in enumerate(found.values())
        )
        banners.append(
            Banner(
                "red",
                f"Trainings on {dataset} stand in {len(found)} tables that must not be compared: their "
                f"{' and '.join(differ)} differ. {listed}.",
            )
        )
    return names, tuple(banners)


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else str(place + 1)


def _few(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - FEW} more" if len(listed) > FEW else ""
    return ", ".join(listed[:FEW]) + more


def _first(found: Sequence[Member], members: Sequence[Member]) -> int:
    datasets = list(dict.fromkeys(member.label.dataset for member in members))
    return datasets.index(found[0].label.dataset)
