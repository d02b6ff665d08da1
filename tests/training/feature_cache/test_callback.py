from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from potbench.loading.collate import gather
from potbench.training import FeatureCache
from potbench.training.feature_cache import callback
from tests.training.small_task import quiet_trainer, small_data, small_task

pytestmark = pytest.mark.filterwarnings("ignore")


def caches(data) -> list[str]:
    return sorted(path.name for path in data.store.folder.glob("features-*.npy"))


def trained(folder: Path, *callbacks, forces: float = 0.0, epochs: int = 2, precision: str = "32-true"):
    data, task = small_data(folder, bool(forces)), small_task(forces)
    trainer = quiet_trainer(folder, *callbacks, epochs=epochs, precision=precision)
    trainer.fit(task, datamodule=data)
    return data, task, {name: float(value) for name, value in trainer.callback_metrics.items()}


def test_training_with_cached_features_gives_the_same_losses_and_weights(tmp_path):
    _, one, computed = trained(tmp_path)
    data, other, cached = trained(tmp_path, FeatureCache())
    assert len(caches(data)) == 1
    assert data.on_before_batch_transfer(next(iter(data.train_dataloader())), 0).cached is not None
    assert cached == pytest.approx(computed, rel=1e-4)
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("forces", [0.0, 1.0])
def test_in_double_precision_what_is_cached_is_not_rounded(tmp_path, forces):
    settings = {"forces": forces, "epochs": 15 if forces else 2, "precision": "64-true"}
    _, _, computed = trained(tmp_path, **settings)
    data, _, cached = trained(tmp_path, FeatureCache(), **settings)
    features = data.on_before_batch_transfer(next(iter(data.train_dataloader())), 0).cached
    assert features.features.dtype == torch.float64
    assert all(group.derivatives.own.dtype == torch.float64 for group in features.groups or ())
    assert cached == pytest.approx(computed, rel=1e-5)


def test_the_cache_is_filled_once(tmp_path, monkeypatch):
    trained(tmp_path, FeatureCache())

    def never(*arguments):
        raise AssertionError("the cache was filled again")

    monkeypatch.setattr(callback, "fill", never)
    trained(tmp_path, FeatureCache())


def other_bytes(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-4])


def without_a_seal(file: Path) -> None:
    file.with_suffix(".json").unlink()


@pytest.mark.parametrize("damage", [other_bytes, cut_short, without_a_seal])
def test_what_is_not_as_it_was_written_is_computed_again_and_a_line_says_so(tmp_path, capsys, damage):
    data, _, before = trained(tmp_path, FeatureCache())
    file = data.store.folder / caches(data)[0]
    damage(file)
    capsys.readouterr()
    _, _, after = trained(tmp_path, FeatureCache())
    assert after == before
    assert f"{file} is not what was written there: its features are computed again." in capsys.readouterr().out
    trained(tmp_path, FeatureCache())
    assert "computed again" not in capsys.readouterr().out


def test_seconds_that_computing_took_are_counted_also_those_before_the_run_was_resumed(tmp_path, monkeypatch):
    def slow(*arguments):
        time.sleep(0.3)
        fill(*arguments)

    fill = callback.fill
    monkeypatch.setattr(callback, "fill", slow)
    first, later = FeatureCache(), FeatureCache()
    trained(tmp_path, first)
    assert 0.3 <= first.seconds < 3
    assert 0 < first.cpu_seconds < first.seconds - 0.2  # it waited, and a core had time for others
    later.load_state_dict(first.state_dict())
    trained(tmp_path, later)  # reads what the first has computed
    assert first.seconds <= later.seconds < first.seconds + 0.2
    assert first.cpu_seconds <= later.cpu_seconds < first.cpu_seconds + 0.2
    later.load_state_dict({"seconds": 3.0})  # of an early checkpoint
    assert math.isnan(later.cpu_seconds)


