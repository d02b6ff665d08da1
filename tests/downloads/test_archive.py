from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potbench.downloads.archive import is_archive, unpack
from potbench.errors import ArchiveError, DataFileError
from tests.native_files.archives import entry, tar, zipped

FILES = {"release/a.h5": b"a" * 3000, "release/b.h5": b"b" * 3000, "release/README": b"c"}
NAMES = {"a.h5": "one.h5", "release/b.h5": "two.h5"}


def put(folder: Path, content: bytes) -> Path:
    file = folder / "archive"
    file.write_bytes(content)
    return file


def refusal(archive: Path, folder: Path, names: dict[str, str]) -> str:
    """What is said of an archive that is refused, of which nothing may be left."""
    folder.mkdir()
    with pytest.raises(ArchiveError) as caught:
        unpack(archive, folder, names)
    assert list(folder.iterdir()) == []
    return str(caught.value)


@pytest.mark.parametrize("content", [zipped(FILES), *(tar(FILES, mode) for mode in ("gz", "bz2", "xz", ""))])
def test_files_that_are_asked_for_get_their_names_and_others_stay_where_they_are(tmp_path, content):
    archive = put(tmp_path, content)
    assert is_archive(archive)
    (tmp_path / "to").mkdir()
    unpack(archive, tmp_path / "to", NAMES)
    found = {file.name: file.read_bytes() for file in (tmp_path / "to").iterdir()}
    assert found == {"one.h5": b"a" * 3000, "two.h5": b"b" * 3000}


def test_arrays_are_no_archive_though_they_are_zipped(tmp_path):
    np.savez(tmp_path / "arrays.npz", x=np.arange(3))
    (tmp_path / "text").write_text("text")
    assert not is_archive(tmp_path / "arrays.npz")
    assert not is_archive(tmp_path / "text")


@pytest.mark.parametrize("path", ["../a.h5", "/tmp/a.h5", "release/../../a.h5"])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_a_path_that_leads_out_of_the_archive_is_refused(tmp_path, pack, path):
    archive = put(tmp_path, pack({path: b"evil"}))
    assert refusal(archive, tmp_path / "to", {"a.h5": "one.h5"}) == (
        f"{archive} holds {path}, which is a link, a device or a path that leads out of it. Expected a plain file; "
        "nothing was unpacked. Fetch the archive from its publisher."
    )
    assert {file.name for file in tmp_path.iterdir()} == {"archive", "to"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path, kind):
    archive = put(tmp_path, tar({"b.h5": b"b"}, others=[entry("a.h5", kind, "/etc/passwd")]))
    said = refusal(archive, tmp_path / "to", {"a.h5": "one.h5", "b.h5": "two.h5"})
    assert said.startswith(f"{archive} holds a.h5, which is a link, a device or")


def test_a_link_in_a_zip_is_refused(tmp_path):
    archive = put(tmp_path, zipped({"a.h5": b"/etc/passwd"}, link="a.h5"))
    assert "holds a.h5, which is a link" in refusal(archive, tmp_path / "to", {"a.h5": "one.h5"})


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    archive = put(tmp_path, tar({}, others=[entry("a.h5", tarfile.DIRTYPE)]))
    assert "holds a.h5, which is" in refusal(archive, tmp_path / "to", {"a.h5": "one.h5"})


@pytest.mark.parametrize("pack", [tar, zipped])
def test_evil_that_nobody_asks_for_stays_in_the_archive(tmp_path, pack):
    archive = put(tmp_path, pack({"../../evil": b"evil", "/tmp/evil": b"evil", "a.h5": b"a"}))
    (tmp_path / "to").mkdir()
    unpack(archive, tmp_path / "to", {"a.h5": "one.h5"})
    assert {file.name for file in tmp_path.rglob("*")} == {"archive", "to", "one.h5"}


def test_a_file_that_is_not_there_is_named_and_the_others_are_not_unpacked(tmp_path):
    archive = put(tmp_path, tar(FILES))
    assert refusal(archive, tmp_path / "to", {"a.h5": "one.h5", "z.h5": "z.h5"}) == (
        f"{archive} holds no z.h5. It is truncated, or another archive than expected; fetch it again, or unpack it and "
        "choose its folder if its files have other names."
    )


