from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from potbench.loading.collate import gather
from potbench.training import FeatureCache
from potbench.training.feature_cache import callback, on_disk
from potbench.training.feature_cache.on_disk import cache_file, fill
from tests.training.small_task import quiet_trainer, small_data, small_potential, small_task

pytestmark = pytest.mark.filterwarnings("ignore")
EVERYTHING = np.arange(19)


def opened(folder: Path):
    data = small_data(folder)
    data.prepare_data()
    data.setup("fit")
    return data


def caches(data) -> list[str]:
    return sorted(path.name for path in data.store.folder.glob("features-*"))


def trained(folder: Path, *callbacks, forces: float = 0.0, epochs: int = 2, **constants):
    data, task = small_data(folder, bool(forces)), small_task(forces, **constants)
    trainer = quiet_trainer(folder, *callbacks, epochs=epochs)
    trainer.fit(task, datamodule=data)
    return data, task, {name: float(value) for name, value in trainer.callback_metrics.items()}


def test_kept_features_are_those_that_are_computed(tmp_path):
    data, potential = opened(tmp_path), small_potential()
    file = cache_file(data.store, potential)
    fill(file, data.store, potential)
    features = np.load(file, mmap_mode="r")
    assert features.dtype == np.float32
    plain = gather(data.store, EVERYTHING[::-1].copy())
    batch = on_disk.on_disk(file, data.store).attach(plain)
    torch.testing.assert_close(batch.cached.features, potential.features(plain))
    torch.testing.assert_close(potential(batch).energy, potential(plain).energy)


def test_filling_in_several_pieces_changes_nothing(tmp_path, monkeypatch):
    data, potential = opened(tmp_path), small_potential()
    fill(tmp_path / "whole.npy", data.store, potential)
    monkeypatch.setattr(on_disk, "FRAMES_AT_ONCE", 4)
    fill(tmp_path / "pieces.npy", data.store, potential)
    np.testing.assert_allclose(np.load(tmp_path / "pieces.npy"), np.load(tmp_path / "whole.npy"), atol=1e-6)


def test_training_with_kept_features_gives_the_same_losses_and_weights(tmp_path):
    _, one, computed = trained(tmp_path)
    data, other, kept = trained(tmp_path, FeatureCache())
    assert len(caches(data)) == 1
    assert data.on_before_batch_transfer(next(iter(data.train_dataloader())), 0).cached is not None
    assert kept == pytest.approx(computed, rel=1e-4)
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weight, rtol=1e-3, atol=1e-5)


def test_the_cache_is_filled_once(tmp_path, monkeypatch):
    trained(tmp_path, FeatureCache())

    def never(*arguments):
        raise AssertionError("the cache was filled again")

    monkeypatch.setattr(callback, "fill", never)
    trained(tmp_path, FeatureCache())


def test_the_line_says_where_features_are_kept(tmp_path, capsys):
    data, _, _ = trained(tmp_path, FeatureCache())
    (name,) = caches(data)
    assert f"read from {data.store.folder / name} (0.00 GiB)" in capsys.readouterr().out


def test_everything_the_features_follow_from_decides_the_cache(tmp_path, monkeypatch):
    store = opened(tmp_path).store
    files = [cache_file(store, small_potential())]
    for constants in ({"radial_cutoff": 5.0}, {"angular_cutoff": 3.4}, {"radial_eta": 15.0}, {"radial_shifts": 5}):
        files.append(cache_file(store, small_potential(**constants)))
    torch.set_default_dtype(torch.float64)
    files.append(cache_file(store, small_potential()))
    torch.set_default_dtype(torch.float32)
    monkeypatch.setitem(store.manifest, "fingerprint", "of other numbers")
    files.append(cache_file(store, small_potential()))
    assert len(set(files)) == len(files)


def test_weights_of_the_readout_do_not_decide_the_cache(tmp_path):
    store, potential = opened(tmp_path).store, small_potential()
    before = cache_file(store, potential)
    torch.nn.init.zeros_(next(potential.readout.parameters()))
    assert cache_file(store, potential) == before


