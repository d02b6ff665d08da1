from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potbench.datasets import ANI1
from potbench.errors import DataFileError
from potbench.structures import Frames
from tests.native_files import MOLECULES, conformers, write_ani1

HARTREE = 27.211386245988  # CODATA 2018, typed again here so that a slip in units.py shows
ATOMIC_NUMBERS = {"H": 1, "C": 6, "N": 7, "O": 8}
NUMBERS = (0, 1, 2, 10, 11)
FIRST = "gdb11_s01/gdb11_s01-0"


def three(folder: Path, **how) -> Path:
    """A file of three molecules; HDF5 keeps their groups in the order of text: -0, -10, -2."""
    molecules = {number: conformers(name, 4) for number, name in zip((0, 10, 2), MOLECULES, strict=False)}
    return write_ani1(folder, molecules, **how)


def same(one: Frames, other: Frames) -> bool:
    arrays = zip(one[1:4], other[1:4], strict=True)
    return one.molecule == other.molecule and all(np.array_equal(a, b) for a, b in arrays)


def refusal(file: Path) -> str:
    with pytest.raises(DataFileError) as caught:
        list(ANI1(file.parent, [1]).read())
    return str(caught.value)


@pytest.mark.parametrize("smiles", [True, False])
@pytest.mark.parametrize("num_high_energy", [None, 0, 3])
def test_frames_equal_an_independent_reading(tmp_path, smiles, num_high_energy):
    file = write_ani1(
        tmp_path,
        {number: conformers(name) for number, name in zip(NUMBERS, MOLECULES, strict=True)},
        smiles=smiles,
        num_high_energy=num_high_energy,
    )
    frames = {chunk.molecule: chunk for chunk in ANI1(tmp_path, [1]).read()}
    with h5py.File(file) as root:
        groups = dict(root["gdb11_s01"])
        assert set(frames) == set(groups)
        for name, group in groups.items():
            chunk = frames[name]
            assert chunk.atomic_numbers.tolist() == [ATOMIC_NUMBERS[symbol.decode()] for symbol in group["species"]]
            np.testing.assert_array_equal(chunk.positions, group["coordinates"][()])
            np.testing.assert_allclose(chunk.energy, group["energies"][()] * HARTREE, rtol=1e-15)
            assert chunk.forces is None


def test_molecules_come_in_natural_order(tmp_path):
    names = [chunk.molecule for chunk in ANI1(three(tmp_path).parent, [1]).read()]
    assert names == ["gdb11_s01-0", "gdb11_s01-2", "gdb11_s01-10"]


def test_files_come_in_the_order_asked_for(tmp_path):
    for heavy_atoms in (1, 2):
        three(tmp_path, heavy_atoms=heavy_atoms)
    names = [chunk.molecule for chunk in ANI1(tmp_path, [2, 1]).read()]
    assert [name[:9] for name in names] == ["gdb11_s02"] * 3 + ["gdb11_s01"] * 3
    assert len(set(names)) == 6


def test_another_file_under_the_name_of_a_published_one_is_refused(tmp_path):
    three(tmp_path, heavy_atoms=2).rename(tmp_path / "ani_gdb_s01.h5")
    assert refusal(tmp_path / "ani_gdb_s01.h5") == (
        f"{tmp_path / 'ani_gdb_s01.h5'} holds gdb11_s02, the molecules of 2 heavy atoms. Expected those of 1, as in "
        "the published file of this name. Replace it by that."
    )


def test_without_a_choice_all_eight_files_are_named(tmp_path):
    assert [file.name for file in ANI1(tmp_path).files] == [f"ani_gdb_s0{number}.h5" for number in range(1, 9)]


def test_positions_keep_the_precision_of_the_file_and_energies_are_float64(tmp_path):
    three(tmp_path)
    for chunk in ANI1(tmp_path, [1]).read():
        assert chunk.positions.dtype == np.float32
        assert chunk.energy.dtype == np.float64


def test_energies_do_not_pass_through_float32(tmp_path):
    molecule = conformers("CH3OH")
    write_ani1(tmp_path, {0: molecule})
    (chunk,) = ANI1(tmp_path, [1]).read()
    # float32 would be off by up to 1e-4 eV at −3150 eV
    assert np.abs(chunk.energy / HARTREE - molecule.energy).max() < 1e-12


