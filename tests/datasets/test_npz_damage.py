"""Files cut at random places or with random bytes changed: refused, or the frames that went in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from native_files.npz import write_rmd17, write_sgdml
from potbench.datasets import RMD17, DataFileError, SGDMLFile

MAKERS = {
    "rmd17": (lambda folder: write_rmd17(folder, num_frames=16), lambda file: RMD17("ethanol", folder=file.parent)),
    "sgdml": (lambda folder: write_sgdml(folder / "a.npz", 6) and folder / "a.npz", None),
}
UNHURRIED = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


class Damage:
    """One undamaged file, kept over the examples that hypothesis tries."""

    def __init__(self, folder, kind: str) -> None:
        make, open_ = MAKERS[kind]
        self.file = make(folder)
        self.open = open_ or (lambda file: SGDMLFile(file, energy_unit="kcal/mol", length_unit="Å"))
        self.raw = self.file.read_bytes()
        self.frames = list(self.open(self.file).read())

    def read(self, raw: bytes):
        """The frames, or None where the file was refused; any other exception passes through."""
        self.file.write_bytes(raw)
        try:
            return list(self.open(self.file).read())
        except DataFileError:
            return None

    def is_as_before(self, frames) -> bool:
        pairs = zip(frames, self.frames, strict=True)
        return all(np.array_equal(a, b) for one, other in pairs for a, b in zip(one[1:5], other[1:5], strict=True))


@pytest.fixture(scope="module", params=sorted(MAKERS))
def damage(request, tmp_path_factory) -> Damage:
    return Damage(tmp_path_factory.mktemp("damage"), request.param)


@UNHURRIED
@given(data=st.data())
def test_a_file_cut_anywhere_is_refused(damage, data):
    length = data.draw(st.integers(0, len(damage.raw) - 1))
    assert damage.read(damage.raw[:length]) is None


@UNHURRIED
@given(data=st.data())
def test_changed_bytes_are_noticed_or_change_nothing(damage, data):
    # zip keeps a checksum of every array, so that no number can change unnoticed
    changes = data.draw(
        st.dictionaries(st.integers(0, len(damage.raw) - 1), st.integers(0, 255), min_size=1, max_size=4)
    )
    raw = bytearray(damage.raw)
    for where, value in changes.items():
        raw[where] = value
    frames = damage.read(bytes(raw))
    assert frames is None or damage.is_as_before(frames)
