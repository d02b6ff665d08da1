from __future__ import annotations

import multiprocessing
import pickle
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potbench.datasets import OfficialIndices
from potbench.errors import DataFileError, RecordError
from potbench.loading import Store
from potbench.loading.manifest import Manifest, Origin, Units
from potbench.structures import Frames
from tests.native_files.made import NAMES, blocks, frames

NUM_FRAMES = sum(NAMES.values())

# forked, so that they need not import torch again
PROCESSES = multiprocessing.get_context("fork")


def write_slowly(folder: Path, pause: float) -> None:
    def slowly():
        for chunk in blocks():
            yield chunk
            (folder.parent / "a chunk is written").touch()
            time.sleep(pause)

    Store.write(folder, slowly())


def flat(of: list[Frames]) -> list[tuple[np.ndarray, np.ndarray, float, np.ndarray | None]]:
    """Every frame by itself: atomic numbers, positions, energy, forces."""
    return [
        (chunk.atomic_numbers, chunk.positions[i], chunk.energy[i], None if chunk.forces is None else chunk.forces[i])
        for chunk in of
        for i in range(len(chunk.energy))
    ]


def assert_holds(store: Store, chosen: np.ndarray, expected: list[Frames]) -> None:
    atoms = store.atoms_of(chosen)
    ends = np.cumsum(atoms.atoms_per_frame)
    every = flat(expected)
    for frame, start, end in zip(chosen, ends - atoms.atoms_per_frame, ends, strict=True):
        numbers, positions, energy, forces = every[frame]
        rows = atoms.rows[start:end]
        np.testing.assert_array_equal(atoms.atomic_numbers[start:end], numbers)
        np.testing.assert_array_equal(store.positions[rows], positions)
        assert store.energy[frame] == energy
        if store.forces is not None:
            np.testing.assert_array_equal(store.forces[rows], forces)


@pytest.mark.parametrize("forces", [False, True])
def test_what_is_read_back_equals_what_was_written(tmp_path, forces):
    store = Store.write(tmp_path / "store", blocks(forces))
    assert len(store) == NUM_FRAMES
    assert (store.forces is not None) == forces
    assert store.molecule_names.tolist() == list(NAMES)
    assert_holds(Store(tmp_path / "store"), np.arange(NUM_FRAMES), blocks(forces))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, NUM_FRAMES - 1), min_size=1, max_size=40))
def test_frames_can_be_drawn_in_any_order_and_repeatedly(store_with_forces, chosen):
    assert_holds(store_with_forces, np.array(chosen), blocks(forces=True))


def test_drawing_thousands_of_frames_changes_nothing(store):
    # the pages of a large store are given back to the system every few thousand frames
    chosen = np.random.default_rng(0).integers(0, NUM_FRAMES, size=2100)
    store.atoms_of(chosen)
    assert_holds(store, chosen[:50], blocks())


def test_float32_positions_stay_float32_and_energies_stay_exact(tmp_path):
    energy = np.array([-17_650.123456789012, -17_650.123456789012 + 2e-12])
    chunk = frames("CH4", 2)._replace(energy=energy)
    store = Store.write(tmp_path / "store", [chunk])
    assert store.positions.dtype == np.float32
    assert store.energy.dtype == np.float64
    assert store.energy.tolist() == energy.tolist()


def test_float64_positions_stay_float64(tmp_path):
    positions = np.random.default_rng(0).normal(size=(2, 5, 3))
    store = Store.write(tmp_path / "store", [frames("CH4", 2)._replace(positions=positions)])
    np.testing.assert_array_equal(store.positions.reshape(2, 5, 3), positions)


def test_float32_is_widened_where_float64_follows(tmp_path):
    narrow = frames("CH4", 2)
    wide = narrow._replace(positions=np.random.default_rng(0).normal(size=(2, 5, 3)))
    store = Store.write(tmp_path / "store", [narrow, narrow, wide])
    expected = np.concatenate([chunk.positions.astype(np.float64) for chunk in (narrow, narrow, wide)])
    np.testing.assert_array_equal(store.positions.reshape(6, 5, 3), expected)
    of_float64 = [chunk._replace(positions=chunk.positions.astype(np.float64)) for chunk in (narrow, narrow, wide)]
    assert store.fingerprint == Store.write(tmp_path / "float64", of_float64).fingerprint
    assert not list(store.folder.glob("*.narrow"))


