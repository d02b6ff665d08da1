from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from potbench.errors import RunError
from potbench.runs.folder import RunFolder
from potbench.runs.lock import RunLock, undisturbed
from potbench.runs.owner import Owner

# claims a folder at a moment that all processes know, and holds it until its input ends
CLAIM = """
import sys, time
from pathlib import Path
from potbench.errors import RunError
from potbench.runs.folder import RunFolder
from potbench.runs.lock import RunLock

lock = RunLock(RunFolder(sys.argv[1]))
print("ready", flush=True)
while not Path(sys.argv[2]).exists():
    time.sleep(0.0005)
try:
    lock.claim()
    print("claimed", flush=True)
except RunError as error:
    print(error, flush=True)
sys.stdin.read()
"""


class Process:
    """A process of its own that claims a folder."""

    def __init__(self, folder: Path, moment: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(folder), str(moment)],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.said() == "ready"

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self, wait: bool = True) -> None:
        self.process.send_signal(signal.SIGKILL)
        if wait:
            self.process.wait()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def foreign(run: RunFolder, silent: float = 0.0, **changes: object) -> Owner:
    """Leave the lock of a process on another machine, which showed some seconds ago that it lives."""
    owner = replace(Owner.this(), host="node7", machine="another", process=1234, claim="theirs", **changes)
    run.create()
    run.lock.write_text(json.dumps(asdict(owner)))
    moment = time.time() - silent
    os.utime(run.lock, (moment, moment))
    return owner


