from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import read, write

from potbench.errors import DataFileError
from potbench.inference.structure_file import read_structures, write_structures
from potbench.structures import Frames


def predicted(name: str, num_frames: int = 1) -> Frames:
    atoms = molecule(name)
    random = np.random.default_rng(0)
    shape = (num_frames, len(atoms), 3)
    positions = atoms.positions + random.normal(0, 0.05, shape)
    return Frames(name, atoms.numbers, positions, random.normal(-1000, 1, num_frames), random.normal(0, 1, shape))


@pytest.mark.parametrize("ending", ["xyz", "traj", "db", "json", "pdb"])
def test_any_file_that_ase_reads_will_do(tmp_path: Path, ending: str) -> None:
    write(tmp_path / f"water.{ending}", molecule("H2O"))
    (water,) = read_structures(tmp_path / f"water.{ending}")
    assert water.atomic_numbers.tolist() == [8, 1, 1]
    assert water.positions == pytest.approx(molecule("H2O").positions[None], abs=1e-3)
    assert water.positions.dtype == np.float64
    assert np.isnan(water.energy).all()


def test_every_structure_of_a_file_is_read_in_order(tmp_path: Path) -> None:
    write(tmp_path / "two.xyz", [molecule("H2O"), molecule("CH4")])
    assert [len(frames.atomic_numbers) for frames in read_structures(tmp_path / "two.xyz")] == [3, 5]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    garbage, empty, periodic = (tmp_path / name for name in ("garbage.xyz", "empty.extxyz", "periodic.extxyz"))
    garbage.write_text("three\natoms\n")
    write(empty, [])
    write(periodic, [molecule("H2O"), Atoms("H", cell=[3, 3, 3], pbc=True)])
    messages = {}
    for file in (tmp_path / "none.xyz", garbage, empty, periodic):
        with pytest.raises(DataFileError) as caught:
            read_structures(file)
        messages[file.name] = str(caught.value)
    assert f"{tmp_path}/none.xyz does not exist." in messages["none.xyz"]
    assert messages["garbage.xyz"].startswith(f"{garbage} cannot be read as extended XYZ from frame 0 on (")
    assert str(empty) in messages["empty.extxyz"]
    assert f"{periodic}: structure 1 is periodic, and these potentials are of molecules." in messages["periodic.extxyz"]
    ends = ("Choose another file.", "fetch it again.", "at least one.")
    assert all(text.endswith(ends) for text in messages.values())


@pytest.mark.parametrize("ending", ["xyz", "extxyz"])
def test_extended_xyz_is_read_back_by_ase(tmp_path: Path, ending: str) -> None:
    chunks = [predicted("CH4", 2), predicted("H2O")]
    write_structures(tmp_path / f"out.{ending}", chunks)
    images = read(tmp_path / f"out.{ending}", ":", format="extxyz")
    assert [len(image) for image in images] == [5, 5, 3]
    energies = np.concatenate([frames.energy for frames in chunks])
    assert [image.get_potential_energy() for image in images] == pytest.approx(energies, abs=1e-7)
    assert images[1].positions == pytest.approx(chunks[0].positions[1], abs=1e-7)
    assert images[1].get_forces() == pytest.approx(chunks[0].forces[1], abs=1e-7)


def test_npz_holds_arrays_of_all_atoms_with_their_units(tmp_path: Path) -> None:
    chunks = [predicted("CH4", 2), predicted("H2O")]
    write_structures(tmp_path / "out.npz", chunks)
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["atoms_per_molecule"].tolist() == [5, 5, 3]
        assert arrays["atomic_numbers"].tolist() == [6, 1, 1, 1, 1] * 2 + [8, 1, 1]
        assert np.array_equal(arrays["energy"], np.concatenate([frames.energy for frames in chunks]))
        for name in ("positions", "forces"):
            expected = np.concatenate([getattr(frames, name).reshape(-1, 3) for frames in chunks])
            assert np.array_equal(arrays[name], expected)
        assert arrays["units"].tolist() == ["positions Å", "energy eV", "forces eV/Å"]


@pytest.mark.parametrize(("name", "writer"), [("out.npz", "numpy.savez_compressed"), ("out.xyz", "ase.io.write")])
def test_a_file_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, writer: str
) -> None:
    def half(file: Path | BinaryIO, *arguments: object, **named: object) -> None:
        written = file.write_bytes(b"half") if isinstance(file, Path) else file.write(b"half")
        raise OSError(f"No space left on device after {written} bytes")

    monkeypatch.setattr(writer, half)
    with pytest.raises(OSError, match="No space left"):
        write_structures(tmp_path / name, [predicted("CH4")])
    assert list(tmp_path.iterdir()) == []
