"""Frames that lack labels: stored, gathered, and left out of whatever is computed from labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.loading import EnergyWeights, Store
from potbench.loading.collate import gather
from potbench.loading.splits import SplitIndices
from potbench.loading.statistics import training_statistics
from potbench.structures import Frames
from tests.native_files.made import blocks

ENERGY_KNOWN = np.array([False, True, True, False, True])
FORCES_KNOWN = np.array([True, False, True, True, False])


@pytest.fixture
def chunks() -> list[Frames]:
    """Four molecules; the first, methane, lacks energies in two frames of five, and forces in two."""
    first, *others = blocks(forces=True)
    forces = np.where(FORCES_KNOWN[:, None, None], first.forces, 0.0)
    energy = np.where(ENERGY_KNOWN, first.energy, 0.0)
    lacking = first._replace(energy=energy, forces=forces, energy_known=ENERGY_KNOWN, forces_known=FORCES_KNOWN)
    return [lacking, *others]


@pytest.fixture
def partial(tmp_path: Path, chunks: list[Frames]) -> Store:
    return Store.write(tmp_path / "partial", chunks)


def test_a_store_knows_which_labels_its_frames_have(partial: Store) -> None:
    assert partial.manifest.partial == ("energy", "forces")
    assert partial.energy_known.tolist() == [*ENERGY_KNOWN.tolist(), *[True] * 14]
    assert partial.forces_known.tolist() == [*FORCES_KNOWN.tolist(), *[True] * 14]
    frames = np.array([4, 3, 0, 7])
    assert partial.with_energy(frames).tolist() == [4, 7]
    assert partial.with_forces(frames).tolist() == [3, 0, 7]


def test_stores_whose_frames_have_all_labels_are_as_they_were(tmp_path: Path) -> None:
    chunks = blocks(forces=True)
    everywhere = [chunk._replace(energy_known=np.ones(len(chunk.energy), dtype=bool)) for chunk in chunks]
    one, other = Store.write(tmp_path / "one", chunks), Store.write(tmp_path / "other", everywhere)
    assert one.fingerprint == other.fingerprint
    assert one.energy_known is one.forces_known is None
    assert gather(one, np.arange(3)).energy_known is None
    assert not (other.folder / "known.npz").exists()


def test_which_labels_are_known_is_part_of_the_fingerprint(
    tmp_path: Path, partial: Store, chunks: list[Frames]
) -> None:
    whole = [chunk._replace(energy_known=None, forces_known=None) for chunk in chunks]
    assert Store.write(tmp_path / "whole", whole).fingerprint != partial.fingerprint


def test_a_damaged_file_of_known_labels_is_named(partial: Store) -> None:
    np.savez(partial.folder / "known.npz", energy=np.ones(3, dtype=bool))
    with pytest.raises(DataFileError, match=r"known\.npz was changed after it was written"):
        _ = Store(partial.folder).energy_known


def test_batches_say_which_labels_their_frames_have(partial: Store) -> None:
    batch = gather(partial, np.array([4, 0, 7]))
    assert batch.energy_known.tolist() == [True, False, True]
    assert batch.forces_known.tolist() == [False, True, True]
    assert batch.select([1, 2]).energy_known.tolist() == [False, True]


def test_statistics_are_those_of_the_labels_that_are_known(tmp_path: Path, partial: Store) -> None:
    whole = Store.write(tmp_path / "whole", blocks(forces=True))
    train = np.arange(19)
    with_energy, with_forces = (train[known] for known in (partial.energy_known, partial.forces_known))
    found = training_statistics(partial, train)
    expected = training_statistics(whole, with_energy)
    np.testing.assert_allclose(
        list(found.reference_energies.values()), list(expected.reference_energies.values()), rtol=1e-12
    )
    assert found.energy_spread == pytest.approx(expected.energy_spread, rel=1e-9)
    assert found.forces_rms == pytest.approx(training_statistics(whole, with_forces).forces_rms, rel=1e-12)
    assert found.num_frames == 19


def test_a_training_set_without_energies_is_refused(partial: Store) -> None:
    with pytest.raises(DataFileError, match=r"None of the 2 training frames .* has an energy"):
        training_statistics(partial, np.array([0, 3]))


def test_energy_weights_do_not_take_an_unknown_energy_for_one(partial: Store) -> None:
    weights = EnergyWeights(0.5).of(partial, SplitIndices(np.arange(19), np.arange(0), np.arange(0)))
    assert np.isfinite(weights).all()
    assert weights[0] == weights[3] == weights.max()
