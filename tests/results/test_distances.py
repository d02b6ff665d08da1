from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from potbench.reporting.page.content import PageFigure
from potbench.results.distances import NONE_ALIKE, by_distance
from potbench.results.sections import where
from potbench.runs.folder import RunFolder
from tests.results.conftest import Found
from tests.results.simulated import predict_anew, trainings

FEWEST = 10


def with_distances(run: RunFolder, distances: np.ndarray, of_distance) -> None:
    """Write distances into the predictions of a run, and errors of the forces that follow from them, in eV/Å."""
    with np.load(run.predictions, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays}
    found["nearest"] = distances
    found["force_absolute_error"] = of_distance(distances) * 3 * found["num_atoms"]
    predict_anew(run, found)


def uniform(seed: int, size: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.1, 0.7, size)


def test_errors_are_those_at_the_distance_from_the_frames_of_the_same_training(tmp_path: Path, found: Found) -> None:
    """Each training has other training frames, and errors twice as large where it is twice as far from them."""
    for name, size in (("SchNet", 1.0), ("PaiNN", 3.0)):
        for seed, run in enumerate(trainings(tmp_path, architecture=name, draws=True)):
            with_distances(run, uniform(seed), lambda distance, size=size: size * distance)
    (table,) = found().main
    ranges = by_distance(table, 6, FEWEST)
    assert len(ranges.groups) == 6
    assert ranges.counts.sum() == pytest.approx(200, abs=3)  # of three trainings, rounded
    ends = [tuple(map(float, group.split("–"))) for group in ranges.groups]
    assert all(end == begin for (_, end), (begin, _) in pairwise(ends))
    middle = np.mean(ends, axis=1)
    np.testing.assert_allclose(ranges.errors["SchNet"] / ranges.errors["SchNet"][0], middle / middle[0], rtol=0.1)
    np.testing.assert_allclose(ranges.errors["PaiNN"], 3 * ranges.errors["SchNet"], rtol=1e-9)
    # in all ranges together the error of the table
    for name, errors in ranges.errors.items():
        assert np.average(errors, weights=ranges.counts) == pytest.approx(table.rows[name].mean.mean, rel=0.01)


def test_frames_without_a_training_frame_of_their_composition_have_a_range_of_their_own(
    tmp_path: Path, found: Found
) -> None:
    distances = np.where(np.arange(200) < 50, np.inf, uniform(0))
    distances[50:70] = np.nan
    for run in trainings(tmp_path):
        with_distances(run, distances, lambda distance: np.where(distance > 1, 5.0, 1.0))
    (table,) = found().main
    ranges = by_distance(table, 4, FEWEST)
    assert ranges.groups[-1] == NONE_ALIKE
    assert len(ranges.groups) == 5
    assert ranges.counts[-1] == 50
    np.testing.assert_allclose(ranges.errors["SchNet"] / ranges.errors["SchNet"][0], [1, 1, 1, 1, 5])
    assert ranges.remarks == ["Measured for 180 test frames, drawn at random."]


def test_of_more_training_frames_than_are_compared_the_number_is_said(
    tmp_path: Path, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run in trainings(tmp_path, train=400):
        with_distances(run, uniform(0), lambda distance: distance)
    (table,) = found().main
    assert by_distance(table, 4, FEWEST).remarks == []
    monkeypatch.setattr("potbench.runs.predictions.MOST_TRAINING", 300)
    assert by_distance(table, 4, FEWEST).remarks == ["The nearest of 300 training frames, drawn at random."]


def test_predictions_of_an_earlier_version_are_left_out_and_said(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, architecture="SchNet")
    (table,) = found().main
    assert by_distance(table, 6, FEWEST) is None
    for run in trainings(tmp_path, architecture="PaiNN"):
        with_distances(run, uniform(0), lambda distance: distance)
    findings = found()
    ranges = by_distance(findings.main[0], 6, FEWEST)
    assert list(ranges.errors) == ["PaiNN"]
    assert "Not known for SchNet" in ranges.remarks[0]
    (figure,) = (
        block
        for block in where.section(findings).blocks
        if isinstance(block, PageFigure) and block.name == "where_distance_1"
    )
    assert "Not known for SchNet" in figure.description
    assert "nearest training frame (Å)" in figure.data.columns[0].name


def test_too_few_frames_are_not_divided(tmp_path: Path, found: Found) -> None:
    for run in trainings(tmp_path, num_test=15):
        with_distances(run, uniform(0, 15), lambda distance: distance)
    (table,) = found().main
    assert by_distance(table, 6, FEWEST) is None