def test_high_energy_conformers_are_left_out(tmp_path):
    three(tmp_path, num_high_energy=7)
    chunks = list(ANI1(tmp_path, [1]).read())
    assert [len(chunk.energy) for chunk in chunks] == [4, 4, 4]
    assert max(chunk.energy.max() for chunk in chunks) < -1000


def test_gradients_that_some_copies_call_forces_are_not_taken_for_forces(tmp_path):
    file = three(tmp_path)
    with h5py.File(file, "r+") as root:
        for group in root["gdb11_s01"].values():
            group["forces"] = np.ones(group["coordinates"].shape)
    assert all(chunk.forces is None for chunk in ANI1(tmp_path, [1]).read())
    assert not ANI1(tmp_path, [1]).info.has_forces


def test_species_may_be_text_of_any_length(tmp_path):
    file = three(tmp_path)
    before = list(ANI1(tmp_path, [1]).read())
    with h5py.File(file, "r+") as root:
        for group in root["gdb11_s01"].values():
            symbols = group["species"].asstr()[()].tolist()
            del group["species"]
            group.create_dataset("species", data=symbols, dtype=h5py.string_dtype())
    assert all(same(*pair) for pair in zip(before, ANI1(tmp_path, [1]).read(), strict=True))


def test_one_chunk_is_in_memory_at_a_time(tmp_path):
    file = three(tmp_path)
    with h5py.File(file, "r+") as root:
        root["gdb11_s01/gdb11_s01-10/energies"][0] = np.nan
    reading = ANI1(tmp_path, [1]).read()
    assert [next(reading).molecule, next(reading).molecule] == ["gdb11_s01-0", "gdb11_s01-2"]
    with pytest.raises(DataFileError):
        next(reading)


def test_a_missing_file_is_named(tmp_path):
    file = tmp_path / "ani_gdb_s01.h5"
    assert refusal(file) == (
        f"{file} does not exist. Expected a file of ani1 there. Change the argument folder of ANI1."
    )


def change(**numbers):
    """A change of single numbers: dataset → (index, value)."""

    def apply(group: h5py.Group) -> None:
        for key, (index, value) in numbers.items():
            group[key][index] = value

    return apply


def replace(**arrays):
    """A change of whole arrays; None takes one away."""

    def apply(group: h5py.Group) -> None:
        for key, array in arrays.items():
            del group[key]
            if array is not None:
                group[key] = array

    return apply


LAYOUT = "Expected the layout of ANI-1: species, coordinates and energies in each group."
REMOVE = "Expected finite numbers; remove those frames."
SHAPES = ", expected (atoms,), (frames, atoms, 3) and (frames,)."


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (
            change(energies=(2, np.nan)),
            f": energy of frame 2 is NaN or infinite (1 of the 4 frames from frame 0 on). {REMOVE}",
        ),
        (
            change(energies=(0, np.inf)),
            f": energy of frame 0 is NaN or infinite (1 of the 4 frames from frame 0 on). {REMOVE}",
        ),
        (
            change(coordinates=(slice(1, 3), np.nan)),
            f": positions of frame 1 is NaN or infinite (2 of the 4 frames from frame 0 on). {REMOVE}",
        ),
        (
            change(coordinates=((3, 4, 2), -np.inf)),
            f": positions of frame 3 is NaN or infinite (1 of the 4 frames from frame 0 on). {REMOVE}",
        ),
        (change(species=(1, b"Q")), ": ['Q'] are no chemical symbols."),
        (change(species=(1, b"")), ": [''] are no chemical symbols."),
        (replace(energies=None), f", has no energies. {LAYOUT}"),
        (replace(species=None, coordinates=None), f", has no coordinates, species. {LAYOUT}"),
        (
            replace(energies=np.zeros(3)),
            f": species, coordinates and energies have the shapes (5,), (4, 5, 3) and (3,){SHAPES}",
        ),
        (
            replace(coordinates=np.zeros((4, 4, 3))),
            f": species, coordinates and energies have the shapes (5,), (4, 4, 3) and (4,){SHAPES}",
        ),
        (
            replace(coordinates=np.zeros((4, 15))),
            f": species, coordinates and energies have the shapes (5,), (4, 15) and (4,){SHAPES}",
        ),
        (
            replace(energies=np.zeros((4, 1)), coordinates=np.zeros((4, 1, 5, 3))),
            ": positions has shape (4, 1, 5, 3), expected (4, 5, 3), (frames, atoms, 3).",
        ),
        (
            replace(coordinates=np.zeros((4, 5, 3), dtype=int)),
            ": positions holds int64, expected float32 or float64.",
        ),
        (
            change(coordinates=((0, 0, 0), 2e20)),
            ": positions reaches 2e+20 Å, expected no more than 1e+04 Å. The file is damaged, or in other units.",
        ),
    ],
)
def test_what_is_wrong_in_a_group_is_said_with_file_and_group(tmp_path, alter, message):
    file = three(tmp_path)
    with h5py.File(file, "r+") as root:
        alter(root[FIRST])
    assert refusal(file) == f"{file}, group /{FIRST}{message}"


