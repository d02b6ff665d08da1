from __future__ import annotations

import h5py
import numpy as np
import pytest

from potbench.datasets import ANI1
from potbench.errors import DataFileError
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.structures import SYMBOLS, Frames
from potbench.units import KCAL_PER_MOL
from tests.native_files.molecules import FREE_ATOMS

HARTREE = 27.211386245988


@pytest.fixture(scope="module")
def chunks(real_data) -> list[Frames]:
    return list(ANI1(real_data / "ani1", [1, 2]).read())


def test_all_molecules_and_frames_are_read(chunks):
    assert len(chunks) == 16
    assert sum(len(chunk.energy) for chunk in chunks) == 61_762
    assert {int(number) for chunk in chunks for number in chunk.atomic_numbers} == {1, 6, 7, 8}
    names = [f"gdb11_s01-{number}" for number in range(3)] + [f"gdb11_s02-{number}" for number in range(13)]
    assert [chunk.molecule for chunk in chunks] == names


def test_frames_equal_an_independent_reading(chunks, real_data):
    for chunk in chunks:
        heavy_atoms = chunk.molecule[6:9]
        with h5py.File(real_data / "ani1" / f"ani_gdb_{heavy_atoms}.h5") as root:
            group = root[f"gdb11_{heavy_atoms}/{chunk.molecule}"]
            assert [SYMBOLS[number] for number in chunk.atomic_numbers] == group["species"].asstr()[()].tolist()
            np.testing.assert_array_equal(chunk.positions, group["coordinates"][()])
            np.testing.assert_allclose(chunk.energy, group["energies"][()] * HARTREE, rtol=1e-15)
            assert chunk.positions.dtype == np.float32
            assert len(chunk.energy) == len(group["energies"]), "high-energy conformers do not belong here"


# Energies of atomization from the bottom of the well, in kcal/mol: 420, 298 and 233 by W4-11 (Karton, Daon, Martin,
# Chem. Phys. Lett. 510, 165 (2011)); the small basis of ANI-1 binds N−H and O−H too weakly, by up to 15.
@pytest.mark.parametrize(
    ("formula", "expected"), [("CHHHH", 420), ("NHHH", 298), ("HHO", 233)], ids=["methane", "ammonia", "water"]
)
def test_the_lowest_frame_of_a_molecule_has_its_energy_of_atomization(chunks, formula, expected):
    chunk = next(b for b in chunks if sorted(SYMBOLS[n] for n in b.atomic_numbers) == sorted(formula))
    atoms = sum(FREE_ATOMS[SYMBOLS[number]] for number in chunk.atomic_numbers) * HARTREE
    assert (atoms - chunk.energy.min()) / KCAL_PER_MOL == pytest.approx(expected, abs=16)


def test_bonds_have_the_length_of_bonds(chunks):
    for chunk in chunks:
        lowest = chunk.positions[chunk.energy.argmin()].astype(float)
        distances = np.linalg.norm(lowest[:, None] - lowest, axis=2)
        nearest = (distances + 10 * np.eye(len(lowest))).min(axis=1)
        assert 0.7 < nearest.min() <= nearest.max() < 1.6, chunk.molecule


def test_least_squares_references_are_near_free_atoms(real_data):
    data = AtomsDataModule(ANI1(real_data / "ani1", [1, 2]), RandomSplit())
    data.prepare_data()
    data.setup("fit")
    assert len(data.store) == 61_762
    for number, energy in data.statistics.reference_energies.items():
        # what lies between is each element's share of the bonds
        difference = (FREE_ATOMS[SYMBOLS[number]] * HARTREE - energy) / KCAL_PER_MOL
        assert 0 < difference < 150, SYMBOLS[number]
    assert 5 < data.statistics.energy_spread / KCAL_PER_MOL < 50


def test_a_copy_without_smiles_holds_the_same_frames(chunks, real_data):
    with h5py.File(real_data / "ani1_variants" / "ani_gdb_s01.h5") as root:
        assert "smiles" not in root["gdb11_s01/gdb11_s01-0"]
    copies = list(ANI1(real_data / "ani1_variants", [1]).read())
    assert len(copies) == 3
    for chunk, copy in zip(chunks, copies, strict=False):
        assert copy.molecule == chunk.molecule
        np.testing.assert_array_equal(copy.atomic_numbers, chunk.atomic_numbers)
        assert copy.positions.tobytes() == chunk.positions.tobytes()
        assert copy.energy.tobytes() == chunk.energy.tobytes()


@pytest.mark.parametrize(
    "file", ["ani1x_sample/ani1_n5.hdf5", "ani1_variants/test_ani1.db", "rmd17/rmd17_ethanol_test_01.npz"]
)
def test_other_datasets_are_refused(real_data, tmp_path, file):
    link = tmp_path / "ani_gdb_s01.h5"
    link.symlink_to(real_data / file)
    with pytest.raises(DataFileError) as caught:
        list(ANI1(tmp_path, [1]).read())
    message = str(caught.value)
    if file.endswith(".hdf5"):
        assert message == (
            f"{link}: /C1H4N4O4/atomic_numbers is no group. "
            "Expected the layout of ANI-1: species, coordinates and energies in each group."
        )
    else:
        assert message.startswith(f"{link} cannot be read as HDF5 of the expected layout (")
