from __future__ import annotations

import numpy as np
import pytest

from potbench.loading import Store
from potbench.loading import statistics as module
from potbench.loading.statistics import training_statistics
from potbench.units import KCAL_PER_MOL
from tests.native_files.made import blocks, frames

TRAIN = np.array([0, 1, 3, 4, 5, 7, 8, 10, 11, 12, 14, 17, 18])


def by_numpy(store: Store, train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts = store.composition(train, store.manifest.atomic_numbers)
    energy = np.asarray(store.energy)[train]
    solution = np.linalg.lstsq(counts.astype(float), energy, rcond=None)[0]
    return solution, energy - counts @ solution


@pytest.fixture(params=[100_000, 5])
def _frames_at_once(request, monkeypatch):
    monkeypatch.setattr(module, "FRAMES_AT_ONCE", request.param)


@pytest.mark.usefixtures("_frames_at_once")
def test_reference_energies_are_those_of_least_squares(store):
    expected, residual = by_numpy(store, TRAIN)
    statistics = training_statistics(store, TRAIN)
    assert list(statistics.reference_energies) == [1, 6, 7, 8]
    np.testing.assert_allclose(list(statistics.reference_energies.values()), expected, rtol=1e-9)
    assert statistics.energy_spread == pytest.approx(residual.std(), rel=1e-6)
    assert statistics.num_frames == len(TRAIN)


@pytest.mark.usefixtures("_frames_at_once")
def test_the_root_mean_square_of_forces_is_that_of_numpy(store_with_forces):
    atoms = store_with_forces.atoms_of(TRAIN)
    expected = np.sqrt((store_with_forces.forces[atoms.rows].astype(float) ** 2).mean())
    assert training_statistics(store_with_forces, TRAIN).forces_rms == pytest.approx(expected, rel=1e-12)


def test_without_forces_there_is_no_root_mean_square(store):
    assert training_statistics(store, TRAIN).forces_rms is None


def residuals(store: Store, references: dict[int, float]) -> np.ndarray:
    numbers = store.manifest.atomic_numbers
    everything = np.arange(len(store))
    return store.energy - store.composition(everything, numbers) @ [references[number] for number in numbers]


@pytest.mark.parametrize("name", ["CH4", "H2O", "HCN"])
def test_one_composition_gets_its_mean_energy(tmp_path, name):
    store = Store.write(tmp_path / "store", [frames(name, 8)])
    statistics = training_statistics(store, np.arange(8))
    assert abs(residuals(store, statistics.reference_energies).mean()) < 1e-8
    assert statistics.energy_spread == pytest.approx(store.energy.std(), rel=1e-9)


def test_fewer_compositions_than_elements_each_get_their_mean_energy(tmp_path):
    store = Store.write(tmp_path / "store", [frames("CH4", 5), frames("HCN", 5, seed=1)])
    left = residuals(store, training_statistics(store, np.arange(10)).reference_energies)
    assert abs(left[:5].mean()) < 1e-6
    assert abs(left[5:].mean()) < 1e-6


def test_an_element_missing_in_the_training_set_does_no_harm(store):
    without_nitrogen = np.arange(8)
    statistics = training_statistics(store, without_nitrogen)
    left = residuals(store, statistics.reference_energies)[:8]
    assert np.abs(left).max() < 10
    assert np.isfinite(list(statistics.reference_energies.values())).all()


def test_energies_of_the_other_sets_do_not_matter(tmp_path, store):
    expected = training_statistics(store, TRAIN)
    changed = blocks()
    rest = np.setdiff1d(np.arange(len(store)), TRAIN)
    first = 0
    for number, chunk in enumerate(changed):
        energy = chunk.energy.copy()
        energy[[frame - first for frame in rest if first <= frame < first + len(energy)]] += 1000
        changed[number] = chunk._replace(energy=energy)
        first += len(energy)
    assert training_statistics(Store.write(tmp_path / "changed", changed), TRAIN) == expected


def test_given_reference_energies_are_taken_as_they_are(store):
    given = {16: -10_000.0, 1: -13.6, 6: -1029.5, 7: -1485.0, 8: -2042.0}
    statistics = training_statistics(store, TRAIN, given)
    assert statistics.reference_energies == {1: -13.6, 6: -1029.5, 7: -1485.0, 8: -2042.0}
    left = residuals(store, statistics.reference_energies)[TRAIN]
    assert statistics.energy_spread == pytest.approx(left.std(), rel=1e-9)


@pytest.mark.parametrize("given", [None, {1: 0.0, 6: 0.0, 8: 0.0}])
def test_a_small_spread_on_large_totals_is_kept(tmp_path, given):
    # aspirin in MD17: mean −4.07e5 kcal/mol, standard deviation 6; here a thousand times less
    spread = 0.006 * KCAL_PER_MOL
    energy = -4.07e5 * KCAL_PER_MOL + np.random.default_rng(0).normal(scale=spread, size=200)
    store = Store.write(tmp_path / "store", [frames("CH3OH", 200)._replace(energy=energy)])
    statistics = training_statistics(store, np.arange(200), given)
    assert statistics.energy_spread == pytest.approx(energy.std(), rel=1e-6)


def test_a_single_frame_has_no_spread(store):
    assert training_statistics(store, np.array([3])).energy_spread == pytest.approx(0, abs=1e-6)