@pytest.mark.parametrize("paths", [("x/a.h5", "a.h5"), ("a.h5", "x/a.h5")])
@pytest.mark.parametrize("pack", [tar, zipped])
def test_of_files_of_one_name_the_highest_is_unpacked(tmp_path, pack, paths):
    archive = put(tmp_path, pack({path: path.encode() for path in paths}))
    (tmp_path / "to").mkdir()
    unpack(archive, tmp_path / "to", {"a.h5": "one.h5"})
    assert (tmp_path / "to" / "one.h5").read_text() == "a.h5"


@pytest.mark.parametrize("pack", [tar, zipped])
def test_of_files_of_one_name_that_are_equally_high_none_is_unpacked(tmp_path, pack):
    archive = put(tmp_path, pack({"x/a.h5": b"x", "y/a.h5": b"y"}))
    assert refusal(archive, tmp_path / "to", {"a.h5": "one.h5"}) == (
        f"{archive} holds x/a.h5 and y/a.h5. Expected one file a.h5; unpack it, and choose the folder of one."
    )


@pytest.mark.parametrize("content", [zipped(FILES), *(tar(FILES, mode) for mode in ("gz", "bz2", "xz"))])
def test_an_archive_cut_short_leaves_nothing(tmp_path, content):
    for part in (0, 10, len(content) // 2, len(content) * 3 // 4):
        archive = put(tmp_path, content[:part])
        assert refusal(archive, tmp_path / str(part), {"README": "README", **NAMES}).startswith(f"{archive} ")


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), content=st.sampled_from([zipped(FILES), tar(FILES), tar(FILES, "")]))
def test_damaged_bytes_give_the_files_or_a_refusal(tmp_path, data, content):
    damaged = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        damaged[place] = data.draw(st.integers(0, 255))
    archive = put(tmp_path, bytes(damaged))
    folder = tmp_path / "to"
    folder.mkdir(exist_ok=True)
    try:
        unpack(archive, folder, NAMES)
    except DataFileError:
        assert list(folder.iterdir()) == []
    else:
        assert {file.name for file in folder.iterdir()} == set(NAMES.values())
    for file in folder.iterdir():
        file.unlink()


def test_room_is_asked_for_before_a_file_is_written(tmp_path):
    huge = tarfile.TarInfo("a.h5")
    huge.size = 10**15
    archive = put(tmp_path, huge.tobuf())
    (tmp_path / "to").mkdir()
    with pytest.raises(DataFileError, match=rf"^one\.h5 needs 1\.0 PB in {tmp_path / 'to'}, whose disk has "):
        unpack(archive, tmp_path / "to", {"a.h5": "one.h5"})
    assert list((tmp_path / "to").iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path):
    archive = put(tmp_path, tar({"a.h5": bytes(3000), "b.h5": bytes(3_000_000)}))
    (tmp_path / "to").mkdir()
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from potbench.downloads.archive import unpack; from potbench.downloads.disk_space import full_disk_in_words\n"
        f"archive, folder = Path({str(archive)!r}), Path({str(tmp_path / 'to')!r})\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        "try:\n    with full_disk_in_words(folder):\n        unpack(archive, folder, {'a.h5': 'a', 'b.h5': 'b'})\n"
        "except ValueError as error:\n    sys.exit(str(error))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.strip().startswith(f"Nothing more can be written to {tmp_path / 'to'} (File too large). ")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_device_that_is_full_is_no_damage_of_the_archive(tmp_path, monkeypatch):
    monkeypatch.setattr("potbench.whole_file.uuid.uuid4", lambda: UUID(int=0))
    (tmp_path / "one.h5.00000000.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        unpack(put(tmp_path, tar(FILES)), tmp_path, {"a.h5": "one.h5"})
    assert [file.name for file in tmp_path.iterdir()] == ["archive"]
