from __future__ import annotations

import ase.io
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potbench.datasets import FlexibleMolecules
from potbench.datasets.flexible import read_xyz
from potbench.errors import DataFileError
from tests.native_files.npz import write_flexible

KCAL_PER_MOL = 27.211386245988 / 627.5094740631  # typed again here so that a slip in units.py shows


UNHURRIED = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_frames_equal_what_was_written(tmp_path):
    made = write_flexible(tmp_path / "Glycine.xyz")
    (chunk,) = FlexibleMolecules("glycine", tmp_path).read()
    assert chunk.atomic_numbers.tolist() == made["numbers"].tolist()
    np.testing.assert_array_equal(chunk.positions, made["positions"])
    np.testing.assert_allclose(chunk.energy, made["energy"] * KCAL_PER_MOL, rtol=1e-15)
    np.testing.assert_allclose(chunk.forces, made["forces"] * KCAL_PER_MOL, rtol=1e-15)


def test_atoms_and_positions_are_those_that_ase_reads(tmp_path):
    file = tmp_path / "Azobenzene_inversion.xyz"
    write_flexible(file, 3, name="azobenzene")
    (chunk,) = FlexibleMolecules("azobenzene_inversion", tmp_path).read()
    images = ase.io.read(file, index=":", format="xyz")
    np.testing.assert_array_equal(chunk.positions, [image.positions for image in images])
    assert chunk.atomic_numbers.tolist() == images[0].numbers.tolist()


def test_long_files_come_in_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.datasets.flexible.FRAMES_PER_CHUNK", 16)
    made = write_flexible(tmp_path / "Glycine.xyz")
    chunks = list(FlexibleMolecules("glycine", tmp_path).read())
    assert [len(chunk.energy) for chunk in chunks] == [16, 16, 8]
    np.testing.assert_array_equal(np.concatenate([chunk.positions for chunk in chunks]), made["positions"])


def test_frames_are_counted_over_all_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.datasets.flexible.FRAMES_PER_CHUNK", 16)
    write_flexible(tmp_path / "Glycine.xyz")
    lines = (tmp_path / "Glycine.xyz").read_text().splitlines()
    lines[12 * 33 + 1] = "nan"
    (tmp_path / "Glycine.xyz").write_text("\n".join(lines))
    with pytest.raises(DataFileError, match=r"energy of frame 33 is NaN .* \(1 of the 8 frames from frame 32 on\)"):
        list(FlexibleMolecules("glycine", tmp_path).read())


def test_elements_are_those_of_the_molecule(tmp_path):
    write_flexible(tmp_path / "Glycine.xyz", 2)
    assert FlexibleMolecules("glycine", tmp_path).elements == ["H", "C", "N", "O"]


def test_blank_lines_at_the_end_are_no_frame(tmp_path):
    file = tmp_path / "Glycine.xyz"
    write_flexible(file, 2)
    file.write_text(file.read_text() + "\n\n")
    assert sum(len(chunk.energy) for chunk in read_xyz(file, "glycine")) == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("10\n", "ten\n", "begins with 'ten'"),
        ("C  ", "H  ", "of another kind"),
        ("O  ", "O  1.0  ", "inhomogeneous"),
        ("O  ", "O  1.0.0", "could not convert"),
        ("\n-", "\nenergy=-", "could not convert"),
        ("\n-", "\n-1.0 -", "of another kind"),
    ],
)
def test_another_layout_is_refused(tmp_path, old, new, says):
    file = tmp_path / "Glycine.xyz"
    write_flexible(file, 2)
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(DataFileError, match=says) as caught:
        list(read_xyz(file, "glycine"))
    assert str(caught.value).startswith(str(file))
    assert "Expected, for each frame" in str(caught.value)


def test_symbols_that_nobody_knows_are_refused(tmp_path):
    file = tmp_path / "Glycine.xyz"
    write_flexible(file, 2)
    file.write_text(file.read_text().replace("C  ", "X9  "))
    with pytest.raises(DataFileError, match="X9 are no chemical symbols"):
        list(read_xyz(file, "glycine"))


def test_another_molecule_in_between_is_refused(tmp_path):
    file = tmp_path / "Glycine.xyz"
    write_flexible(file, 2)
    text = file.read_text()
    write_flexible(file, 1, "H2O")
    file.write_text(text + file.read_text())
    with pytest.raises(DataFileError, match=r"of another kind than the first|in the middle of frame"):
        list(read_xyz(file, "glycine"))


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_file_cut_inside_a_frame_is_refused_or_loses_digits_of_its_last_number_alone(tmp_path, data):
    # text has no checksum: a cut inside the last number, or between frames, cannot be seen in the file alone
    file = tmp_path / "Glycine.xyz"
    made = write_flexible(file, 3)
    raw = file.read_bytes()
    length = data.draw(st.integers(0, len(raw) - 1))
    file.write_bytes(raw[:length])
    try:
        (chunk,) = read_xyz(file, "glycine")
    except DataFileError:
        return
    num_frames = len(chunk.energy)
    np.testing.assert_array_equal(chunk.positions, made["positions"][:num_frames])
    forces = made["forces"][:num_frames] * KCAL_PER_MOL
    np.testing.assert_allclose(chunk.forces.ravel()[:-1], forces.ravel()[:-1], rtol=1e-15)


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_changed_bytes_give_a_refusal_or_finite_frames(tmp_path, data):
    file = tmp_path / "Glycine.xyz"
    write_flexible(file, 3)
    raw = bytearray(file.read_bytes())
    for where, value in data.draw(
        st.dictionaries(st.integers(0, len(raw) - 1), st.integers(0, 255), min_size=1, max_size=4)
    ).items():
        raw[where] = value
    file.write_bytes(bytes(raw))
    try:
        chunks = list(read_xyz(file, "glycine"))
    except DataFileError:
        return
    assert sum(len(chunk.energy) for chunk in chunks) == 3
    assert all(np.isfinite(chunk.forces).all() for chunk in chunks)


def test_other_molecules_are_refused(tmp_path):
    write_flexible(tmp_path / "Azobenzene_rotation.xyz", 2)
    with pytest.raises(
        DataFileError, match=r"is not azobenzene_rotation: it states the atoms of C2H5NO2, not of C12H10N2"
    ):
        list(FlexibleMolecules("azobenzene_rotation", tmp_path).read())
