from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from potbench.results.sections import cost
from potbench.results.training_time import training_seconds
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.units import Quantity
from tests.results.conftest import Found
from tests.results.simulated import Simulated


def with_preparation(folder: Path, seconds: tuple[float | None, ...], **settings) -> list[RunFolder]:
    """Trainings of a minute each, after so many seconds of preparation."""
    runs = []
    for seed, each in enumerate(seconds):
        training = Simulated(seed=seed, **settings)
        run = training.write(folder / f"{training.architecture}-{seed}")
        record = training.record(run)
        prepared = None if each is None else Quantity(each, "s")
        spent = replace(record.cost, wall_time=Quantity(60.0, "s"), preparation=prepared)
        replace(record, cost=spent).save(run.path)
        runs.append(run)
    return runs


def test_what_one_training_prepared_for_all_counts_for_each(tmp_path: Path, found: Found) -> None:
    with_preparation(tmp_path, (30.0, 0.0, None))
    members = found().groups[0].members
    np.testing.assert_allclose(training_seconds(members, "wall_time"), [90.0, 90.0, 90.0])
    assert np.isnan(training_seconds(members, "cpu_time")).all()  # of early records


def test_cpu_time_has_the_cpu_time_of_its_preparation_where_that_is_known(tmp_path: Path, found: Found) -> None:
    runs = with_preparation(tmp_path, (30.0, 0.0))
    for run, seconds in zip(runs, (2.0, 0.0), strict=True):
        record = Record.load(run.path)
        spent = replace(record.cost, cpu_time=Quantity(50.0, "s"), preparation_cpu=Quantity(seconds, "s"))
        replace(record, cost=spent).save(run.path)
    members = found().groups[0].members
    np.testing.assert_allclose(training_seconds(members, "cpu_time"), [52.0, 52.0])
    np.testing.assert_allclose(training_seconds(members, "wall_time"), [90.0, 90.0])
    early = Record.load(runs[0].path)
    replace(early, cost=replace(early.cost, preparation_cpu=None)).save(runs[0].path)
    assert np.isnan(training_seconds(found().groups[0].members, "cpu_time")).all()


def test_preparation_is_a_part_of_the_training_time_everywhere(
    tmp_path: Path, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(cost, "draw_pareto", lambda points, *_: drawn.extend(points))
    with_preparation(tmp_path, (30.0, 0.0, 0.0), architecture="AEV")
    with_preparation(tmp_path, (0.0, 0.0, 0.0), architecture="SchNet")
    findings = found(budget="wall_time")
    (times,) = (check for check in findings.fairness.checks if "training time" in check.says)
    assert times.holds is False
    assert "AEV 90.0 s, SchNet 60.0 s" in times.reason
    cost.section(findings)
    shown = {point.label: point.costs[cost.TRAINING].value for point in drawn if cost.TRAINING in point.costs}
    assert shown == {"AEV": 90.0, "SchNet": 60.0}
