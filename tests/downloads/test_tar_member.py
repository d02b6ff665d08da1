from __future__ import annotations

import gzip
import tarfile

import pytest

from potbench.downloads.archive import unpack
from potbench.errors import ArchiveError
from tests.native_files.archives import tar

MEMBERS = {"a": b"1" * 600, "b": b"2" * 600, "c": b"3" * 600}
LENGTH = 512 + 1024
"""Bytes of each, its header included."""


def unpacked(tmp_path, raw: bytes, name: str) -> bytes:
    (tmp_path / "archive.tar").write_bytes(raw)
    unpack(tmp_path / "archive.tar", tmp_path, {name: name})
    return (tmp_path / name).read_bytes()


def test_a_damaged_header_is_no_end_of_an_archive(tmp_path):
    raw = bytearray(gzip.decompress(tar(MEMBERS)))
    assert unpacked(tmp_path, bytes(raw), "c") == MEMBERS["c"]
    (tmp_path / "c").unlink()
    raw[LENGTH + 110] ^= 1
    with pytest.raises(ArchiveError, match=r"archive.tar cannot be unpacked \(the header of a member is damaged"):
        unpacked(tmp_path, bytes(raw), "c")
    assert not (tmp_path / "c").exists()


def test_further_facts_about_a_member_are_bounded(tmp_path):
    facts = tarfile.TarInfo("facts")
    facts.type, facts.size = tarfile.XHDTYPE, 300 * 2**20
    raw = facts.tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(ArchiveError, match=r"archive.tar cannot be unpacked"):
        unpacked(tmp_path, raw + bytes(1024), "a")
