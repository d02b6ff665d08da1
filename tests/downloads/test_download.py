from __future__ import annotations

import gzip
import hashlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from potbench.downloads.address import Download
from potbench.downloads.checksums import Checksums
from potbench.downloads.download import alone_in, fetch
from potbench.errors import DataFileError
from potbench.whole_file import whole_file
from tests.file_server import FileServer, Served
from tests.native_files.archives import tar, zipped

BODY = np.random.default_rng(0).bytes(1_000_000)
MD5 = f"md5:{hashlib.md5(BODY).hexdigest()}"
SHA256 = hashlib.sha256(BODY).hexdigest()
LATER = (
    "Expected the published file. Try again later, which resumes the download; or get the file in another way, and "
    "prepare the dataset from it."
)


@pytest.fixture
def file(server: FileServer) -> Served:
    """What the server serves as `file`."""
    server.files["file"] = Served(BODY)
    return server.files["file"]


def download(server: FileServer, checksum: str | None = MD5, **more) -> Download:
    return Download((server.url("file"),), "data.bin", checksum, **more)


def left(folder: Path) -> set[str]:
    """What is in a folder, besides the lock."""
    return {file.name for file in folder.iterdir()} - {".lock"}


def said(caught: pytest.ExceptionInfo[DataFileError]) -> str:
    return str(caught.value)


def test_a_file_arrives_whole_and_verified(server, file, tmp_path):
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert left(tmp_path) == {"data.bin", "checksums.json"}
    assert Checksums(tmp_path).find("data.bin") == (SHA256, MD5)


def test_a_file_that_is_there_is_not_fetched_again(server, file, tmp_path):
    fetch(download(server), tmp_path)
    fetch(download(server), tmp_path)
    assert len(server.requests) == 1


def test_a_broken_connection_is_taken_up_where_it_broke(server, file, tmp_path, capsys):
    file.breaks = [300_000, 200_000]
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY
    first, second, third = server.ranges()
    assert first is None
    assert 0 < int(second[6:-1]) <= 300_000 < int(third[6:-1]) <= 500_000
    assert "data.bin: the connection broke off; resuming at 262.1 kB." in capsys.readouterr().out


def test_a_connection_that_breaks_often_ends_while_each_attempt_brings_something(server, file, tmp_path):
    file.breaks = [150_000] * 12
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_attempts_that_bring_nothing_end(server, file, tmp_path):
    file.breaks = [0] * 10
    with pytest.raises(DataFileError) as caught:
        fetch(download(server), tmp_path)
    assert len(server.requests) == 4
    assert said(caught) == (
        f"{tmp_path / 'data.bin'} could not be downloaded: {server.url('file')}: the connection broke off. {LATER}"
    )


def test_a_server_without_ranges_begins_anew(server, file, tmp_path, capsys):
    file.breaks, file.ranges = [300_000], False
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert "data.bin: the server cannot resume at 262.1 kB; starting again." in capsys.readouterr().out