def test_training_on_forces_with_kept_derivatives_gives_the_same_losses_and_weights(tmp_path, capsys):
    epochs = 15  # three for each atom of the largest molecule
    _, one, computed = trained(tmp_path, forces=1.0, epochs=epochs)
    data, other, kept = trained(tmp_path, FeatureCache(), forces=1.0, epochs=epochs)
    for loader in (data.train_dataloader(), data.val_dataloader()):
        groups = data.on_before_batch_transfer(batch := next(iter(loader)), 0).cached.groups
        assert sum(len(group.rows) for group in groups) == len(batch.energy)
        assert not any((group.rows < 0).any() for group in groups)
    assert kept == pytest.approx(computed, rel=1e-3)
    for name, weight in one.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], weight, rtol=1e-3, atol=1e-4)
    assert caches(data) == []
    assert (
        "Features of 15 frames and their derivatives are computed once and cached in memory" in capsys.readouterr().out
    )


def test_frames_that_were_not_kept_are_computed(tmp_path):
    data, _, _ = trained(tmp_path, FeatureCache(), forces=1.0, epochs=15)
    assert data.on_before_batch_transfer(next(iter(data.test_dataloader())), 0).cached is None
    mixed = gather(data.store, np.array([data.indices.train[0], data.indices.test[0]]))
    assert data.on_before_batch_transfer(mixed, 0).cached is None


def test_a_short_training_on_forces_computes_features_at_every_step_and_a_line_says_so(tmp_path, capsys):
    data, _, metrics = trained(tmp_path, FeatureCache(), forces=1.0, epochs=2)
    assert data.transform is None
    assert metrics["validation/forces_mae"] > 0
    line = "Features are computed at every step: their derivatives would take longer than 2 epochs repay; from 15"
    assert line in capsys.readouterr().out


def test_derivatives_too_large_are_not_kept_and_a_line_says_so(tmp_path, capsys):
    data, _, _ = trained(tmp_path, FeatureCache(largest_jacobians=1e-6), forces=1.0, epochs=15)
    assert data.transform is None
    line = "Features are computed at every step: with their derivatives they would take 0.0 GiB of memory, above"
    assert line in capsys.readouterr().out


def test_a_representation_that_learns_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.representations.AEV.constants", None)
    data, _, _ = trained(tmp_path, FeatureCache())
    assert data.transform is None
    assert caches(data) == []


def test_features_kept_for_one_training_are_not_those_of_the_next(tmp_path):
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


def fill_slowly(file: Path, store, pause: float) -> None:
    on_disk.FRAMES_AT_ONCE = 5
    potential = small_potential()
    compute = potential.features

    def slowly(batch):
        file.with_name("started").touch()
        time.sleep(pause)
        return compute(batch)

    potential.features = slowly
    fill(file, store, potential)


def test_a_killed_fill_leaves_no_cache(tmp_path):
    data = opened(tmp_path)
    file = data.store.folder / "features-abc.npy"
    process = multiprocessing.get_context("fork").Process(target=fill_slowly, args=(file, data.store, 60))
    process.start()
    while not file.with_name("started").exists() and process.is_alive():
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not file.exists()
    fill(file, data.store, small_potential())
    assert np.load(file).shape[0] == len(data.store.positions)
    assert caches(data) == ["features-abc.npy"]


def test_runs_that_fill_at_once_never_show_an_unfinished_cache(tmp_path, monkeypatch):
    data = opened(tmp_path)
    file = data.store.folder / "features-abc.npy"
    monkeypatch.setattr(on_disk, "FRAMES_AT_ONCE", 5)
    fill(tmp_path / "alone.npy", data.store, small_potential())
    second_started, first_finished = threading.Event(), threading.Event()

    def held_up(reached: threading.Event | None, until: threading.Event, after_blocks: int):
        potential = small_potential()
        compute = potential.features
        num_blocks = 0

        def features(batch):
            nonlocal num_blocks
            num_blocks += 1
            if num_blocks > after_blocks:
                if reached:
                    reached.set()
                assert until.wait(60)
            return compute(batch)

        potential.features = features
        return potential

    first = threading.Thread(target=fill, args=(file, data.store, held_up(None, second_started, 2)))
    second = threading.Thread(target=fill, args=(file, data.store, held_up(second_started, first_finished, 0)))
    first.start()
    second.start()
    first.join()
    expected = np.load(tmp_path / "alone.npy")
    np.testing.assert_allclose(np.load(file), expected, atol=1e-6)
    first_finished.set()
    second.join()
    np.testing.assert_allclose(np.load(file), expected, atol=1e-6)
    assert caches(data) == ["features-abc.npy"]
