"""Files cut at random places or with random bytes changed: refused, or the frames that went in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potbench.datasets import QM9, RMD17, ASEDatabase, ExtendedXYZ, SGDMLFile
from potbench.errors import DataFileError, PotbenchError
from potbench.readers.npz import read_npz
from tests.native_files.ase_files import write_database, write_extended_xyz, write_qm9
from tests.native_files.npz import write_rmd17, write_sgdml

# kind → (folder → file, file → dataset); whether a checksum in the file guards every number
MAKERS = {
    "rmd17": (lambda folder: write_rmd17(folder, num_frames=16), lambda file: RMD17("ethanol", folder=file.parent)),
    "sgdml": (
        lambda folder: write_sgdml(folder / "a.npz", 6) and folder / "a.npz",
        lambda file: SGDMLFile(file, energy_unit="kcal/mol", length_unit="Å"),
    ),
    "qm9": (
        lambda folder: write_qm9(folder, 4) and folder / "dsgdb9nsd.xyz.tar.bz2",
        lambda file: QM9(folder=file.parent),
    ),
    "database": (
        lambda folder: write_database(folder / "a.db", "calculator", 4) and folder / "a.db",
        lambda file: ASEDatabase(file, "hartree", "Å"),
    ),
    "extended_xyz": (
        lambda folder: write_extended_xyz(folder / "a.xyz", 4) and folder / "a.xyz",
        lambda file: ExtendedXYZ(file, "hartree", "Å"),
    ),
}
GUARDED = {"rmd17", "sgdml", "qm9"}
UNHURRIED = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


class Damage:
    """One undamaged file, kept over the examples that hypothesis tries."""

    def __init__(self, folder, kind: str) -> None:
        self.kind = kind
        make, self.open = MAKERS[kind]
        self.file = make(folder)
        self.raw = self.file.read_bytes()
        self.frames = list(self.open(self.file).read())

    def read(self, raw: bytes):
        """The frames, or None where the file was refused; any other exception passes through."""
        self.file.write_bytes(raw)
        try:
            return list(self.open(self.file).read())
        except PotbenchError:
            return None

    def is_as_before(self, frames) -> bool:
        pairs = zip(frames, self.frames, strict=True)
        return all(
            np.array_equal(a, b)
            for one, other in pairs
            for a, b in zip(one[1:5], other[1:5], strict=True)
            if a is not None
        )


@pytest.fixture(scope="module", params=sorted(MAKERS))
def damage(request, tmp_path_factory) -> Damage:
    return Damage(tmp_path_factory.mktemp("damage"), request.param)


@UNHURRIED
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused_where_that_can_be_told(damage, data):
    length = data.draw(st.integers(0, len(damage.raw) - 1))
    frames = damage.read(damage.raw[:length])
    if damage.kind == "extended_xyz" and frames:
        # text has no end mark: cut between frames, or in its last number, it cannot be told from a whole file
        assert sum(len(chunk.energy) for chunk in frames) <= 4
        np.testing.assert_array_equal(frames[0].energy[:1], damage.frames[0].energy[:1])
    elif damage.kind == "database":
        # pages behind the last that is used may go
        assert frames is None or damage.is_as_before(frames)
    else:
        assert frames is None or (damage.kind == "qm9" and damage.is_as_before(frames))


@UNHURRIED
@given(data=st.data())
def test_changed_bytes_are_noticed_or_change_nothing_where_numbers_are_guarded(damage, data):
    # .npz and .bz2 keep checksums; a database and text do not, and there finite numbers are all that can be promised
    changes = data.draw(
        st.dictionaries(st.integers(0, len(damage.raw) - 1), st.integers(0, 255), min_size=1, max_size=4)
    )
    raw = bytearray(damage.raw)
    for where, value in changes.items():
        raw[where] = value
    frames = damage.read(bytes(raw))
    if frames is None:
        return
    if damage.kind in GUARDED:
        assert damage.is_as_before(frames)
    assert all(np.isfinite(chunk.energy).all() and np.isfinite(chunk.positions).all() for chunk in frames)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_text_of_numbers_that_are_no_characters_is_refused_by_name(tmp_path: Path, order: str) -> None:
    file = tmp_path / "a.npz"
    text = np.frombuffer(np.array([0x65, 0x110000], f"{order}u4").tobytes(), f"{order}U2")
    np.savez(file, e_unit=text)
    with pytest.raises(DataFileError, match=r"a\.npz cannot be read as \.npz .*e_unit is no text"):
        read_npz(file, {})
