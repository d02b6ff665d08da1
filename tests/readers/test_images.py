"""Structures in files that ASE knows: what they claim is measured before memory is taken."""

from __future__ import annotations

import gzip
import json
import time

import numpy as np
import pytest
from ase.build import molecule
from ase.db import connect
from ase.io import write

from potbench.errors import DataFileError
from potbench.readers.images import read_images
from tests.native_files.ase_files import images, write_extended_xyz

FRAME = "2\nProperties=species:S:1:pos:R:3 energy=1\nH 0 0 0\nH 0 0 1\n"


@pytest.mark.parametrize("name", ["a.traj", "a.json", "a.xyz.gz", "a.xyz.bz2", "mol@1.xyz", "mol@1.traj", "a.xyz"])
def test_structures_come_with_energies_and_forces_whatever_the_file(tmp_path, name):
    made = images(4)
    write(str(tmp_path / name.replace("@", "-")), made)
    (tmp_path / name.replace("@", "-")).rename(tmp_path / name)
    found = list(read_images(tmp_path / name))
    assert len(found) == 4
    for one, other in zip(found, made, strict=True):
        np.testing.assert_allclose(one.positions, other.positions, atol=1e-7)
        assert one.calc.results["energy"] == pytest.approx(other.calc.results["energy"])
        np.testing.assert_allclose(one.calc.results["forces"], other.calc.results["forces"], atol=1e-7)


def test_a_mark_of_the_order_of_bytes_is_no_text(tmp_path):
    (tmp_path / "a.xyz").write_bytes(b"\xef\xbb\xbf" + FRAME.encode())
    assert len(next(read_images(tmp_path / "a.xyz"))) == 2


def test_frames_may_be_apart(tmp_path):
    (tmp_path / "a.xyz").write_text(f"{FRAME}\n\n{FRAME}\n")
    assert len(list(read_images(tmp_path / "a.xyz"))) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (FRAME + FRAME.replace("2\n", "1000000000\n", 1), r"1 on .*up to 1,000,000, not '1000000000'"),
        (FRAME.replace("2\n", "3\n", 1), r"it ends after 2 of 3 atoms"),
        (FRAME.replace("2\n", "1\n", 1) + FRAME, r"expected the number of atoms alone, .*not 'H 0 0 1'"),
        (FRAME.replace("2\n", "3\n", 1) + FRAME, r"line '2' has 1 columns, expected 4"),
        (FRAME.replace("0 0 1", "0 0 1 0.5"), r"line 'H 0 0 1 0.5' has 5 columns, expected 4"),
        (FRAME.replace("0 0 1", "0 1"), r"line 'H 0 1' has 3 columns, expected 4"),
        ("2\n\nH 0 0 0\nH 0 0 1 0.5\n", r"line 'H 0 0 1 0.5' has 5 columns, expected 4"),
        ("0\n\n", r"expected the number of atoms alone"),
        (FRAME + "VEC1 1 0 0\n", r"it is periodic, by its VEC lines"),
        ("x" * (2**20 + 1), r"a line has more than 1,048,576 characters"),
        (FRAME.replace("energy=1", "energy=" + "1" * 2**20), r"a line has more than 1,048,576 characters"),
    ],
)
@pytest.mark.parametrize("name", ["a.xyz", "a.xyz.gz"])
def test_lines_and_columns_are_counted(tmp_path, text, problem, name):
    raw = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    with pytest.raises(DataFileError, match=rf"{name} cannot be read as extended XYZ from .*{problem}"):
        list(read_images(tmp_path / name))


@pytest.mark.parametrize("kind", [("int64", 1), ("float64", 0), ("complex128", [0, 0]), ("S1000000000", ["a"])])
@pytest.mark.parametrize("as_database", [True, False])
def test_arrays_in_json_are_as_large_as_they_say(tmp_path, kind, as_database):
    file = tmp_path / "a.json"
    with connect(file, use_lock_file=False) as database:
        database.write(molecule("H2O"))
    row = json.loads(file.read_text())
    row["1"]["tags"] = {"__ndarray__": [[1 if kind[0][0] == "S" else 10**9], *kind]}
    file.write_text(json.dumps(row))
    begin = time.monotonic()
    with pytest.raises(DataFileError, match=rf"{file} cannot be read as .*an array of shape .* holds \d+ values"):
        _ = list(connect_rows(file)) if as_database else list(read_images(file))
    assert time.monotonic() - begin < 5


def connect_rows(file):
    from potbench.readers.ase_database import rows

    return rows(file)


def test_other_formats_are_read_in_a_process_with_limits(tmp_path):
    write(tmp_path / "a.pdb", molecule("CH3CH2OH"))
    assert len(next(read_images(tmp_path / "a.pdb"))) == 9
    (tmp_path / "garbage").write_bytes(bytes(range(256)))
    with pytest.raises(DataFileError, match=r"garbage cannot be read as structures .*ASE knows no such files, or it"):
        list(read_images(tmp_path / "garbage"))


def test_what_xyz_is_is_seen_by_its_first_line(tmp_path):
    write_extended_xyz(tmp_path / "a.xyz", 2)
    (tmp_path / "a.xyz").rename(tmp_path / "frames.dat")
    assert len(list(read_images(tmp_path / "frames.dat"))) == 2


def test_files_that_are_whole_are_not_called_damaged(tmp_path):
    np.savez(tmp_path / "a.npz", positions=np.zeros((2, 3)))
    with pytest.raises(DataFileError, match=r"UnknownFileTypeError: npz\)\. ASE knows no such files, or it is damaged"):
        list(read_images(tmp_path / "a.npz"))
    (tmp_path / "a.xyz").write_bytes(FRAME.replace("energy", 'name="éthanol" energy').encode("latin-1"))
    with pytest.raises(DataFileError, match=r"continuation byte\)\. Expected text in UTF-8; save it as such\.$"):
        list(read_images(tmp_path / "a.xyz"))
