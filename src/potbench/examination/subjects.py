"""Which molecules of the test set are examined."""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from potbench.datasets.dataset import Trajectory
from potbench.errors import RunError
from potbench.examination.protocol import Mode, Subject
from potbench.inference.stability import BONDED, STRETCHED
from potbench.loading import AtomsDataModule, Store
from potbench.potentials.potential import Potential
from potbench.structures import FloatArray, Frames, IntArray

MOST_FRAMES = 2000
"""Of a molecule; more would say little more of its distances."""


def subjects_of(potential: Potential, data: AtomsDataModule, test: IntArray, mode: Mode) -> list[Subject]:
    """Return molecules of the test set, spread over their sizes, each with its test frames.

    Args:
        potential: in evaluation mode and double precision.
        data: has been set up.
        test: shape (frames,), the test frames.
        mode: how many molecules there shall be.

    Raises:
        RunError: no molecule has two atoms.
    """
    store = data.store
    chunk = store.molecule_of(test)
    chunks = np.unique(chunk)
    kinds, first = np.unique(store.molecule_names[chunks], return_index=True)
    sizes = store.chunk_composition[chunks[first]].sum(axis=1)
    kinds = kinds[np.argsort(sizes, kind="stable")][np.count_nonzero(sizes < 2) :]
    if not len(kinds):
        raise RunError("No molecule of the test set has two atoms. Expected one that can move. Choose another run.")
    number = min(mode.molecules, len(kinds))
    chosen = kinds[((np.arange(number) + 0.5) * len(kinds) / number).astype(int)]
    return [
        _subject(
            potential, data, str(name), np.sort(test[np.isin(chunk, chunks[store.molecule_names[chunks] == name])])
        )
        for name in chosen
    ]


def _subject(potential: Potential, data: AtomsDataModule, name: str, frames: IntArray) -> Subject:
    store = data.store
    frames, trajectory = _of_one_trajectory(data, _ordered_as_the_first(store, frames))
    numbers = store.atoms_of(frames[:1]).atomic_numbers
    shape = (-1, len(numbers), 3)
    positions = np.asarray(store.positions[store.atoms_of(frames).rows], dtype=np.float64).reshape(shape)
    frames = frames[_bonded_as_the_first(numbers, positions)]
    if store.time is not None:
        frames = frames[np.argsort(store.time[frames], kind="stable")]
    frames = frames[np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES)).round().astype(int)]
    rows = store.atoms_of(frames).rows
    return Subject(
        name,
        potential,
        Frames(
            name,
            numbers,
            np.asarray(store.positions[rows], dtype=np.float64).reshape(shape),
            np.asarray(store.energy[frames]),
            None if store.forces is None else np.asarray(store.forces[rows], dtype=np.float64).reshape(shape),
            time=None if store.time is None else np.asarray(store.time[frames]),
            energy_known=None if store.energy_known is None else store.energy_known[frames],
            forces_known=None if store.forces_known is None else store.forces_known[frames],
        ),
        None if trajectory is None else trajectory.temperature,
        theory=store.manifest.theory,
        sampled_by="" if trajectory is None else trajectory.theory,
    )


def _ordered_as_the_first(store: Store, frames: IntArray) -> IntArray:
    """Return the frames whose atoms are in the order of the first: a dataset may order them in several ways."""
    atoms = store.atoms_of(frames)
    orders = np.split(atoms.atomic_numbers, np.cumsum(atoms.atoms_per_frame)[:-1])
    return frames[[np.array_equal(order, orders[0]) for order in orders]]


def _of_one_trajectory(data: AtomsDataModule, frames: IntArray) -> tuple[IntArray, Trajectory | None]:
    """Return the frames of the coldest trajectory, and which it is; all frames and None without any."""
    dataset = data.dataset
    if not dataset.trajectories:
        return frames, dataset.trajectory
    sources = data.store.columns["file"][frames]
    found = {name: each for name, each in dataset.trajectories.items() if each is not None and (sources == name).any()}
    if not found:
        return frames, None
    coldest = min(found.values())
    return frames[np.isin(sources, [name for name, each in found.items() if each == coldest])], coldest


def _bonded_as_the_first(numbers: IntArray, positions: FloatArray) -> IntArray:
    """Return the frames whose bonds are as long as those of the first: under one name there may be several isomers."""
    first, second = np.triu_indices(len(numbers), 1)
    lengths = np.linalg.norm(positions[0, first] - positions[0, second], axis=1)
    bonded = lengths < BONDED * (covalent_radii[numbers[first]] + covalent_radii[numbers[second]])
    first, second, lengths = first[bonded], second[bonded], lengths[bonded]
    there = np.linalg.norm(positions[:, first] - positions[:, second], axis=2)
    return np.flatnonzero((np.abs(there - lengths) <= STRETCHED).all(axis=1))
