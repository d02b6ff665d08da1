from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from potbench.examination.stability import ConstantTemperature
from potbench.structures import FloatArray
from potbench.units import BOLTZMANN
from tests.examination.moving import SHORT, WATER, Collapsing, Loose, subject
from tests.inference.toy import Springs

MODE = replace(SHORT, stability_replicas=6, stability_time=0.6)


def canonical(kelvin: float, length: float = 1.0) -> FloatArray:
    """Frames of water in the canonical ensemble of `Springs`, by the algorithm of Metropolis."""
    random = np.random.default_rng(0)
    first, second = np.triu_indices(3, 1)

    def energy(positions: FloatArray) -> FloatArray:
        distances = np.linalg.norm(positions[:, first] - positions[:, second], axis=2)
        return (Springs.stiffness / 2 * (distances - length) ** 2).sum(axis=1)

    walkers = np.repeat(length * WATER.positions[None], 300, axis=0)
    for _ in range(300):
        moved = walkers + 0.04 * random.normal(size=walkers.shape)
        accepted = random.random(300) < np.exp((energy(walkers) - energy(moved)) / (BOLTZMANN * kelvin))
        walkers[accepted] = moved[accepted]
    return walkers


def test_a_right_potential_stays_whole_with_the_distances_of_the_data_and_a_wrong_one_is_found_out() -> None:
    found = ConstantTemperature().examine(subject(positions=canonical(500), temperature=500.0), MODE)
    assert [each.verdict for each in found.findings] == ["pass"] * 3, found.findings
    assert [each.protocol for each in found.findings] == ["stability", "distances", "distances"]
    assert "6 of 6 replicas stay whole for 0.6 ps at 500 K" in found.findings[0].note
    survival, distances = found.figures
    assert survival.lines[0].y[-1] == 1.0
    assert [line.reference for line in distances.lines] == [True, False]
    # data of bonds that are 0.04 Å longer
    wrong = ConstantTemperature().examine(subject(positions=canonical(500, 1.04), temperature=500.0), MODE)
    assert [each.verdict for each in wrong.findings] == ["pass", "FAIL", "FAIL"]
    w1 = wrong.findings[2]
    assert w1.value == pytest.approx(0.04, abs=0.01)


def test_molecules_break() -> None:
    found = ConstantTemperature().examine(subject(Loose), replace(SHORT, stability_replicas=6))
    share, distances = found.findings
    assert share.verdict == "FAIL"
    assert share.value < 1
    assert "on average in the data" in share.note
    curve = found.figures[0].lines[0]
    assert list(curve.y) == sorted(curve.y, reverse=True)
    assert curve.y[-1] == share.value
    assert f"after {curve.x[1]:.3g} ps" in share.note  # when it broke first counts
    assert (distances.verdict, distances.note[:33]) == ("refused", "The data are no trajectory at a k")


def test_a_potential_that_collapses_survives_nowhere() -> None:
    found = ConstantTemperature().examine(subject(Collapsing), SHORT)
    assert found.findings[0].value == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"positions": WATER.positions[None], "temperature": 500.0}, "The test set has 1 frames of the molecule"),
        ({"positions": canonical(500), "temperature": 500.0}, "The dynamics count as "),
    ],
)
def test_too_few_frames_are_not_compared(settings: dict[str, object], said: str) -> None:
    found = ConstantTemperature().examine(subject(**settings), replace(MODE, stability_time=0.03))
    assert found.findings[1].verdict == "refused"
    assert found.findings[1].note.startswith(said)


def test_data_of_another_level_of_theory_judge_nothing() -> None:
    other = subject(positions=canonical(500, 1.04), temperature=500.0, sampled_by="PBE+TS")
    found = ConstantTemperature().examine(other, replace(MODE, stability_time=0.3))
    assert [(each.verdict, each.limit) for each in found.findings[1:]] == [("", None)] * 2
    assert "of PBE+TS" in found.findings[1].note
    assert len(found.figures) == 2