def test_an_empty_group_is_refused(tmp_path):
    file = three(tmp_path)
    with h5py.File(file, "r+") as root:
        root.create_group("gdb11_s01/gdb11_s01-3")
    assert refusal(file) == f"{file}, group /gdb11_s01/gdb11_s01-3, has no coordinates, energies, species. {LAYOUT}"


@pytest.mark.parametrize("groups", [[], ["gdb11_s01"]])
def test_a_file_without_molecules_is_refused(tmp_path, groups):
    file = tmp_path / "ani_gdb_s01.h5"
    with h5py.File(file, "w") as root:
        for name in groups:
            root.create_group(name)
    assert refusal(file) == f"{file} holds no molecule. Expected groups such as gdb11_s01/gdb11_s01-0."


def test_a_file_with_arrays_one_level_higher_is_refused(tmp_path):
    file = tmp_path / "ani_gdb_s01.h5"
    with h5py.File(file, "w") as root:  # the layout of ANI-1x
        root["CH4/atomic_numbers"] = [6, 1, 1, 1, 1]
        root["CH4/coordinates"] = np.zeros((2, 5, 3))
    assert refusal(file) == f"{file}: /CH4/atomic_numbers is no group. {LAYOUT}"


def test_a_file_of_plain_arrays_is_refused(tmp_path):
    file = tmp_path / "ani_gdb_s01.h5"
    with h5py.File(file, "w") as root:
        root["energies"] = np.zeros(3)
    assert refusal(file).startswith(f"{file} cannot be read as HDF5 of the expected layout (")


def test_a_molecule_without_conformers_is_no_error(tmp_path):
    none = conformers("CH4", 0)
    write_ani1(tmp_path, {0: none, 1: conformers("H2O", 2)})
    assert [len(chunk.energy) for chunk in ANI1(tmp_path, [1]).read()] == [0, 2]


class Damage:
    """One undamaged file, kept over the examples that hypothesis tries."""

    def __init__(self, folder: Path) -> None:
        self.file = three(folder)
        self.raw = self.file.read_bytes()
        self.frames = list(ANI1(folder, [1]).read())
        # bytes that mean something, and their neighbours: most of a small HDF5 file is empty
        used = np.flatnonzero(np.frombuffer(self.raw, dtype=np.uint8))
        self.used = np.unique(np.clip(used[:, None] + np.arange(3), 0, len(self.raw) - 1)).tolist()

    def read(self, raw: bytes) -> list[Frames] | None:
        """The frames, or None where the file was refused; any other exception passes through."""
        self.file.write_bytes(raw)
        try:
            return list(ANI1(self.file.parent, [1]).read())
        except DataFileError:
            return None


@pytest.fixture(scope="module")
def damage(tmp_path_factory) -> Damage:
    return Damage(tmp_path_factory.mktemp("damage"))


UNHURRIED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@UNHURRIED
@given(data=st.data())
@pytest.mark.slow
def test_a_file_cut_anywhere_is_refused(damage, data):
    length = data.draw(st.integers(0, len(damage.raw) - 1))
    assert damage.read(damage.raw[:length]) is None