def until(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("ten seconds are over")


def names(run: RunFolder) -> set[str]:
    return {file.name for file in run.path.iterdir()}


def test_of_several_processes_one_has_the_folder(tmp_path: Path) -> None:
    for number in range(5):
        folder, moment = tmp_path / f"run_{number}", tmp_path / f"moment_{number}"
        processes = [Process(folder, moment) for _ in range(4)]
        moment.touch()
        said = [process.said() for process in processes]
        assert said.count("claimed") == 1, said
        winner = processes[said.index("claimed")].process.pid
        assert sum(f"belongs to process {winner} on " in text for text in said) == 3, said
        for process in processes:
            process.kill()


def test_of_several_processes_one_takes_the_lock_of_a_killed_one_over(tmp_path: Path) -> None:
    for number in range(5):
        folder, moments = tmp_path / f"run_{number}", [tmp_path / f"moment_{number}_{index}" for index in range(2)]
        first = Process(folder, moments[0])
        moments[0].touch()
        assert first.said() == "claimed"
        others = [Process(folder, moments[1]) for _ in range(4)]
        first.kill()
        moments[1].touch()
        said = [process.said() for process in others]
        assert said.count("claimed") == 1, said
        for process in others:
            process.kill()


def test_the_lock_of_a_process_that_lives_is_respected_and_its_owner_named(run: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "now").touch()
    other = Process(run.path, tmp_path / "now")
    assert other.said() == "claimed"
    # however long it was silent: it may have been suspended
    os.utime(run.lock, (0, 0))
    started = time.monotonic()
    with pytest.raises(RunError) as caught:
        RunLock(run).claim(wait=True)
    assert time.monotonic() - started < 1
    assert str(caught.value) == (
        f"{run.path} belongs to process {other.process.pid} on {os.uname().nodename}, which is running. Expected a "
        "folder that no other process writes. Choose another folder, or stop that process."
    )
    assert names(run) == {"run.lock"}
    # killed, and not yet waited for by its parent
    other.kill(wait=False)
    until(lambda: Path(f"/proc/{other.process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
    lock = RunLock(run)
    lock.claim()
    lock.release()
    other.process.wait()


def test_a_process_that_got_the_number_of_a_killed_one_is_not_taken_for_it(run: RunFolder) -> None:
    run.create()
    run.lock.write_text(json.dumps(asdict(replace(Owner.this(), started="long ago"))))
    RunLock(run).claim()


def test_a_process_of_another_user_lives(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(process: int, number: int) -> None:
        raise PermissionError

    run.create()
    run.lock.write_text(json.dumps(asdict(replace(Owner.this(), claim="theirs"))))
    monkeypatch.setattr(os, "kill", refused)
    with pytest.raises(RunError):
        RunLock(run).claim()


def test_a_process_on_another_machine_lives_as_long_as_it_shows_it(run: RunFolder) -> None:
    foreign(run, silent=50)
    with pytest.raises(RunError) as caught:
        RunLock(run).claim()
    assert str(caught.value) == (
        f"{run.path} belongs to process 1234 on node7, which showed 50 s ago that it lives. Expected a folder that no "
        "other process writes. Choose another folder, or stop that process; if it is gone, try again in 10 s."
    )
    foreign(run, silent=61)
    lock = RunLock(run)
    lock.claim()
    lock.require()
    assert json.loads(run.lock.read_text())["claim"] == lock.owner.claim
    assert names(run) == {"run.lock"}


def test_one_waits_for_a_process_on_another_machine_until_it_is_taken_to_be_gone(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign(run)
    started = time.monotonic()
    RunLock(run, stale=1.0).claim(wait=True)
    assert 0.9 < time.monotonic() - started < 5
    assert capsys.readouterr().out == f"{run.path} belongs to process 1234 on node7. Waiting for a sign of life.\n"


def test_one_does_not_wait_for_a_process_that_shows_that_it_lives(run: RunFolder) -> None:
    foreign(run)
    threading.Timer(0.3, lambda: os.utime(run.lock)).start()
    started = time.monotonic()
    with pytest.raises(RunError, match="belongs to process 1234 on node7"):
        RunLock(run, stale=20.0).claim(wait=True)
    assert time.monotonic() - started < 5


def test_a_job_that_slurm_starts_again_takes_its_own_lock_over_at_once(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    foreign(run)
    for job, restarts in (("77", "0"), ("78", "1")):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        monkeypatch.setenv("SLURM_RESTART_COUNT", restarts)
        with pytest.raises(RunError):
            RunLock(run).claim()
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    RunLock(run).claim()


@pytest.mark.parametrize("content", [b"", b"{", b'{"host": 3}', b"\xff"])
def test_a_damaged_lock_is_respected_as_long_as_it_is_fresh(run: RunFolder, content: bytes) -> None:
    run.create()
    run.lock.write_bytes(content)
    with pytest.raises(RunError, match="belongs to another process, which showed 0 s ago that it lives"):
        RunLock(run).claim()
    os.utime(run.lock, (0, 0))
    RunLock(run).claim()


def test_a_process_shows_that_it_lives(run: RunFolder) -> None:
    lock = RunLock(run, stale=0.3)
    lock.claim()
    os.utime(run.lock, (0, 0))
    until(lambda: run.lock.stat().st_mtime > 0)
    lock.require()


def test_a_process_whose_folder_was_taken_over_stops_and_leaves_the_lock(run: RunFolder) -> None:
    lock = RunLock(run, stale=0.3)
    lock.claim()
    foreign(run)
    until(lambda: lock._is_lost)
    with pytest.raises(RunError, match="was taken over by another process"):
        lock.require()
    lock.release()
    assert json.loads(run.lock.read_text())["claim"] == "theirs"


def test_a_lock_that_was_placed_since_is_not_removed(run: RunFolder) -> None:
    owner = foreign(run)
    lock = RunLock(run)
    lock._remove(replace(owner, claim="of one that is gone"))
    assert json.loads(run.lock.read_text())["claim"] == "theirs"
    lock._remove(owner)
    assert names(run) == set()


def test_a_file_system_without_links_will_do(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> None:
        raise PermissionError("no links")

    monkeypatch.setattr(os, "link", refused)
    lock = RunLock(run)
    lock.claim()
    with pytest.raises(RunError, match="which is running"):
        RunLock(run).claim()
    assert names(run) == {"run.lock"}
    lock.release()


def test_a_link_that_was_made_although_the_file_system_says_no_counts(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def made_twice(*arguments: object) -> None:
        link(*arguments)
        link(*arguments)

    monkeypatch.setattr(os, "link", made_twice)
    RunLock(run).claim()


def test_after_its_release_a_folder_can_be_claimed_again_and_an_empty_one_is_gone(run: RunFolder) -> None:
    for _ in range(2):
        lock = RunLock(run)
        lock.claim()
        lock.release()
        assert not run.path.exists()
    lock = RunLock(run)
    lock.claim()
    run.config.touch()
    lock.release()
    assert names(run) == {"config.yaml"}


def test_two_processes_do_not_change_a_record_at_the_same_time(run: RunFolder) -> None:
    run.create()
    script = (
        "import sys\nfrom potbench.runs.folder import RunFolder\nfrom potbench.runs.lock import undisturbed\n"
        "with undisturbed(RunFolder(sys.argv[1])):\n    print('inside', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(run.path)]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        entered = threading.Event()

        def enter() -> None:
            with undisturbed(run):
                entered.set()

        threading.Thread(target=enter, daemon=True).start()
        assert not entered.wait(0.3)
        process.kill()
        assert entered.wait(5)
