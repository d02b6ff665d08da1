from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from potbench.loading import SplitIndices
from potbench.runs.ancestors import seen_by
from potbench.runs.ensemble_of import EnsembleMember, EnsembleOf
from potbench.runs.folder import RunFolder
from potbench.runs.parent import Parent
from potbench.runs.record import Budget, Record
from tests.runs.small_record import small_record

FIRST, SECOND, OTHER = range(10), range(10, 20), range(20, 30)


def run(
    folder: Path, train: range, test: range, parent: RunFolder | None = None, seen: int | None = 0, data: str = "data"
) -> RunFolder:
    """A run that was trained on some frames and tests others; seen: what its record says of its parent."""
    run = RunFolder(folder)
    run.create()
    record = small_record()
    of_parent = None
    if parent is not None:
        dataset = Record.load(parent.path).data.fingerprint
        of_parent = Parent(str(parent.path), str(parent.best), "89ab", "made", dataset, (), seen)
    replace(record, data=replace(record.data, fingerprint=data), parent=of_parent).save(run.path)
    SplitIndices(np.array(train[1:]), np.array(train[:1]), np.array(test)).save(run.split)
    return run


def count(run: RunFolder, frames: range) -> int | None:
    return seen_by([(run, Record.load(run.path))], "data").count(np.array(frames))


def test_frames_of_a_run_and_of_all_that_its_weights_come_from_are_counted(tmp_path: Path) -> None:
    first = run(tmp_path / "first", FIRST, OTHER)
    second = run(tmp_path / "second", SECOND, FIRST, first, seen=10)
    third = run(tmp_path / "third", SECOND, FIRST, second, seen=0)  # as earlier versions counted
    assert [count(third, frames) for frames in (FIRST, SECOND, range(5, 25), OTHER)] == [10, 10, 15, 0]


def test_frames_of_an_ancestor_are_counted_behind_one_that_was_trained_on_other_data(tmp_path: Path) -> None:
    first = run(tmp_path / "first", FIRST, OTHER)
    second = run(tmp_path / "second", SECOND, FIRST, first, seen=None, data="another")
    assert (count(second, FIRST), count(second, SECOND)) == (10, 0)


def test_what_the_record_of_a_run_says_survives_the_runs_before_it(tmp_path: Path) -> None:
    first = run(tmp_path / "first", FIRST, OTHER)
    second = run(tmp_path / "second", SECOND, FIRST, first, seen=8)
    shutil.rmtree(first.path)
    assert count(second, FIRST) == 8
    assert count(second, range(12)) == 2 + 8
    assert count(second, range(5)) == 3  # five of the eight may be among the others
    assert count(second, range(2)) is None


def test_that_nothing_was_seen_is_not_said_where_an_ancestor_is_gone(tmp_path: Path) -> None:
    first = run(tmp_path / "first", FIRST, OTHER)
    second = run(tmp_path / "second", SECOND, OTHER, first)
    assert count(second, FIRST) == 10
    shutil.rmtree(first.path)
    assert count(second, FIRST) is None


def test_a_run_in_the_place_of_an_ancestor_is_none(tmp_path: Path) -> None:
    second = run(tmp_path / "second", SECOND, OTHER, run(tmp_path / "first", FIRST, OTHER))
    run(tmp_path / "first", OTHER, FIRST, second, data="another")  # a circle of folders
    assert count(second, OTHER) is None
    assert count(second, SECOND) == 10


def test_frames_of_members_are_those_of_their_ensemble(tmp_path: Path) -> None:
    members = [run(tmp_path / name, frames, OTHER) for name, frames in (("one", FIRST), ("other", SECOND))]
    of = EnsembleOf(tuple(EnsembleMember(str(each.path), str(each.best), "89ab") for each in members), None, None, 0)
    ensemble = run(tmp_path / "ensemble", range(1), OTHER)
    replace(Record.load(ensemble.path), ensemble=of).save(ensemble.path)
    assert count(run(tmp_path / "tuned", range(1), OTHER, ensemble), range(25)) == 20


def test_an_imported_potential_was_not_trained_on_the_frames_that_it_is_tested_with(tmp_path: Path) -> None:
    imported = run(tmp_path / "imported", FIRST, OTHER)
    file = Parent(None, "mace.model", "89ab", None, None, (), None)
    replace(Record.load(imported.path), parent=file, budget=Budget(0, 0, 0)).save(imported.path)
    assert count(imported, FIRST) is None