@pytest.mark.parametrize("version", ['"1"', 'W/"1"', None])
@pytest.mark.parametrize("checks_version", [True, False])
def test_halves_of_two_versions_of_a_file_are_never_joined(server, tmp_path, version, checks_version):
    # without a published checksum nothing else would notice
    server.files["file"] = Served(b"old" * 300_000, [300_000, 0, 0, 0, 0], version=version)
    with pytest.raises(DataFileError):
        fetch(download(server, checksum=None), tmp_path)
    assert (tmp_path / "data.bin.partial").stat().st_size > 0
    new = '"2"' if version == '"1"' else version
    server.files["file"] = Served(BODY, version=new if checks_version else None)
    fetch(download(server, checksum=None), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_a_part_that_the_server_does_not_have_makes_it_begin_anew(server, tmp_path):
    server.files["file"] = Served(BODY, [300_000, 0, 0, 0, 0], version=None)
    with pytest.raises(DataFileError):
        fetch(download(server, checksum=None), tmp_path)
    server.files["file"] = Served(b"short", version=None)
    fetch(download(server, checksum=None), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"short"
    assert server.ranges()[-2:] == ["bytes=262144-", None]


def test_a_process_that_is_killed_leaves_what_the_next_goes_on_from(server, file, tmp_path):
    file.stalls_at = 500_000
    program = (
        "from pathlib import Path\n"
        "from potbench.datasets import Download; from potbench.downloads.download import fetch\n"
        f"fetch(Download(({server.url('file')!r},), 'data.bin'), Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    partial = tmp_path / "data.bin.partial"
    deadline = time.monotonic() + 60
    while not (partial.is_file() and partial.stat().st_size >= 400_000):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    file.stalls_at = None
    assert not (tmp_path / "data.bin").exists()
    fetch(download(server, checksum=None), tmp_path)
    assert server.ranges() == [None, f"bytes={7 * 2**16}-"]
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert left(tmp_path) == {"data.bin", "checksums.json"}


def test_a_file_that_was_whole_when_its_process_died_is_not_asked_for_again(server, file, tmp_path):
    facts = {"url": server.url("file"), "version": '"1"', "total": len(BODY)}
    (tmp_path / "data.bin.partial").write_bytes(BODY)
    (tmp_path / "data.bin.partial.json").write_text(json.dumps(facts))
    fetch(download(server), tmp_path)
    assert server.requests == []
    assert left(tmp_path) == {"data.bin", "checksums.json"}


@pytest.mark.parametrize("facts", ['{"url": ', "{}", "[]"])
def test_damaged_facts_of_a_partial_file_make_it_begin_anew(server, file, tmp_path, facts):
    (tmp_path / "data.bin.partial").write_bytes(b"some")
    (tmp_path / "data.bin.partial.json").write_text(facts)
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_wrong_bytes_are_refused_and_removed(server, file, tmp_path):
    file.body = b"something else"
    with pytest.raises(DataFileError) as caught:
        fetch(download(server), tmp_path)
    assert said(caught) == (
        f"{tmp_path / 'data.bin'} could not be downloaded: {server.url('file')}: the file has the md5 "
        f"{hashlib.md5(file.body).hexdigest()}, but {MD5[4:]} is published. {LATER}"
    )
    assert left(tmp_path) == set()


def test_mirrors_are_tried_in_turn_and_each_failure_is_told(server, file, tmp_path, capsys):
    server.files["wrong"] = Served(b"something else")
    urls = tuple(server.url(name) for name in ("missing", "wrong", "file"))
    fetch(Download(urls, "data.bin", MD5), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY
    printed = capsys.readouterr().out
    assert f"{urls[0]}: 404 Not Found. Trying {urls[1]}." in printed
    assert f"{urls[1]}: the file has the md5 " in printed
    assert f"is published. Trying {urls[2]}." in printed


def test_a_mirror_does_not_go_on_from_the_part_of_another(server, file, tmp_path):
    file.breaks = [300_000, 0, 0, 0, 0]
    server.files["mirror"] = Served(BODY)
    fetch(Download((server.url("file"), server.url("mirror")), "data.bin"), tmp_path)
    assert server.requests[-1][0] == "mirror"
    assert server.ranges()[-1] is None
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_a_missing_file_is_said_at_once(server, tmp_path):
    with pytest.raises(DataFileError) as caught:
        fetch(download(server), tmp_path)
    assert len(server.requests) == 1
    assert said(caught) == (
        f"{tmp_path / 'data.bin'} could not be downloaded: {server.url('file')}: 404 Not Found. {LATER}"
    )
    assert left(tmp_path) == set()


def test_a_server_that_is_busy_is_asked_again(server, file, tmp_path, capsys):
    file.statuses = [503, 429]
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert capsys.readouterr().out.startswith(
        "data.bin: 503 Service Unavailable; trying again.\ndata.bin: 429 Too Many Requests; trying again.\n"
    )


def test_a_server_that_only_serves_browsers_is_content(server, file, tmp_path):
    file.asks_for_browser = True
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_an_unreachable_server_is_said(server, file, tmp_path):
    server.close()
    with pytest.raises(DataFileError, match="Connection refused"):
        fetch(download(server), tmp_path)


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"Content-Type": "text/html; charset=utf-8"}, b"<html>", "a web page came in place of the file"),
        ({}, b"", "200 OK, without a file"),
    ],
)
def test_an_answer_without_a_file_is_no_file(server, file, tmp_path, headers, body, reason):
    file.headers, file.body = headers, body
    with pytest.raises(DataFileError, match=reason):
        fetch(download(server, checksum=None), tmp_path)
    assert not (tmp_path / "data.bin").exists()


