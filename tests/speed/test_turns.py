from __future__ import annotations

import os
import time
from pathlib import Path

from potbench.speed.turns import Job, take_turns


def job(folder: Path, *scripts: str) -> Job:
    return Job([["sh", "-c", script] for script in scripts], folder / "logs" / "job.log", os.environ)


def lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.is_file() else 0


def test_between_its_turns_a_job_and_the_processes_that_it_started_stand_still(tmp_path: Path) -> None:
    file = tmp_path / "steps"
    runner = job(tmp_path, f"(while :; do echo step >> {file}; sleep 0.01; done) & wait")
    try:
        assert runner.run(0.5)
        at_rest = lines(file)
        time.sleep(0.2)
        assert lines(file) == at_rest
        assert runner.run(1.0)
        assert lines(file) > at_rest
    finally:
        runner.end()
    ended = lines(file)
    time.sleep(0.2)
    assert lines(file) == ended


def test_jobs_take_turns_until_all_have_ended(tmp_path: Path) -> None:
    done: list[Job] = []
    order = tmp_path / "order"
    jobs = [
        job(tmp_path / name, *(f"echo {name}{n} >> {order}" for n in range(count)))
        for name, count in (("a", 2), ("b", 1))
    ]
    take_turns(jobs, done.append)
    assert order.read_text().split() == ["a0", "b0", "a1"]
    assert done == [jobs[1], jobs[0]]
    assert [each.failure for each in jobs] == [None, None]


def test_a_command_that_fails_says_why_and_none_follows_it(tmp_path: Path) -> None:
    failing = job(tmp_path, "echo fine", "seq 9; echo broken >&2; exit 3", f"touch {tmp_path / 'later'}")
    take_turns([failing], lambda _: None)
    assert failing.failure == "6\n7\n8\n9\nbroken"
    assert not (tmp_path / "later").exists()


def test_a_command_that_the_system_kills_is_not_taken_for_what_it_printed_last(tmp_path: Path) -> None:
    killed = job(tmp_path, "echo fine; kill -9 $$")
    take_turns([killed], lambda _: None)
    assert killed.failure == "fine\nit was ended by SIGKILL, as happens where memory is short"


def test_processes_end_where_the_turns_are_interrupted(tmp_path: Path) -> None:
    file = tmp_path / "steps"
    endless = job(tmp_path, f"while :; do echo step >> {file}; sleep 0.01; done")

    def interrupt(_: Job) -> None:
        raise KeyboardInterrupt

    try:
        take_turns([endless, job(tmp_path, "true")], interrupt, seconds=0.3)
    except KeyboardInterrupt:
        ended = lines(file)
        time.sleep(0.2)
        assert lines(file) == ended > 0
    else:
        raise AssertionError("nothing was interrupted")