def test_the_byte_order_of_the_file_does_not_matter(tmp_path):
    swapped = [chunk._replace(positions=chunk.positions.astype(">f4")) for chunk in blocks()]
    one, other = (Store.write(tmp_path / name, some) for name, some in [("a", blocks()), ("b", swapped)])
    assert one.fingerprint == other.fingerprint
    assert_holds(other, np.arange(NUM_FRAMES), blocks())


def test_composition_counts_the_atoms_of_each_element(store):
    chosen = np.array([18, 0, 5, 8])
    assert store.composition(chosen, [1, 6, 7, 8]).tolist() == [[1, 1, 1, 0], [4, 1, 0, 0], [2, 0, 0, 1], [3, 0, 1, 0]]


def test_a_molecule_with_many_atoms_of_one_element_is_counted_right(tmp_path):
    big = Frames("big", np.full(300, 6), np.zeros((1, 300, 3)), np.zeros(1))
    assert Store.write(tmp_path / "store", [big]).composition(np.array([0]), [6]).tolist() == [[300]]


def test_the_manifest_says_what_the_store_holds(tmp_path):
    origin = Origin(name="made", theory="none", options={"molecule": "several"}, units=Units(energy="1"))
    store = Store.write(tmp_path / "store", blocks(forces=True), origin)
    assert store.manifest == Manifest(
        **vars(origin),
        num_frames=NUM_FRAMES,
        num_molecules=4,
        atomic_numbers=(1, 6, 7, 8),
        has_forces=True,
        has_time=False,
        fingerprint=store.fingerprint,
    )
    assert len(store.fingerprint) == 64
    assert store.energy_unit == "1"


def nudge(name: str):
    """The same blocks with one number changed by the smallest step."""

    def change() -> list[Frames]:
        first, *rest = blocks(forces=True)
        array = getattr(first, name).copy()
        array.flat[-1] = np.nextafter(array.flat[-1], np.inf) if array.dtype.kind == "f" else array.flat[-1] + 1
        return [first._replace(**{name: array}), *rest]

    return change


@pytest.mark.parametrize(
    "change",
    [
        *[nudge(name) for name in ("positions", "energy", "forces", "atomic_numbers")],
        lambda: blocks(forces=False),
        lambda: blocks(forces=True)[::-1],
        lambda: blocks(forces=True)[:-1],
    ],
)
def test_the_fingerprint_changes_with_every_number(tmp_path, change):
    before = Store.write(tmp_path / "before", blocks(forces=True)).fingerprint
    assert Store.write(tmp_path / "after", change()).fingerprint != before


def test_the_fingerprint_depends_on_nothing_but_the_numbers(tmp_path):
    one = Store.write(tmp_path / "one", blocks(), Origin(name="one"))
    renamed = [chunk._replace(molecule=f"other-{chunk.molecule}") for chunk in blocks()]
    other = Store.write(tmp_path / "elsewhere" / "other", iter(renamed), Origin(name="other"))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize("with_forces", [[True, False], [False, True]])
def test_forces_in_some_molecules_only_are_refused(tmp_path, with_forces):
    mixed = [frames(name, 2, forces) for name, forces in zip(("CH4", "H2O"), with_forces, strict=True)]
    with pytest.raises(DataFileError, match=r"^H2O: forces in some molecules only. Expected them in all or in none.$"):
        Store.write(tmp_path / "store", mixed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("nothing", [[], [frames("CH4", 0)]])
def test_a_dataset_without_frames_is_refused(tmp_path, nothing):
    message = "^The dataset holds no frames. Expected at least one; look at the files it names.$"
    with pytest.raises(DataFileError, match=message):
        Store.write(tmp_path / "store", nothing)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "thesis.tex").touch()
    with pytest.raises(RecordError) as caught:
        Store.write(folder, blocks())
    message = f"{folder} exists and is not a prepared dataset. Expected room for one; move it away."
    assert str(caught.value) == message
    assert [path.name for path in tmp_path.rglob("*")] == ["store", "thesis.tex"]


def test_a_folder_that_is_no_store_is_named(tmp_path):
    with pytest.raises(RecordError) as caught:
        Store(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is not a prepared dataset: it has no manifest.json. Expected the folder of one; prepare it again."
    )


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-8])


