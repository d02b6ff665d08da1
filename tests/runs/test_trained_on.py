from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from potbench.errors import RecordError
from potbench.loading.collate import gather
from potbench.loading.distances import shortest_distances
from potbench.runs.trained_on import TrainedOn
from tests.training.small_task import small_data


@pytest.fixture
def trained(tmp_path: Path) -> TrainedOn:
    data = small_data(tmp_path)
    data.setup("fit")
    TrainedOn.of(data.store, data.indices.train).save(tmp_path / "trained_on.npz")
    return TrainedOn.load(tmp_path / "trained_on.npz")


def test_every_training_frame_is_known_after_it_was_saved(trained: TrainedOn, tmp_path: Path) -> None:
    data = small_data(tmp_path)
    data.setup("fit")
    for frame in data.indices.train:
        batch = gather(data.store, np.array([frame]))
        assert trained.knows_composition(batch.atomic_numbers.numpy()[::-1])
        assert trained.extrapolation(batch).max() < 1e-5


@pytest.mark.parametrize("atomic_numbers", [[1], [14, 1, 1, 1, 1], [6] * 30])
def test_other_compositions_are_not_known(trained: TrainedOn, atomic_numbers: list[int]) -> None:
    assert not trained.knows_composition(np.array(atomic_numbers))


def test_shortest_distances_are_those_of_all_training_frames(trained: TrainedOn, tmp_path: Path) -> None:
    data = small_data(tmp_path)
    data.setup("fit")
    assert trained.shortest_distances == shortest_distances(data.store, data.indices.train)


def test_a_damaged_file_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "trained_on.npz").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(RecordError, match=r"trained_on\.npz is damaged"):
        TrainedOn.load(tmp_path / "trained_on.npz")