def test_a_compressed_file_is_not_unpacked_on_its_way(server, file, tmp_path):
    file.body, file.headers = gzip.compress(BODY), {"Content-Encoding": "gzip"}
    fetch(download(server, checksum=None), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == file.body


def test_a_file_of_unknown_length_arrives(server, file, tmp_path):
    file.headers = {"Content-Length": None}
    fetch(download(server), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_a_file_without_published_checksum_is_recorded_and_said_to_be_unverified(server, file, tmp_path, capsys):
    fetch(download(server, checksum=None), tmp_path)
    assert Checksums(tmp_path).find("data.bin") == (SHA256, None)
    assert capsys.readouterr().out.endswith(
        f"data.bin: not verified against a published checksum, there is none; its sha256 is {SHA256}.\n"
    )


def test_a_later_download_must_equal_the_first(server, file, tmp_path):
    fetch(download(server, checksum=None), tmp_path)
    (tmp_path / "data.bin").unlink()
    fetch(download(server, checksum=None), tmp_path)
    (tmp_path / "data.bin").unlink()
    file.body = b"changed"
    with pytest.raises(DataFileError) as caught:
        fetch(download(server, checksum=None), tmp_path)
    assert (
        f"the file has the sha256 {hashlib.sha256(b'changed').hexdigest()}, but {tmp_path / 'checksums.json'} knows it "
        f"as {SHA256}."
    ) in said(caught)
    assert left(tmp_path) == {"checksums.json"}


@pytest.mark.parametrize("checksum", [MD5, None])
def test_a_file_that_was_changed_since_is_refused_but_not_removed(server, file, tmp_path, checksum):
    fetch(download(server, checksum), tmp_path)
    (tmp_path / "data.bin").write_bytes(b"changed")
    with pytest.raises(DataFileError, match=r"data.bin has the .*; tell .* to fetch it again\.$"):
        fetch(download(server, checksum), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"changed"


def test_a_damaged_download_without_published_checksum_is_fetched_again_when_told_to(server, file, tmp_path):
    server.files["file"] = Served(b"damaged on its way")
    fetch(download(server, checksum=None), tmp_path)
    server.files["file"] = Served(BODY)
    fetch(download(server, checksum=None), tmp_path)
    assert (tmp_path / "data.bin").read_bytes() == b"damaged on its way"  # not told to
    fetch(download(server, checksum=None), tmp_path, again=True)
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert Checksums(tmp_path).find("data.bin").sha256 == SHA256


def test_members_of_an_archive_that_is_fetched_again_are_unpacked_again(server, tmp_path):
    wanted = download(server, None, members=(("a.h5", "a.h5"),))
    server.files["file"] = Served(tar({"a.h5": b"damaged"}))
    fetch(wanted, tmp_path)
    server.files["file"] = Served(tar({"a.h5": b"right"}))
    fetch(wanted, tmp_path, again=True)
    assert (tmp_path / "a.h5").read_bytes() == b"right"


def test_a_file_that_has_no_address_is_never_fetched_again(tmp_path):
    (tmp_path / "data.xyz").write_bytes(b"the user's own")
    fetch(Download((), "data.xyz"), tmp_path, again=True)
    assert (tmp_path / "data.xyz").read_bytes() == b"the user's own"


def test_a_published_size_is_required_where_no_checksum_is_published(server, file, tmp_path):
    with pytest.raises(DataFileError, match=r"the file has 1,000,000 bytes, but 1,000,001 are published"):
        fetch(download(server, None, size=len(BODY) + 1), tmp_path)
    assert left(tmp_path) == set()
    (tmp_path / "data.bin").write_bytes(b"short")
    with pytest.raises(DataFileError, match=r"data.bin has 5 bytes, but 1,000,000 are published"):
        fetch(download(server, None, size=len(BODY)), tmp_path)
    fetch(download(server, None, size=len(BODY)), tmp_path, again=True)
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_a_damaged_record_of_checksums_is_named(server, file, tmp_path):
    (tmp_path / "checksums.json").write_text("{")
    with pytest.raises(DataFileError, match=r"checksums.json is damaged .* Expected checksums .* delete it\."):
        fetch(download(server), tmp_path)


def test_a_file_without_an_address_is_asked_of_the_user(tmp_path):
    with pytest.raises(DataFileError) as caught:
        fetch(Download((), "data.xyz"), tmp_path)
    assert said(caught) == (
        f"{tmp_path / 'data.xyz'} has no address that a program may fetch it from. Get it from its publisher, whom "
        "`python -m potbench data list` names, then prepare the dataset from that file."
    )


def test_members_of_an_archive_get_their_names(server, tmp_path):
    server.files["file"] = Served(tar({"release/a.h5": b"a", "release/b.h5": b"b", "release/README": b"c"}))
    fetch(download(server, None, members=(("release/a.h5", "one.h5"), ("b.h5", "two.h5"))), tmp_path)
    assert left(tmp_path) == {"data.bin", "one.h5", "two.h5", "checksums.json"}
    assert (tmp_path / "one.h5").read_bytes() == b"a"
    assert (tmp_path / "two.h5").read_bytes() == b"b"


def test_a_published_checksum_of_an_archive_vouches_for_its_members(server, tmp_path):
    body = zipped({"a.h5": b"a"})
    server.files["file"] = Served(body)
    md5 = f"md5:{hashlib.md5(body).hexdigest()}"
    fetch(download(server, md5, members=(("a.h5", "a.h5"),)), tmp_path)
    assert Checksums(tmp_path).find("a.h5") == (hashlib.sha256(b"a").hexdigest(), f"{md5} of data.bin")


def test_further_members_come_out_of_the_archive_that_is_there(server, tmp_path):
    server.files["file"] = Served(tar({"a.h5": b"a", "b.h5": b"b"}))
    fetch(download(server, None, members=(("a.h5", "a.h5"),)), tmp_path)
    fetch(download(server, None, members=(("a.h5", "a.h5"), ("b.h5", "b.h5"))), tmp_path)
    assert (tmp_path / "b.h5").read_bytes() == b"b"
    assert len(server.requests) == 1


def test_an_archive_cut_short_on_the_server_leaves_nothing(server, tmp_path):
    whole = tar({"a.h5": BODY, "b.h5": BODY})
    server.files["file"] = Served(whole[: len(whole) // 2 + 100_000])
    wanted = download(server, None, members=(("a.h5", "a.h5"), ("b.h5", "b.h5")))
    with pytest.raises(DataFileError) as caught:
        fetch(wanted, tmp_path)
    assert said(caught) == (
        f"{tmp_path / 'data.bin'} cannot be unpacked (Compressed file ended before the end-of-stream marker was "
        "reached). Expected a whole .zip or .tar archive; fetch it again."
    )
    assert left(tmp_path) == {"checksums.json"}
    server.files["file"].body = whole
    fetch(wanted, tmp_path)
    assert (tmp_path / "b.h5").read_bytes() == BODY


def test_what_a_killed_process_left_of_an_unpacked_file_is_removed(server, file, tmp_path):
    with whole_file(tmp_path / "a.h5") as partial:
        partial.write_bytes(b"whole")
        other = partial.with_name(partial.name.replace("a.h5", "b.h5"))
        other.write_bytes(b"half")
    (tmp_path / "other.partial").write_bytes(b"a download to resume")
    assert other.name in left(tmp_path)
    fetch(download(server), tmp_path)
    assert left(tmp_path) == {"a.h5", "data.bin", "checksums.json", "other.partial"}


def test_room_on_the_disk_is_asked_for_before(server, file, tmp_path):
    file.headers = {"Content-Length": str(10**18)}
    with pytest.raises(DataFileError) as caught:
        fetch(download(server), tmp_path)
    assert said(caught).startswith(f"data.bin needs 1.0 EB in {tmp_path}, whose disk has ")
    assert said(caught).endswith(
        " left. Free some space, or keep datasets on another disk: POTBENCH_DATA names their folder."
    )


def test_a_full_disk_is_said_and_the_next_call_goes_on(server, file, tmp_path):
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from potbench.datasets import Download; from potbench.downloads.download import fetch\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))\n"
        f"try:\n    fetch(Download(({server.url('file')!r},), 'data.bin'), Path({str(tmp_path)!r}))\n"
        "except ValueError as error:\n    sys.exit(str(error))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"Nothing more can be written to {tmp_path} (File too large). Expected space for the dataset. Free some "
        "space, or keep datasets on another disk: POTBENCH_DATA names their folder. The same command then resumes from "
        "here."
    )
    assert left(tmp_path) == {"data.bin.partial", "data.bin.partial.json"}
    fetch(download(server), tmp_path)
    assert server.ranges()[1] is not None
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_two_processes_do_not_write_into_one_file(server, file, tmp_path, capsys):
    with alone_in(tmp_path):
        second = threading.Thread(target=fetch, args=(download(server), tmp_path))
        second.start()
        deadline = time.monotonic() + 10
        printed = ""
        while "waiting for it" not in printed:
            assert time.monotonic() < deadline
            time.sleep(0.01)
            printed += capsys.readouterr().out
        assert server.requests == []
    second.join(10)
    assert printed == f"Another process writes to {tmp_path}; waiting for it.\n"
    assert (tmp_path / "data.bin").read_bytes() == BODY