@pytest.mark.parametrize("fraction", [0, 0.01, 0.3, 0.9, 0.9999])
def test_a_cut_file_is_called_cut(tmp_path, fraction):
    file = three(tmp_path)
    raw = file.read_bytes()
    file.write_bytes(raw[: int(len(raw) * fraction)])
    message = refusal(file)
    assert message.startswith(f"{file} cannot be read as HDF5 of the expected layout (")
    assert message.endswith("). It is truncated, damaged or another kind of file; fetch it again.")


@UNHURRIED
@given(data=st.data())
@pytest.mark.slow
def test_changed_bytes_give_a_refusal_or_frames_that_a_store_can_hold(damage, data):
    # ANI-1 files carry no checksum of names, types and lengths: a changed byte there can give other numbers, or another
    # number of molecules. What is promised: no exception but DataFileError, no NaN, no shapes that do not fit.
    changes = data.draw(st.dictionaries(st.sampled_from(damage.used), st.integers(0, 255), min_size=1, max_size=4))
    raw = bytearray(damage.raw)
    for where, value in changes.items():
        raw[where] = value
    for chunk in damage.read(bytes(raw)) or []:
        assert chunk.positions.shape == (len(chunk.energy), len(chunk.atomic_numbers), 3)
        assert chunk.energy.dtype == np.float64
        assert np.isfinite(chunk.positions).all()
        assert np.isfinite(chunk.energy).all()
        assert chunk.atomic_numbers.min() > 0


def test_a_changed_byte_of_compressed_numbers_is_noticed(damage):
    # what is compressed has a checksum of its own: the numbers themselves cannot change unnoticed
    damage.file.write_bytes(damage.raw)
    with h5py.File(damage.file) as root:
        chunk = root[FIRST]["energies"].id.get_chunk_info(0)
    for where in range(chunk.byte_offset + 2, chunk.byte_offset + chunk.size, 5):
        raw = bytearray(damage.raw)
        raw[where] ^= 1
        frames = damage.read(bytes(raw))
        assert frames is None or all(same(*pair) for pair in zip(frames, damage.frames, strict=True))


def test_messages_name_no_place_inside_python(tmp_path):
    file = three(tmp_path)
    file.write_text("a web page that says: not found")
    assert not re.search(r"Traceback|\.py\b|0x[0-9a-f]{6}", refusal(file))


@pytest.mark.parametrize(
    ("where", "facts", "says"),
    [
        ("/", {"lot": "B3LYP/6-31G(d)"}, r"the level of theory B3LYP/6-31G\(d\)"),
        ("gdb11_s01", {"theory": "CCSD(T)/CBS"}, r"the level of theory CCSD\(T\)/CBS"),
        (FIRST, {"energy_unit": "eV"}, "energies in eV, not in hartree"),
        (f"{FIRST}/energies", {"units": "kcal/mol"}, "energies in kcal/mol, not in hartree"),
        (f"{FIRST}/coordinates", {"unit": "Bohr"}, "positions in Bohr, not in Å"),
    ],
)
def test_attributes_that_say_something_else_are_refused(tmp_path, where, facts, says):
    with h5py.File(three(tmp_path), "a") as root:
        root[where].attrs.update(facts)
    with pytest.raises(DataFileError, match=rf"ani_gdb_s01\.h5 is not ANI-1: it states {says}"):
        list(ANI1(tmp_path, [1]).read())


def test_attributes_that_agree_change_nothing(tmp_path):
    with h5py.File(three(tmp_path), "a") as root:
        root.attrs.update(lot="wB97X/6-31G*", units="Hartree, Angstrom")
        root[f"{FIRST}/energies"].attrs["units"] = "Hartree"
    dataset = ANI1(tmp_path, [1])
    assert len(list(dataset.read())) == 3
    assert dataset.remarks() == []


def test_forces_are_said_to_be_left_out(tmp_path):
    with h5py.File(three(tmp_path), "a") as root:
        root[FIRST]["forces"] = root[FIRST]["coordinates"][:]
    dataset = ANI1(tmp_path, [1])
    assert all(chunk.forces is None for chunk in dataset.read())
    assert dataset.remarks()[0].startswith("Left out: forces, which have the shape of the positions.")
