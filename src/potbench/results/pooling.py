"""Folds of which each tests other frames, found among the trainings of a comparison, to stand in one table."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from potbench.results.errors import RunErrors, TestFrames, digest
from potbench.results.member import Absent, Member
from potbench.results.tested_folds import TestedFolds
from potbench.structures import FloatArray, IntArray

FEWEST_FOLDS = 3
"""From two folds no interval follows."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Trainings on all folds of a dataset with one number of training frames.

    Args:
        test: the test frames of all folds.
        folds: which of them are in which fold.
        trainings: architecture → its trainings, each with a run for every fold, in the order of the folds.
        alone: architecture → runs that finished and are in none of these, since another diverged in a fold.
    """

    test: TestFrames
    folds: TestedFolds
    trainings: Mapping[str, tuple[tuple[Member, ...], ...]]
    alone: Mapping[str, int]

    def join(self, runs: Sequence[RunErrors]) -> RunErrors:
        """Return the errors of a training on the frames of all folds, from those of its runs."""
        absolute = [each.forces_absolute for each in runs]
        squared = [each.forces_squared for each in runs]
        nearest = [each.nearest for each in runs]
        energy = np.concatenate([each.energy for each in runs])
        return RunErrors(self.test, energy, _join(absolute), _join(squared), _join(nearest))


class Pooled(NamedTuple):
    """What came of looking for folds.

    Attributes:
        pool: None where there are none that all architectures have.
        absent: trainings that are left out, and why.
    """

    pool: Pool | None
    absent: Mapping[Member, Absent]


def pool(
    errors: Mapping[Member, RunErrors], diverged: Mapping[Member, str], unstable: Collection[str] | None = None
) -> Pooled:
    """Put folds together that test other frames each: those that all architectures have.

    An architecture with half of the folds or fewer is left out, for it would leave too few to the others. One that
    diverged in a fold has it: that is its result, and takes no fold from the others.

    Args:
        errors: of trainings on the same data with one number of training frames.
        diverged: trainings of the same kind that diverged → the test frames that they were not tested on, as in
            `TestFrames.digest`.
        unstable: architectures of which some diverged; None where these are those above.
    """
    if unstable is None:
        unstable = {member.label.architecture for member in diverged}
    tests = {each.test.digest: each.test for each in errors.values()}
    if not _are_folds(errors, tests):
        return Pooled(None, {})
    runs: dict[str, dict[str, list[Member]]] = defaultdict(lambda: defaultdict(list))
    fold_of = {}
    for member in sorted(errors, key=lambda each: (each.label.fold or 0, each.label.training)):
        test = errors[member].test.digest
        fold_of[test] = member.label.fold
        runs[member.label.architecture][test].append(member)
    for member, test in diverged.items():
        runs[member.label.architecture].setdefault(test, [])
    kept = {name: found for name, found in runs.items() if 2 * len(found) > len(tests)}
    common = [test for test in fold_of if all(test in found for found in kept.values())]
    if not kept or len(common) < FEWEST_FOLDS:
        return Pooled(None, {})
    trainings = {name: tuple(zip(*(found[test] for test in common), strict=False)) for name, found in kept.items()}
    used = set(chain.from_iterable(chain.from_iterable(trainings.values())))
    if not used:
        # each of them diverged in a fold
        return pool(errors, {}, unstable) if diverged else Pooled(None, {})
    absent = {}
    for member in (*errors, *diverged):
        name = member.label.architecture
        if name not in kept:
            reason = "it has not more than half of the folds"
        elif member in used or member in diverged:
            continue
        elif errors[member].test.digest not in common:
            reason = "not all architectures have this fold"
        elif name in unstable:
            reason = "its architecture diverged in another fold"
        else:
            reason = "other folds have fewer trainings"
        absent[member] = Absent(member.label.text, reason, "note")
    lacking = {name: [fold_of[test] for test in fold_of if test not in found] for name, found in runs.items()}
    said = "; ".join(
        f"{name} lacks {', '.join(f'fold {fold}' for fold in gone)}" for name, gone in lacking.items() if gone
    )
    if said:
        said = f"Compared on {len(common)} of {len(fold_of)} folds: {said}."
    joined = _joined([tests[test] for test in common])
    folds = TestedFolds(
        np.repeat(np.arange(len(common)), [len(tests[each].frames) for each in common]),
        joined.molecule if _are_whole_molecules([tests[each] for each in common]) else None,
        min(member.known.split.train for member in used),
        min(len(found) for found in trainings.values() if found),
        said,
    )
    alone = Counter(member.label.architecture for member in absent if member in errors)
    return Pooled(Pool(joined, folds, trainings, {name: alone[name] for name in unstable}), absent)


def _are_folds(errors: Mapping[Member, RunErrors], tests: Mapping[str, TestFrames]) -> bool:
    """Tell whether runs are of folds, each with test frames of its own that no other tests."""
    folds = {(member.label.fold, each.test.digest) for member, each in errors.items()}
    if len(tests) < FEWEST_FOLDS or len(folds) > len(tests) or any(fold is None for fold, _ in folds):
        return False
    frames = np.concatenate([each.frames for each in tests.values()])
    return len(np.unique(frames)) == len(frames) and not any(each.test_sets for each in tests.values())


def _are_whole_molecules(tests: Sequence[TestFrames]) -> bool:
    names = [{each.molecules[index] for index in np.unique(each.molecule)} for each in tests]
    return sum(map(len, names)) == len(set().union(*names))


def _joined(tests: Sequence[TestFrames]) -> TestFrames:
    frames = np.concatenate([each.frames for each in tests])
    names = np.concatenate([np.array(each.molecules)[each.molecule] for each in tests])
    molecules, molecule = np.unique(names, return_inverse=True)
    times = [each.time for each in tests]
    whole = digest(frames, {})
    return TestFrames(
        frames,
        np.concatenate([each.num_atoms for each in tests]),
        molecule,
        tuple(molecules.tolist()),
        _join_times(times),
        None,
        (),
        np.concatenate([each.energy for each in tests]),
        whole,
        whole,
    )


def _join(parts: Sequence[FloatArray | None]) -> FloatArray | None:
    known = [each for each in parts if each is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def _join_times(parts: Sequence[IntArray | None]) -> IntArray | None:
    known = [each for each in parts if each is not None]
    return np.concatenate(known) if len(known) == len(parts) else None