def scramble(file: Path) -> None:
    file.write_bytes(b"scrambled" + file.read_bytes()[9:])


@pytest.mark.parametrize("damage", [Path.unlink, cut, scramble])
@pytest.mark.parametrize("name", ["energy.npy", "positions.npy", "forces.npy", "molecules.npz"])
def test_a_damaged_array_is_named(store_with_forces, name, damage):
    file = store_with_forces.folder / name
    damage(file)
    with pytest.raises(DataFileError) as caught:
        Store(file.parent)
    message = str(caught.value)
    assert message.startswith(f"{file} is missing or damaged (")
    assert message.endswith(
        f"). Expected what preparing the dataset wrote. Delete the folder {file.parent}; the dataset is then prepared "
        "again."
    )


def test_damaged_official_splits_are_named(store):
    cut(store.folder / "official_splits.npz")
    with pytest.raises(DataFileError, match=r"official_splits\.npz is missing or damaged \("):
        _ = store.official_splits


def test_arrays_of_another_store_are_noticed(tmp_path, store):
    Store.write(tmp_path / "other", blocks()[:2])
    (tmp_path / "other" / "energy.npy").replace(store.folder / "energy.npy")
    with pytest.raises(DataFileError, match=r"energy.npy .* \(its shape is \(8,\), molecules.npz asks for \(19,\)\)"):
        Store(store.folder)


def test_a_killed_write_leaves_nothing_that_looks_finished(tmp_path):
    folder = tmp_path / "store"
    process = PROCESSES.Process(target=write_slowly, args=(folder, 60))
    process.start()
    while not (tmp_path / "a chunk is written").exists() and process.is_alive():
        time.sleep(0.01)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not folder.exists()
    assert len(list(tmp_path.glob("*.partial"))) == 1
    with pytest.raises(RecordError):
        Store(folder)
    assert_holds(Store.write(folder, blocks()), np.arange(NUM_FRAMES), blocks())
    assert not list(tmp_path.glob("*.partial"))


def test_processes_that_prepare_at_once_all_end_with_a_good_store(tmp_path):
    folder = tmp_path / "store"
    processes = [PROCESSES.Process(target=write_slowly, args=(folder, pause)) for pause in (0.05, 0.05, 0.15)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert_holds(Store(folder), np.arange(NUM_FRAMES), blocks())
    assert not list(tmp_path.glob("*.partial"))


def test_a_store_that_another_process_finished_first_is_taken(tmp_path):
    folder = tmp_path / "store"

    def late():
        yield from blocks()
        Store.write(folder, blocks(), Origin(citation="another"))

    assert Store.write(folder, late(), Origin(citation="us")).manifest.citation == "another"
    assert not list(tmp_path.glob("*.partial"))


def test_smiles_times_and_official_splits_are_read_back(tmp_path):
    moving = [
        chunk._replace(smiles="O" if chunk.molecule == "H2O" else None, time=np.arange(len(chunk.energy)) * 7)
        for chunk in blocks()
    ]
    official = OfficialIndices(np.array([3, 1]), np.array([2]))
    store = Store.write(tmp_path / "store", moving, official_splits=lambda: {"known": official})
    assert dict(zip(store.molecule_names, store.smiles, strict=True))["H2O"] == "O"
    assert dict(zip(store.molecule_names, store.smiles, strict=True))["CH4"] == ""
    np.testing.assert_array_equal(store.time, np.concatenate([chunk.time for chunk in moving]))
    assert store.official_splits["known"].train.tolist() == [3, 1]
    assert store.official_splits["known"].validation is None


def test_times_in_some_molecules_only_are_refused(tmp_path):
    first, *rest = blocks()
    with pytest.raises(DataFileError, match="time in some molecules only"):
        Store.write(tmp_path / "store", [first._replace(time=np.arange(len(first.energy))), *rest])


def test_a_store_travels_to_another_process_by_its_folder_alone(store):
    assert len(pickle.dumps(store)) < 500
    assert pickle.loads(pickle.dumps(store)).fingerprint == store.fingerprint


def test_the_composition_counts_elements_that_are_not_there_as_none(store):
    counts = store.composition(np.arange(len(store)), [8, 9])
    assert counts[:, 0].sum() == 3
    assert counts[:, 1].sum() == 0
