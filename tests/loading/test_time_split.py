from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.loading import AtomsDataModule, Store, TimeSplit
from potbench.loading.manifest import Origin
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
    return Store.write(tmp_path / "store", [pieces[0], water, pieces[1]], Origin(name="made"))


def test_each_trajectory_trains_first_and_tests_last(trajectories):
    indices = TimeSplit(0.6, 0.2, 0.2).divide(trajectories)
    assert [len(frames) for frames in indices] == [48, 16, 16]
    assert len(np.unique(np.concatenate(indices))) == 80
    for name in ("CH4", "H2O"):
        train, validation, test = (
            trajectories.time[frames[trajectories.molecule_names[trajectories.molecule_of(frames)] == name]]
            for frames in indices
        )
        assert train.max() < validation.min()
        assert validation.max() < test.min()


def test_a_gap_is_left_between_the_sets(trajectories):
    indices = TimeSplit(20, 2, 3, gap=2).divide(trajectories)
    assert [len(frames) for frames in indices] == [40, 4, 6]
    names = trajectories.molecule_names[trajectories.molecule_of(np.arange(80))]
    times = np.sort(trajectories.time[names == "CH4"])
    places = [np.searchsorted(times, trajectories.time[one[names[one] == "CH4"]]) for one in indices]
    assert [np.sort(place).tolist() for place in places] == [list(range(20)), [22, 23], [26, 27, 28]]


def test_frames_that_are_no_trajectory_are_refused(store):
    with pytest.raises(SettingError, match=r"are not known to be a trajectory\. Expected those of MD17") as caught:
        TimeSplit().divide(store)
    assert (caught.value.owner, caught.value.setting) == (AtomsDataModule, "split")


def test_a_gap_below_zero_is_refused():
    with pytest.raises(SettingError) as caught:
        TimeSplit(gap=-1)
    assert str(caught.value) == "gap is -1, expected 0 or more. Change the argument gap of TimeSplit."


def test_gaps_longer_than_a_trajectory_are_refused(trajectories):
    with pytest.raises(
        SettingError, match=r"Two gaps of 20 frames leave 0 of a trajectory of 30\..*argument gap of Time"
    ):
        TimeSplit(gap=20).divide(trajectories)


def test_trajectories_shorter_than_their_sets_are_refused(trajectories):
    with pytest.raises(SettingError, match=r"asks for 40 \+ 5 \+ 5 frames of a trajectory of 30"):
        TimeSplit(40, 5, 5).divide(trajectories)
