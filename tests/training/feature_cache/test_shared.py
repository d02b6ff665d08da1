from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from potbench.training.feature_cache.in_memory import in_memory
from potbench.training.feature_cache.shared import open_shared, save_shared
from potbench.training.feature_cache.table import FeatureTable
from tests.training.small_task import small_data, small_potential


@pytest.fixture
def table(tmp_path) -> FeatureTable:
    data = small_data(tmp_path, forces=True)
    data.setup("fit")
    return in_memory(data.store, data.indices.train, small_potential())


def test_a_shared_table_is_the_one_that_was_saved_and_outlives_its_file(tmp_path, table):
    save_shared(table, tmp_path / "shared")
    opened = open_shared(tmp_path / "shared", torch.device("cpu"))
    assert any(line.endswith(str(tmp_path / "shared")) for line in Path("/proc/self/maps").read_text().splitlines())
    (tmp_path / "shared").unlink()
    for name in ("features", "first_row", "derivatives_row"):
        assert np.array_equal(getattr(opened, name), getattr(table, name))
    assert opened.derivatives.keys() == table.derivatives.keys()
    assert sum(len(each.parts) for each in table.derivatives.values()) > 1
    for size, expected in table.derivatives.items():
        found = opened.derivatives[size]
        assert torch.equal(found.own, expected.own)
        assert torch.equal(found.features, expected.features)
        for ours, theirs in zip(found.parts, expected.parts, strict=True):
            assert torch.equal(ours.values, theirs.values)
            assert torch.equal(ours.coordinates, theirs.coordinates)


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), RuntimeError("unexpected pos 64 vs 0")])
def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(tmp_path, table, monkeypatch, problem):
    def full(content, stream):
        stream.write(b"some")
        raise problem

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match=f"shared could not be written: .*{problem.args[-1]}"):
        save_shared(table, tmp_path / "shared")
    assert not (tmp_path / "shared").exists()
