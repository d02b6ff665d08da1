"""Searches whose trainings are those of a fake command; tests/cli/test_tune.py has real ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from potbench.errors import PotbenchError, RecordError, RunError
from potbench.runs.record import Diverged
from potbench.studies.running.commands import Stage
from potbench.studies.searches import trial_run, tune
from potbench.studies.searches.search import Search
from potbench.studies.searches.search_folder import SearchFolder
from potbench.studies.searches.trials import Trials
from potbench.studies.searches.tune import SearchResult, search
from tests.runs.small_record import small_record
from tests.studies import fake_fit

RATES = {"x": {"float": {"low": 1e-6, "high": 1.0, "log": True}}}
LISTED = {"x": {"choice": [1e-6, 1e-4, 1e-3, 1e-1]}}
ROOT = Path(__file__).parents[3]
DIVERGED = replace(small_record(), diverged=Diverged(0, 1, "The loss is NaN.")).to_json()


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_run, "STAGES", (Stage("fit", fake_fit.COMMAND, ("budget",)),))
    monkeypatch.setattr(trial_run, "POLL", 0.02)
    monkeypatch.setattr(tune, "PAUSE", 0.05)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


def what(**settings: Any) -> Search:
    return Search(**{"space": LISTED, "sampler": "grid", "objective": "validation/forces_mae", **settings})


def run(folder: Path, asked: Search, said: list[str] | None = None, **config: Any) -> SearchResult:
    whole = {"trainer": {"max_epochs": 3}, **config}
    return search(folder, asked, lambda values: {**whole, **values}, say=(said if said is not None else []).append)


def started(folder: Path, asked: dict[str, Any], **config: Any) -> subprocess.Popen[str]:
    whole = {"trainer": {"max_epochs": 3}, **config}
    command = [sys.executable, "-m", "tests.studies.tune_in_process", str(folder), json.dumps(asked), json.dumps(whole)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def begun(folder: Path) -> dict[str, int]:
    """Run → how often its training was started."""
    files = sorted((folder / "trials").glob("*/begun.txt"))
    return {file.parent.name: len(file.read_text().splitlines()) for file in files}


def test_a_damaged_description_of_a_search_is_named_and_can_be_deleted(tmp_path: Path) -> None:
    result = run(tmp_path, what())
    (tmp_path / "search.json").write_text("{")
    with pytest.raises(RecordError, match=r"search\.json is damaged .* Delete it"):
        run(tmp_path, what())
    (tmp_path / "search.json").unlink()
    assert run(tmp_path, what()).trials == result.trials


def test_a_grid_has_each_combination_once_and_the_best_value_is_found(tmp_path: Path) -> None:
    said: list[str] = []
    result = run(tmp_path, what(), said)
    assert result.best == {"x": 1e-3}
    # of the epoch with the smallest loss, the second
    assert result.value == pytest.approx(0.5)
    assert sorted(trial.chosen["x"] for trial in result.trials) == ["0.0001", "0.001", "0.1", "1e-06"]
    assert {trial.state for trial in result.trials} == {"finished"}
    assert all(trial.seconds > 0 and trial.cpu_seconds > 0 for trial in result.trials)
    assert result.seconds == sum(trial.seconds for trial in result.trials)
    assert result.curve[-1] == result.expected[-1] == result.value
    assert (np.diff(result.curve) <= 0).all()
    assert result.expected[0] == pytest.approx(np.mean([trial.value for trial in result.trials]))
    assert [line.split(":")[0] for line in said] == ["1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    # nothing is left to do
    again = run(tmp_path, what())
    assert again == SearchResult(**{**vars(again), "trials": result.trials})
    assert begun(tmp_path) == dict.fromkeys(("0000", "0001", "0002", "0003"), 1)


def test_the_same_seed_tries_the_same_also_when_the_search_goes_on_later(tmp_path: Path) -> None:
    def tried(folder: Path, *numbers: int, seed: int = 0) -> list[float]:
        for number in numbers:
            result = run(folder, what(space=RATES, sampler="tpe", trials=number, seed=seed))
        return [trial.chosen["x"] for trial in result.trials]

    whole = tried(tmp_path / "one", 4)
    assert tried(tmp_path / "two", 2, 4) == whole
    assert len(set(whole)) == 4
    assert tried(tmp_path / "other", 2, seed=1) != whole[:2]


def test_a_trial_that_fails_is_said_and_replaced_and_one_that_diverges_is_a_result(tmp_path: Path) -> None:
    asked = what(space={"x": {"choice": [1e-6, 1e-3]}})
    said: list[str] = []
    result = run(tmp_path / "diverges", asked, said, diverges=1e-6, record=DIVERGED)
    assert Counter(trial.state for trial in result.trials) == {"finished": 1, "diverged": 1}
    assert any("diverged" in line and "The loss is NaN." in line for line in said)
    assert result.best == {"x": 1e-3}
    with pytest.raises(
        RunError, match=r"3 trials in a row have failed; the last: .*The molecule is broken\. Mend it\."
    ):
        run(tmp_path / "fails", asked, said, fails=1e-6)
    trials = Trials(SearchFolder(tmp_path / "fails"), asked).all()
    assert Counter(trial.state for trial in trials)["failed"] >= 3
    assert all(trial.value is None for trial in trials if trial.state == "failed")
    # where the reason is gone, the same search goes on
    assert len(run(tmp_path / "fails", asked).trials) == len(trials) + 1
    one = what(space={"y": {"choice": [1, 2]}}, trials=1)
    with pytest.raises(RunError, match=r"No trial in .* was trained to its end: all 1 were pruned, diverged or"):
        run(tmp_path / "none", one, x=1e-6, diverges=1e-6, record=DIVERGED)


def test_an_objective_that_was_not_measured_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no finite validation/energy_mae, but validation/forces_mae"):
        run(tmp_path, what(objective="energy_mae"))


def test_a_pruned_training_is_stopped_and_its_folder_says_so(tmp_path: Path) -> None:
    # the grid has the good values first, by this seed; halving keeps a third
    asked = what(space=LISTED, sampler="grid", pruning="halving")
    result = run(tmp_path, asked, trainer={"max_epochs": 40}, seconds=0.05)
    states = {float(trial.chosen["x"]): trial for trial in result.trials}
    assert states[1e-3].state == "finished"
    pruned = [trial for trial in result.trials if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        folder = SearchFolder(tmp_path)
        said = folder.stopped(trial.number).read_text()
        assert said == f"{trial.said}\n"
        assert said.startswith("Pruned after ")
        assert len(folder.run(trial.number).metrics.read_text().splitlines()) < 41
    assert result.curve[-1] == result.value


def test_two_trials_at_once_take_turns_and_none_is_made_twice(tmp_path: Path) -> None:
    result = run(tmp_path, what(at_once=2), seconds=0.2)
    assert len(result.trials) == 4
    assert set(begun(tmp_path).values()) == {1}
    times = [(tmp_path / "trials" / f"{number:04}" / "begun.txt").stat().st_mtime for number in range(4)]
    assert abs(times[1] - times[0]) < 0.55


@pytest.mark.slow
def test_two_processes_share_a_search(tmp_path: Path) -> None:
    asked = {"space": {"x": {"choice": [10.0**-k for k in range(8)]}}, "sampler": "grid", "objective": "forces_mae"}
    both = [started(tmp_path, asked, seconds=0.15) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert begun(tmp_path) == {f"{number:04}": 1 for number in range(8)}
    lines = [text.count("finished") for text in printed]
    assert sum(lines) == 8
    assert min(lines) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("with_children", [True, False])
def test_a_search_that_is_killed_goes_on_and_repeats_nothing(tmp_path: Path, with_children: bool) -> None:
    asked = {"space": LISTED, "sampler": "grid", "objective": "forces_mae"}
    first = started(tmp_path, asked, trainer={"max_epochs": 4}, seconds=0.3)
    wait_for(lambda: len(begun(tmp_path)) == 2)
    metrics = tmp_path / "trials" / "0001" / "metrics.csv"
    wait_for(lambda: metrics.is_file() and len(metrics.read_text().splitlines()) >= 2)
    if with_children:
        children = Path(f"/proc/{first.pid}/task")
        pids = {int(pid) for task in children.glob("*/children") for pid in task.read_text().split()}
        first.send_signal(signal.SIGSTOP)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    first.kill()
    first.wait()
    with (tmp_path / "journal.log").open("a") as stream:
        stream.write('{"op_code":')  # a line that was being written
    result = run(tmp_path, what(), trainer={"max_epochs": 4}, seconds=0.05)
    assert [trial.state for trial in result.trials] == ["finished"] * 4
    assert result.best == {"x": 1e-3}
    assert begun(tmp_path) == {"0000": 1, "0001": 2, "0002": 1, "0003": 1}
    # what a training had done is not done again
    for name in begun(tmp_path):
        assert len((tmp_path / "trials" / name / "metrics.csv").read_text().splitlines()) == 5


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of the end of its parent")
def test_no_training_outlives_a_search_that_is_killed(tmp_path: Path) -> None:
    search = started(tmp_path, {"space": LISTED, "sampler": "grid", "objective": "forces_mae"}, seconds=60)
    wait_for(lambda: begun(tmp_path))
    tasks = Path(f"/proc/{search.pid}/task").glob("*/children")
    trainings = [Path(f"/proc/{pid}") for task in tasks for pid in task.read_text().split()]
    assert trainings
    search.kill()
    search.wait()
    wait_for(lambda: not any(each.is_dir() and (each / "cmdline").read_bytes() for each in trainings))


@pytest.mark.slow
def test_a_search_that_is_asked_to_end_hands_the_signal_on_and_goes_on_later(tmp_path: Path) -> None:
    asked = {"space": LISTED, "sampler": "grid", "objective": "forces_mae"}
    first = started(tmp_path, asked, seconds=60)  # an epoch
    wait_for(lambda: len(begun(tmp_path)) == 1)
    first.terminate()
    assert first.wait(timeout=20) == 143
    trials = Trials(SearchFolder(tmp_path), Search(**asked))
    assert [trial.state for trial in trials.all()] == ["interrupted"]
    assert len(run(tmp_path, what(objective="forces_mae")).trials) == 4


def test_a_folder_of_another_search_is_refused_and_more_trials_are_not(tmp_path: Path) -> None:
    run(tmp_path, what(space=RATES, sampler="random", trials=1))
    with pytest.raises(RunError, match="holds a search with another space and sampler"):
        run(tmp_path, what())
    assert len(run(tmp_path, what(space=RATES, sampler="random", trials=2, at_once=2)).trials) == 2
    assert len(run(tmp_path, what(space=RATES, sampler="random", trials=1)).trials) == 2


def test_values_that_fit_refuses_are_refused_before_anything_starts(tmp_path: Path) -> None:
    def resolve(values: Any) -> dict[str, Any]:
        if values["x"] == 1e-1:
            raise PotbenchError("x is too large.")
        return {"trainer": {"max_epochs": 3}, **values}

    with pytest.raises(PotbenchError, match="x is too large"):
        search(tmp_path / "search", what(), resolve)
    assert not (tmp_path / "search").exists()


def test_trials_that_run_at_the_same_time_have_one_gpu_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    run(tmp_path, what(at_once=3), trainer={"max_epochs": 3, "accelerator": "gpu"}, seconds=0.1)
    logs = [SearchFolder(tmp_path).log(number).read_text() for number in range(4)]
    devices = ["".join(line for line in log.splitlines() if line.startswith("device")) for log in logs]
    assert set(devices) == {"device 0", "device 1"}
