"""How far test frames are from training frames: leakage made visible."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from potbench.loading.splits.split import SplitIndices
from potbench.loading.store import Store
from potbench.structures import FloatArray, IntArray

TEST_FRAMES = 500
TRAIN_FRAMES = 5000
SAME = 1e-5
"""In Å; copies elsewhere in space differ by less, in float32."""


class Leakage(NamedTuple):
    """How far apart the test and the training set of a split are.

    Attributes:
        molecules_seen: fraction of the test frames whose molecule is in the training set too.
        compositions_seen: fraction of the test frames whose composition is.
        nearest: median over test frames of the distance to the nearest training frame of the same composition, in Å;
            None where there is none.
        nearest_training: the same for training frames among themselves, for comparison.
        duplicates: test frames examined that have the structure and, to the last bit, the energy of any training frame.
        test_frames: test frames examined for the last three, drawn at random.
        train_frames: training frames drawn, of compositions that these have.
    """

    molecules_seen: float
    compositions_seen: float
    nearest: float | None
    nearest_training: float | None
    duplicates: int
    test_frames: int
    train_frames: int

    @property
    def text(self) -> str:
        """Return a line for reports."""
        line = f"{self.molecules_seen:.0%} of the test frames are of molecules in the training set"
        if not self.compositions_seen:
            return f"{line}, none of a composition in it"
        line += f", {self.compositions_seen:.0%} of compositions in it"
        if self.nearest is None:
            return line
        line += f"; their nearest training frame is {self.nearest:.3f} Å away"
        if self.nearest_training is not None:
            line += f" (training frames among themselves: {self.nearest_training:.3f} Å)"
        return f"{line}; {self.duplicates} of {self.test_frames} examined are copies of training frames"


def measure_leakage(store: Store, indices: SplitIndices, seed: int = 0) -> Leakage:
    """Measure how far test frames are from training frames, on a sample of both.

    The distance of two frames is the root mean square difference of their interatomic distances, sorted for each pair
    of elements: it does not change when a molecule rotates or equal atoms change places. Such sorted bags describe
    molecules in Hansen et al., J. Phys. Chem. Lett. 6, 2326 (2015), doi:10.1021/acs.jpclett.5b00831.

    Args:
        store: the dataset.
        indices: how it is divided.
        seed: seed of the sample.
    """
    molecule = np.unique(store.molecule_names, return_inverse=True)[1]
    composition = np.unique(store.chunk_composition, axis=0, return_inverse=True)[1].reshape(-1)
    num_train, num_test = (_frames_per_chunk(store, frames) for frames in (indices.train, indices.test))
    seen = {}
    for kind, of_chunk in (("molecules", molecule), ("compositions", composition)):
        trained = np.bincount(of_chunk, weights=num_train) > 0
        seen[kind] = float(num_test[trained[of_chunk]].sum() / num_test.sum())
    random = np.random.default_rng(seed)
    test = random.choice(indices.test, min(TEST_FRAMES, len(indices.test)), replace=False)
    # only compositions that the test sample holds can be near it
    alike = indices.train[np.repeat(np.isin(composition, composition[store.molecule_of(test)]), num_train)]
    train = random.choice(alike, min(TRAIN_FRAMES, len(alike)), replace=False)
    # a sample of millions would miss the copies
    copies = _of_same_energy(store, test, indices.train)[:TRAIN_FRAMES]
    nearest = nearest_distances(store, test, np.union1d(train, copies))
    among = nearest_distances(store, train[: len(test)], train[len(test) :])
    return Leakage(
        molecules_seen=seen["molecules"],
        compositions_seen=seen["compositions"],
        nearest=float(np.median(nearest)) if len(nearest) else None,
        nearest_training=float(np.median(among)) if len(among) else None,
        # by structure alone, diatomic molecules are alike by chance: they have one distance
        duplicates=int((nearest_distances(store, test, copies) < SAME).sum()),
        test_frames=len(test),
        train_frames=len(train),
    )


def nearest_distances(store: Store, test: IntArray, train: IntArray) -> FloatArray:
    """Return the distance in Å of each test frame to the nearest training frame of its composition, if there is one."""
    composition = np.unique(store.chunk_composition, axis=0, return_inverse=True)[1].reshape(-1)
    of_test, of_train = (composition[store.molecule_of(frames)] for frames in (test, train))
    found: list[FloatArray] = [np.empty(0)]
    for one in np.intersect1d(of_test, of_train):
        near, far = (sorted_distances(store, frames) for frames in (test[of_test == one], train[of_train == one]))
        if near.shape[1]:
            # |a − b|² = |a|² + |b|² − 2ab tells which is nearest, where |a|² is the same for all
            nearest = far[((far**2).sum(axis=1) - 2 * near @ far.T).argmin(axis=1)]
            found.append(np.sqrt(((near - nearest) ** 2).mean(axis=1)))
    return np.concatenate(found)


def _frames_per_chunk(store: Store, frames: IntArray) -> IntArray:
    ends = np.cumsum(store.frames_per_chunk).astype(frames.dtype)
    return np.diff(np.searchsorted(frames, ends), prepend=0)


def _of_same_energy(store: Store, test: IntArray, train: IntArray) -> IntArray:
    """Return the training frames that have, to the last bit, the energy of a test frame."""
    energy, wanted = np.asarray(store.energy), np.asarray(store.energy[test])
    # the last bits alone rule out nearly all of millions of frames, in a tenth of the time
    last_bits = np.zeros(2**16, dtype=bool)
    last_bits[wanted.view(np.uint16)[::4]] = True
    same = np.flatnonzero(last_bits[energy.view(np.uint16)[::4]])
    same = same[np.isin(energy[same], wanted)].astype(train.dtype)
    place = np.minimum(np.searchsorted(train, same), len(train) - 1)
    found: IntArray = same[train[place] == same]
    return found


def sorted_distances(store: Store, frames: IntArray) -> FloatArray:
    """Return interatomic distances in Å, sorted within each pair of elements.

    Args:
        store: the dataset.
        frames: shape (frames,), all of one composition, in any order of atoms.

    Returns:
        Shape (frames, pairs).
    """
    atoms = store.atoms_of(frames)
    num_atoms = int(atoms.atoms_per_frame[0])
    numbers = atoms.atomic_numbers.reshape(-1, num_atoms)
    # equal elements side by side, whatever their order in the file
    order = np.argsort(numbers, axis=1, kind="stable")
    numbers = np.take_along_axis(numbers, order, axis=1)[0]
    positions = store.positions[atoms.rows].reshape(-1, num_atoms, 3).astype(np.float64)
    positions = np.take_along_axis(positions, order[:, :, None], axis=1)
    first, second = np.triu_indices(num_atoms, k=1)
    distances: FloatArray = np.linalg.norm(positions[:, first] - positions[:, second], axis=2)
    kinds = numbers[first].astype(np.int64) * 256 + numbers[second]
    for kind in np.unique(kinds):
        distances[:, kinds == kind] = np.sort(distances[:, kinds == kind], axis=1)
    return distances
