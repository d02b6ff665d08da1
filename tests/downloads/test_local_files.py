from __future__ import annotations

import hashlib
import os
import shutil

import pytest

from potbench.downloads.address import Download
from potbench.downloads.checksums import Checksums
from potbench.downloads.local_files import give_back, take
from potbench.errors import DataFileError
from tests.native_files.archives import tar, zipped

A, B = b"a" * 100, b"b" * 100
MD5 = f"md5:{hashlib.md5(A).hexdigest()}"
PLAIN = [Download((), "a.npz", MD5), Download((), "b.csv")]
PACKED = [Download((), "all.tar.gz", members=(("release/a.h5", "a.h5"), ("release/b.h5", "b.h5")))]


@pytest.fixture
def here(tmp_path):
    """Where the user has files."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def there(tmp_path):
    """Where the dataset looks for them."""
    return tmp_path / "there"


def names(folder) -> set[str]:
    return {file.name for file in folder.iterdir()} - {".lock", "checksums.json"}


def test_files_of_a_folder_are_linked_at_whatever_depth_they_lie(here, there):
    (here / "npz_data").mkdir()
    (here / "npz_data" / "a.npz").write_bytes(A)
    (here / "b.csv").write_bytes(B)
    (here / "other").write_bytes(b"other")
    take(here, there, PLAIN)
    assert names(there) == {"a.npz", "b.csv"}
    assert (there / "a.npz").samefile(here / "npz_data" / "a.npz")
    assert Checksums(there).find("a.npz") == (hashlib.sha256(A).hexdigest(), MD5)
    assert Checksums(there).find("b.csv") == (hashlib.sha256(B).hexdigest(), None)


def test_taking_them_again_changes_nothing(here, there):
    (here / "a.npz").write_bytes(A)
    take(here, there, PLAIN)
    take(here, there, PLAIN)
    take(there, there, PLAIN)
    assert names(there) == {"a.npz"}


def test_files_on_another_disk_are_copied(here, there, monkeypatch):
    def refuse(*_):
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (here / "a.npz").write_bytes(A)
    take(here, there, PLAIN)
    assert (there / "a.npz").read_bytes() == A
    assert (there / "a.npz").stat().st_mtime_ns == (here / "a.npz").stat().st_mtime_ns
    assert names(there) == {"a.npz"}


def test_a_link_to_a_file_is_followed(here, there):
    (here / "elsewhere").write_bytes(A)
    (here / "a.npz").symlink_to("elsewhere")
    take(here, there, PLAIN)
    assert not (there / "a.npz").is_symlink()
    assert (there / "a.npz").read_bytes() == A


def test_other_files_that_the_dataset_reads_are_taken_too(here, there):
    (here / "half.npz").write_bytes(A)
    take(here, there, PLAIN, ["half.npz"])
    assert names(there) == {"half.npz"}


def test_a_file_that_is_not_the_published_one_is_refused(here, there):
    (here / "a.npz").write_bytes(B)
    with pytest.raises(DataFileError) as caught:
        take(here, there, PLAIN)
    assert str(caught.value) == (
        f"{here / 'a.npz'} has the md5 {hashlib.md5(B).hexdigest()}, but {MD5[4:]} is published. Expected the "
        "published file. To use this one all the same, leave it where it is and set the dataset's argument folder to "
        "its folder."
    )
    assert names(there) == set()


def test_a_file_that_differs_from_the_one_that_is_there_is_refused(here, there):
    there.mkdir()
    (there / "b.csv").write_bytes(A)
    (here / "b.csv").write_bytes(B)
    with pytest.raises(DataFileError, match=r"b.csv exists already and differs from .* delete one\."):
        take(here, there, PLAIN)
    assert (there / "b.csv").read_bytes() == A


def test_a_file_replaces_another_where_that_is_asked_for(here, there):
    for content in (A, B):
        (here / "b.csv").unlink(missing_ok=True)
        (here / "b.csv").write_bytes(content)
        assert take(here, there, PLAIN, again=True) == {there / "b.csv": here / "b.csv"}
    assert (there / "b.csv").read_bytes() == B
    assert (here / "b.csv").read_bytes() == B
    assert Checksums(there).find("b.csv") == (hashlib.sha256(B).hexdigest(), None)
    assert take(there, there, PLAIN, again=True) == {}
    assert (there / "b.csv").read_bytes() == B


def test_a_file_stays_where_the_one_that_is_to_replace_it_cannot_be_copied(here, there, monkeypatch):
    (here / "b.csv").write_bytes(B)
    take(here, there, PLAIN)
    (here / "b.csv").unlink()
    (here / "b.csv").write_bytes(A)

    def refuse(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(shutil, "copy2", refuse)
    with pytest.raises(OSError, match="No space left"):
        take(here, there, PLAIN, again=True)
    assert (there / "b.csv").read_bytes() == B


def test_a_file_that_was_given_back_or_deleted_makes_room_for_another(here, there):
    for remove in (give_back, lambda taken: [file.unlink() for file in taken]):
        for content in (A, B):
            (here / "b.csv").unlink(missing_ok=True)
            (here / "b.csv").write_bytes(content)
            taken = take(here, there, PLAIN)
            assert (there / "b.csv").read_bytes() == content
            remove(taken)
            assert not (there / "b.csv").exists()


def test_files_are_compared_by_their_contents(here, there):
    (here / "b.csv").write_bytes(B)
    take(here, there, PLAIN)
    (here / "b.csv").unlink()
    (here / "b.csv").write_bytes(b"x" * len(B))
    stat = (there / "b.csv").stat()
    os.utime(here / "b.csv", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DataFileError, match=r"b.csv exists already and differs from"):
        take(here, there, PLAIN)


def test_a_truncated_archive_is_called_so(here, there):
    (here / "all.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataFileError, match=r"all.zip cannot be read as an archive: it is truncated or damaged\."):
        take(here / "all.zip", there, PLAIN)


def test_two_files_of_one_name_are_refused(here, there):
    for folder in ("one", "two"):
        (here / folder).mkdir()
        (here / folder / "b.csv").write_bytes(B)
    with pytest.raises(DataFileError, match=r"one/b.csv and .*two/b.csv have the same name. Expected one file of it; "):
        take(here, there, PLAIN)


def test_one_file_may_have_any_name_where_only_one_can_be_meant(here, there):
    (here / "mine.npz").write_bytes(A)
    take(here / "mine.npz", there, PLAIN[:1])
    assert (there / "a.npz").read_bytes() == A


def test_one_of_several_files_needs_its_name(here, there):
    for name in ("b.csv", "mine.npz"):
        (here / name).write_bytes(B)
    take(here / "b.csv", there, PLAIN)
    assert names(there) == {"b.csv"}
    with pytest.raises(DataFileError) as caught:
        take(here / "mine.npz", there, PLAIN)
    assert str(caught.value) == (
        f"{here / 'mine.npz'} is no file of the dataset and holds none. Expected one of a.npz, b.csv, or a folder or "
        "archive of them; change this path."
    )


@pytest.mark.parametrize("name", ["all.tar.gz", "9057631"])
def test_an_archive_is_unpacked_whatever_it_is_called(here, there, name):
    (here / name).write_bytes(tar({"release/a.h5": A, "release/b.h5": B}))
    take(here / name, there, PACKED)
    assert names(there) == {"a.h5", "b.h5"}
    assert (here / name).is_file()


def test_an_archive_in_a_folder_is_unpacked(here, there):
    (here / "all.tar.gz").write_bytes(tar({"release/a.h5": A, "release/b.h5": B}))
    take(here, there, PACKED)
    assert names(there) == {"a.h5", "b.h5"}


def test_members_that_someone_unpacked_are_taken(here, there):
    (here / "release").mkdir()
    (here / "release" / "a.h5").write_bytes(A)
    take(here, there, PACKED)
    assert names(there) == {"a.h5"}


def test_an_archive_of_files_that_are_published_one_by_one_is_unpacked(here, there):
    (here / "all.zip").write_bytes(zipped({"x/npz_data/a.npz": A, "x/splits/b.csv": B}))
    take(here / "all.zip", there, PLAIN)
    assert names(there) == {"a.npz", "b.csv"}
    assert Checksums(there).find("a.npz") == (hashlib.sha256(A).hexdigest(), MD5)


def test_files_of_an_archive_replace_others_where_that_is_asked_for(here, there):
    for content in (A, B):
        (here / "all.zip").write_bytes(zipped({"x/a.npz": A, "x/b.csv": content}))
        take(here / "all.zip", there, PLAIN, again=True)
        assert (there / "b.csv").read_bytes() == content
        assert Checksums(there).find("b.csv") == (hashlib.sha256(content).hexdigest(), None)
    (here / "all.zip").write_bytes(zipped({"x/a.npz": A, "x/b.csv": A}))
    take(here / "all.zip", there, PLAIN)
    assert (there / "b.csv").read_bytes() == B


def test_a_wrong_file_in_such_an_archive_is_refused_and_removed(here, there):
    (here / "all.zip").write_bytes(zipped({"a.npz": B, "b.csv": B}))
    with pytest.raises(
        DataFileError, match=r"^a\.npz in .*all\.zip has the md5 .* is published\. .* use another archive\.$"
    ):
        take(here / "all.zip", there, PLAIN)
    assert "a.npz" not in names(there)


def test_an_archive_that_is_not_the_published_one_is_refused(here, there):
    (here / "all.tar.gz").write_bytes(tar({"release/a.h5": A, "release/b.h5": B}))
    with pytest.raises(DataFileError, match=r"all.tar.gz has the md5 .*, but 0000 is published"):
        take(here, there, [Download((), "all.tar.gz", "md5:0000", members=PACKED[0].members)])
    assert names(there) == set()


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_place_that_holds_nothing_of_use_is_named(here, there, name):
    with pytest.raises(DataFileError) as caught:
        take(here / name, there, PACKED)
    state = "does not exist" if name else "is no file of the dataset and holds none"
    assert str(caught.value) == (
        f"{here / name} {state}. Expected one of a.h5, b.h5, or a folder or archive of them; change this path."
    )
