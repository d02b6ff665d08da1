from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from potbench.data_quality.leakage import measure_leakage, sorted_distances
from potbench.loading import MoleculeSplit, RandomSplit, SplitIndices, Store, TimeSplit
from tests.native_files.made import blocks, frames


def with_copies(tmp_path, change) -> Store:
    """Ten frames of methanol, and behind them the same, changed."""
    chunk = frames("CH3OH", 10)
    copy = change(chunk)
    return Store.write(tmp_path / "store", [chunk, copy._replace(molecule="copy")])


HALVES = SplitIndices(np.arange(8), np.array([8, 9]), np.arange(10, 18))


def rotated(chunk):
    rotation = Rotation.from_rotvec([0.3, -1.0, 2.0]).as_matrix()
    return chunk._replace(positions=chunk.positions.astype(np.float64) @ rotation.T + [5.0, -3.0, 1.0])


def reordered(chunk):
    order = np.random.default_rng(0).permutation(len(chunk.atomic_numbers))
    return chunk._replace(atomic_numbers=chunk.atomic_numbers[order], positions=chunk.positions[:, order])


@pytest.mark.parametrize("change", [lambda chunk: chunk, rotated, reordered])
def test_training_frames_in_the_test_set_are_found_rotated_or_reordered(tmp_path, change):
    found = measure_leakage(with_copies(tmp_path, change), HALVES)
    assert found.duplicates == 8
    assert found.nearest == pytest.approx(0, abs=1e-6)
    assert found.molecules_seen == 0.0
    assert found.compositions_seen == 1.0


def test_frames_that_differ_are_no_duplicates(tmp_path):
    found = measure_leakage(
        with_copies(tmp_path, lambda chunk: chunk._replace(positions=chunk.positions * 1.01)), HALVES
    )
    assert found.duplicates == 0
    assert 0.01 < found.nearest < 0.05


def test_the_distance_is_the_root_mean_square_of_sorted_distances(tmp_path):
    chunk = frames("H2O", 2)
    store = Store.write(tmp_path / "store", [chunk])
    oxygen, *hydrogens = np.argsort(-chunk.atomic_numbers)
    expected = []
    for positions in chunk.positions.astype(np.float64):
        bonds = sorted(np.linalg.norm(positions[oxygen] - positions[h]) for h in hydrogens)
        expected.append(
            np.linalg.norm(np.array([np.linalg.norm(positions[hydrogens[0]] - positions[hydrogens[1]]), *bonds]))
        )
    found = sorted_distances(store, np.arange(2))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), expected, rtol=1e-6)


def test_a_split_by_molecule_shares_none(store):
    found = measure_leakage(store, MoleculeSplit(2, 1, 1).divide(store))
    assert found.molecules_seen == 0
    assert found.nearest is None
    assert "0% of the test frames are of molecules in the training set" in found.text


def test_a_random_split_shares_them(store):
    found = measure_leakage(store, RandomSplit(13, 3, 3).divide(store))
    assert found.molecules_seen > 0.5
    assert found.nearest > 0
    assert "Å away" in found.text


def test_large_sets_are_sampled(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.data_quality.leakage.TEST_FRAMES", 20)
    monkeypatch.setattr("potbench.data_quality.leakage.TRAIN_FRAMES", 70)
    store = Store.write(tmp_path / "store", [frames("CH4", 200)])
    found = measure_leakage(store, RandomSplit().divide(store))
    assert (found.test_frames, found.train_frames) == (20, 70)


@pytest.mark.parametrize("change", [lambda chunk: chunk, rotated, reordered])
def test_copies_are_found_among_more_training_frames_than_are_drawn(tmp_path, monkeypatch, change):
    monkeypatch.setattr("potbench.data_quality.leakage.TRAIN_FRAMES", 60)
    chunk = frames("CH3OH", 500)
    copies = change(chunk._replace(energy=chunk.energy[:30], positions=chunk.positions[:30]))
    store = Store.write(tmp_path / "store", [chunk, copies._replace(molecule="copy")])
    found = measure_leakage(store, SplitIndices(np.arange(0, 500, 2), np.array([1]), np.arange(500, 530)))
    # every second frame trained, and so did the original of every second copy
    assert (found.duplicates, found.train_frames) == (15, 60)


def test_a_copy_far_from_the_origin_is_a_copy(tmp_path):
    far = with_copies(tmp_path, lambda chunk: chunk._replace(positions=chunk.positions + np.float32(100)))
    assert measure_leakage(far, HALVES).duplicates == 8


def test_diatomic_molecules_of_one_length_and_two_energies_are_no_copies(tmp_path):
    chunk = frames("H2O", 10)
    chunk = chunk._replace(atomic_numbers=np.array([7, 7]), positions=chunk.positions[:, :2])
    store = Store.write(tmp_path / "store", [chunk, chunk._replace(molecule="other", energy=chunk.energy + 1)])
    found = measure_leakage(store, HALVES)
    assert (found.nearest, found.duplicates) == (0, 0)


def test_single_atoms_have_no_distances(tmp_path):
    atoms = [chunk._replace(atomic_numbers=chunk.atomic_numbers[:1], positions=chunk.positions[:, :1])
             for chunk in blocks()]  # fmt: skip
    store = Store.write(tmp_path / "store", atoms)
    found = measure_leakage(store, RandomSplit(13, 3, 3).divide(store))
    assert found.nearest is None
    assert found.text.endswith(f"{found.compositions_seen:.0%} of compositions in it")


def test_frames_drawn_at_random_from_a_trajectory_are_nearer_than_its_end(real_data, tmp_path):
    with np.load(real_data / "md17/ethanol.npz") as arrays:
        chunk = frames("CH3OH", 1)._replace(
            atomic_numbers=arrays["z"], positions=arrays["R"], energy=arrays["E"][:, 0], time=np.arange(2000)
        )
    store = Store.write(tmp_path / "store", [chunk])
    at_random = measure_leakage(store, RandomSplit().divide(store))
    in_time = measure_leakage(store, TimeSplit(gap=20).divide(store))
    assert at_random.nearest < 0.3 * in_time.nearest
