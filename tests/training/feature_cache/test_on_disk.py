from __future__ import annotations

import errno
import multiprocessing
import signal
import threading
import time
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from potbench.loading.collate import gather
from potbench.loading.store import Store
from potbench.training.feature_cache import on_disk
from potbench.training.feature_cache.on_disk import cache_file, fill
from tests.training.small_task import small_data, small_potential

EVERYTHING = np.arange(19)


def opened(folder: Path) -> Store:
    data = small_data(folder)
    data.prepare_data()
    data.setup("fit")
    return data.store


def caches(store: Store) -> list[str]:
    return sorted(path.name for path in store.folder.glob("features-*") if path.suffix != ".json")


def test_cached_features_are_those_that_are_computed(tmp_path):
    store, potential = opened(tmp_path), small_potential()
    file = cache_file(store, potential)
    fill(file, store, potential)
    features = np.load(file, mmap_mode="r")
    assert features.dtype == np.float32
    plain = gather(store, EVERYTHING[::-1].copy())
    batch = on_disk.on_disk(file, store).attach(plain)
    torch.testing.assert_close(batch.cached.features, potential.features(plain))
    torch.testing.assert_close(potential(batch).energy, potential(plain).energy)


def test_filling_in_several_chunks_changes_nothing(tmp_path, monkeypatch):
    store, potential = opened(tmp_path), small_potential()
    fill(tmp_path / "whole.npy", store, potential)
    monkeypatch.setattr(on_disk, "FRAMES_AT_ONCE", 4)
    fill(tmp_path / "chunks.npy", store, potential)
    np.testing.assert_allclose(np.load(tmp_path / "chunks.npy"), np.load(tmp_path / "whole.npy"), atol=1e-6)


def test_everything_the_features_follow_from_decides_the_cache(tmp_path, monkeypatch):
    store = opened(tmp_path)
    files = [cache_file(store, small_potential())]
    for constants in ({"radial_cutoff": 5.0}, {"angular_cutoff": 3.4}, {"radial_eta": 15.0}, {"radial_shifts": 5}):
        files.append(cache_file(store, small_potential(**constants)))
    torch.set_default_dtype(torch.float64)
    files.append(cache_file(store, small_potential()))
    torch.set_default_dtype(torch.float32)
    monkeypatch.setattr(Store, "fingerprint", "of other numbers")
    files.append(cache_file(store, small_potential()))
    assert len(set(files)) == len(files)


def test_weights_of_the_readout_do_not_decide_the_cache(tmp_path):
    store, potential = opened(tmp_path), small_potential()
    before = cache_file(store, potential)
    torch.nn.init.zeros_(next(potential.readout.parameters()))
    assert cache_file(store, potential) == before


def fill_slowly(file: Path, store: Store, pause: float) -> None:
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
    store = opened(tmp_path)
    file = store.folder / "features-abc.npy"
    process = multiprocessing.get_context("fork").Process(target=fill_slowly, args=(file, store, 60))
    process.start()
    while not file.with_name("started").exists() and process.is_alive():
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not file.exists()
    fill(file, store, small_potential())
    assert np.load(file).shape[0] == len(store.positions)
    assert caches(store) == ["features-abc.npy"]


def test_where_nothing_can_be_locked_runs_that_fill_at_once_never_show_an_unfinished_cache(tmp_path, monkeypatch):
    def no_locks(*arguments, **settings):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(FileLock, "acquire", no_locks)
    store = opened(tmp_path)
    file = store.folder / "features-abc.npy"
    monkeypatch.setattr(on_disk, "FRAMES_AT_ONCE", 5)
    fill(tmp_path / "alone.npy", store, small_potential())
    second_started, first_finished = threading.Event(), threading.Event()

    def held_up(reached: threading.Event | None, until: threading.Event, after_chunks: int):
        potential = small_potential()
        compute = potential.features
        num_chunks = 0

        def features(batch):
            nonlocal num_chunks
            num_chunks += 1
            if num_chunks > after_chunks:
                if reached:
                    reached.set()
                assert until.wait(60)
            return compute(batch)

        potential.features = features
        return potential

    first = threading.Thread(target=fill, args=(file, store, held_up(None, second_started, 2)))
    second = threading.Thread(target=fill, args=(file, store, held_up(second_started, first_finished, 0)))
    first.start()
    second.start()
    first.join()
    expected = np.load(tmp_path / "alone.npy")
    np.testing.assert_allclose(np.load(file), expected, atol=1e-6)
    first_finished.set()
    second.join()
    np.testing.assert_allclose(np.load(file), expected, atol=1e-6)
    assert caches(store) == ["features-abc.npy"]


def test_of_runs_that_want_the_same_features_one_computes_and_the_others_wait(tmp_path, monkeypatch, capsys):
    store = opened(tmp_path)
    file = store.folder / "features-abc.npy"
    potential = small_potential()
    computed = []

    def features(batch, compute=potential.features):
        computed.append(len(batch.energy))
        time.sleep(0.5)
        return compute(batch)

    potential.features = features
    runs = [threading.Thread(target=fill, args=(file, store, potential)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sum(computed) == len(store)
    assert f"Another process writes {file}; waiting for it." in capsys.readouterr().out
    assert caches(store) == ["features-abc.npy"]