def test_nothing_is_counted_where_nothing_is_cached(tmp_path):
    cache = FeatureCache(largest_size=0)
    trained(tmp_path, cache)
    assert cache.seconds == 0


def test_the_line_says_where_features_are_cached(tmp_path, capsys):
    data, _, _ = trained(tmp_path, FeatureCache())
    (name,) = caches(data)
    assert f"read from {data.store.folder / name} (0.00 GiB)" in capsys.readouterr().out


def test_training_on_forces_with_cached_derivatives_gives_the_same_losses_and_weights(tmp_path, capsys):
    epochs = 15  # three for each atom of the largest molecule
    _, one, computed = trained(tmp_path, forces=1.0, epochs=epochs)
    data, other, cached = trained(tmp_path, FeatureCache(), forces=1.0, epochs=epochs)
    for loader in (data.train_dataloader(), data.val_dataloader()):
        groups = data.on_before_batch_transfer(batch := next(iter(loader)), 0).cached.groups
        assert sum(len(group.rows) for group in groups) == len(batch.energy)
        assert not any((group.rows < 0).any() for group in groups)
    assert cached == pytest.approx(computed, rel=1e-3)
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weight, rtol=1e-3, atol=1e-4)
    assert caches(data) == []
    assert (
        "Features of 15 frames and their derivatives are computed once and cached in memory" in capsys.readouterr().out
    )


def test_features_of_frames_that_are_not_cached_are_computed(tmp_path):
    data, _, _ = trained(tmp_path, FeatureCache(), forces=1.0, epochs=15)
    assert data.on_before_batch_transfer(next(iter(data.test_dataloader())), 0).cached is None
    mixed = gather(data.store, np.array([data.indices.train[0], data.indices.test[0]]))
    assert data.on_before_batch_transfer(mixed, 0).cached is None


def test_a_short_training_on_forces_computes_features_at_every_step_and_a_line_says_so(tmp_path, capsys):
    data, _, metrics = trained(tmp_path, FeatureCache(), forces=1.0, epochs=2)
    assert data.transform is None
    assert metrics["validation/forces_mae"] > 0
    line = "Features are computed at every step: caching their derivatives repays from 15 epochs on."
    assert line in capsys.readouterr().out


def test_derivatives_too_large_are_not_cached_and_a_line_says_so(tmp_path, capsys):
    data, _, _ = trained(tmp_path, FeatureCache(largest_jacobians=1e-6), forces=1.0, epochs=15)
    assert data.transform is None
    line = "Features are computed at every step: with their derivatives they would take 0.0 GiB of memory, above"
    assert line in capsys.readouterr().out


def test_a_representation_that_learns_is_not_cached(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.representations.AEV.constants", None)
    data, _, _ = trained(tmp_path, FeatureCache())
    assert data.transform is None
    assert caches(data) == []


def test_features_cached_for_one_training_are_not_those_of_the_next(tmp_path):
    data, _, _ = trained(tmp_path, FeatureCache(), forces=1.0, epochs=15)
    assert data.transform is not None
    quiet_trainer(tmp_path, FeatureCache(), epochs=1).fit(small_task(forces=1.0), datamodule=data)
    assert data.transform is None


def test_a_cache_too_large_is_not_made_and_a_line_says_so(tmp_path, capsys):
    data, _, _ = trained(tmp_path, FeatureCache(largest_size=1e-6))
    assert data.transform is None
    assert caches(data) == []
    assert (
        "Features are computed at every step: cached, they would take 0.0 GiB, above the limit of 1e-06 GiB."
        in capsys.readouterr().out
    )


def test_where_nothing_can_be_written_features_are_computed_and_a_line_says_so(tmp_path, monkeypatch, capsys):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array_header_1_0", full)
    data, _, _ = trained(tmp_path, FeatureCache())
    assert data.transform is None
    assert caches(data) == []
    assert (
        "Features are computed at every step: they could not be cached ([Errno 28] No space left on device)."
        in capsys.readouterr().out
    )
