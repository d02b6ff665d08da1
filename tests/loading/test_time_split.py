from __future__ import annotations

import numpy as np
import pytest

from potbench.loading import Store, TimeSplit
from tests.native_files.made import frames


@pytest.fixture
def trajectories(tmp_path) -> Store:
    """Two trajectories, their frames shuffled in the file; methane's comes in two pieces."""
    random = np.random.default_rng(0)
    methane, water = (frames(name, count)._replace(time=random.permutation(5 * count)[:count])
                      for name, count in (("CH4", 50), ("H2O", 30)))  # fmt: skip
    pieces = [
        methane._replace(energy=methane.energy[rows], positions=methane.positions[rows], time=methane.time[rows])
        for rows in (slice(20), slice(20, None))
    ]
    return Store.write(tmp_path / "store", [pieces[0], water, pieces[1]], {"name": "made"})


def test_each_trajectory_trains_first_and_tests_last(trajectories):
    parts = TimeSplit(0.6, 0.2, 0.2).divide(trajectories)
    assert [len(part) for part in parts] == [48, 16, 16]
    assert len(np.unique(np.concatenate(parts))) == 80
    for name in ("CH4", "H2O"):
        train, validation, test = (
            trajectories.time[part[trajectories.molecule_names[trajectories.molecule_of(part)] == name]]
            for part in parts
        )
        assert train.max() < validation.min()
        assert validation.max() < test.min()


def test_a_gap_keeps_the_blocks_apart(trajectories):
    parts = TimeSplit(20, 2, 3, gap=2).divide(trajectories)
    assert [len(part) for part in parts] == [40, 4, 6]
    names = trajectories.molecule_names[trajectories.molecule_of(np.arange(80))]
    times = np.sort(trajectories.time[names == "CH4"])
    places = [np.searchsorted(times, trajectories.time[part[names[part] == "CH4"]]) for part in parts]
    assert [np.sort(place).tolist() for place in places] == [list(range(20)), [22, 23], [26, 27, 28]]


def test_frames_that_are_no_trajectory_are_refused(store):
    with pytest.raises(ValueError, match="does not say when its frames were"):
        TimeSplit().divide(store)


def test_a_gap_below_none_is_refused():
    with pytest.raises(ValueError, match=r"gap between blocks is -1.*split\.init_args\.gap"):
        TimeSplit(gap=-1)


def test_gaps_longer_than_a_trajectory_are_refused(trajectories):
    with pytest.raises(ValueError, match=r"Two gaps of 20 frames leave 0 of a trajectory of 30.*init_args\.gap"):
        TimeSplit(gap=20).divide(trajectories)


def test_trajectories_shorter_than_their_blocks_are_refused(trajectories):
    with pytest.raises(ValueError, match=r"asks for 40 \+ 5 \+ 5 frames of a trajectory of 30"):
        TimeSplit(40, 5, 5).divide(trajectories)
