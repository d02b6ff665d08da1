"""A study that was killed at any place goes on: nothing is trained twice, nothing is lost, and numbers are the same."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.state import results_of, state_at_rest, state_of
from tests.kills.killer import PLACE
from tests.runs.differences import differences
from tests.studies.made_study import STAGES, made_plan, order, starts
from tests.studies.real_study import CHECKED, alive, kill_all, num_starts, numbers, real_study, start

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are found in /proc")


class Place(NamedTuple):
    """A place where a study is killed.

    Attributes:
        name: in messages.
        is_reached: tells it by the files of the first cell that is not done.
        alone: whether the study alone is killed, and the commands that run are left to themselves.
    """

    name: str
    is_reached: Callable[[StudyFolder, Cell], bool]
    alone: bool = False


def says(text: str) -> Callable[[StudyFolder, Cell], bool]:
    """The log of the cell has a text, after all that it had when the study began."""
    return lambda folder, cell: text in _printed(folder, cell)


def exists(name: str) -> Callable[[StudyFolder, Cell], bool]:
    """A file of a run that is not trained is there."""
    return lambda folder, cell: (folder.run(cell).path / name).exists() and not in_record("budget")(folder, cell)


def steps(number: int) -> Callable[[StudyFolder, Cell], bool]:
    """So many rows are in the metrics.csv of a run that is not trained."""

    def is_reached(folder: StudyFolder, cell: Cell) -> bool:
        return exists("metrics.csv")(folder, cell) and folder.run(cell).metrics.read_text().count("\n") > number

    return is_reached


def in_record(name: str) -> Callable[[StudyFolder, Cell], bool]:
    """The record of the run has a part."""
    return lambda folder, cell: results_of(folder.run(cell)).get(name) is not None


def after(seconds: float) -> Callable[[StudyFolder, Cell], bool]:
    """So long after the study began."""
    return lambda folder, cell: time.monotonic() - _begin >= seconds


CLAIM = Place("claim", lambda folder, cell: folder.lock(cell).is_file())
FIT = Place("fit has started", says(" -m potbench fit "))
RUN_LOCK = Place("fit has claimed its folder", exists("run.lock"))
TRAINS = Place("a training", exists("checkpoints/last.ckpt"))
TRAINS_ALONE = Place("a training that is left alone", steps(4), alone=True)
TRAINED = Place("after training", in_record("budget"))
TEST = Place("test has started", says(" -m potbench test "))

_begin = 0.0
_read: dict[Path, int] = {}


def _printed(folder: StudyFolder, cell: Cell) -> str:
    log = folder.log(cell)
    return log.read_text()[_read.get(log, 0) :] if log.is_file() else ""


def kill_at(folder: StudyFolder, plan: Plan, place: Place) -> str | None:
    """Run a study and kill it at a place of the first cell that is not done; return what it printed if it ended."""
    global _begin
    _read.update({log: len(log.read_text()) for log in map(folder.log, plan.cells) if log.is_file()})
    process = start(folder)
    _begin = time.monotonic()
    while process.poll() is None:
        time.sleep(0.005)
        cell = next((cell for cell in plan.cells if not state_at_rest(folder, cell, CHECKED).is_final), None)
        if cell is None or not place.is_reached(folder, cell):
            continue
        if not place.alone:
            kill_all(process)
            return None
        process.kill()
        process.communicate()
        end = time.monotonic() + 60
        while alive(process.pid):  # saves itself
            assert time.monotonic() < end
            time.sleep(0.02)
        return None
    return process.communicate()[0]


def trained(folder: StudyFolder, plan: Plan) -> dict[str, tuple[bytes, int, int]]:
    """Last checkpoint, its time, and the starts of fit of each cell that is trained."""
    return {
        cell.name: (
            folder.run(cell).last.read_bytes(),
            folder.run(cell).last.stat().st_mtime_ns,
            num_starts(folder, cell, "fit"),
        )
        for cell in plan.cells
        if results_of(folder.run(cell)).get("budget") is not None
    }


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Iterable[tuple[StudyFolder, Plan]]:
    with pytest.MonkeyPatch.context() as patch:
        base = tmp_path_factory.mktemp("unbroken")
        patch.setenv("POTBENCH_DATA", str(base / "prepared"))
        patch.setenv("OMP_NUM_THREADS", "1")
        folder, plan = real_study(base / "study", epochs=20)
        process = start(folder, at_once=2)
        printed, _ = process.communicate(timeout=300)
        assert process.returncode == 0, printed
        yield folder, plan


def planned_as(folder: StudyFolder, copy: Path) -> StudyFolder:
    """The same study, of which nothing was run."""
    shutil.copytree(folder.configs, copy / "configs")
    shutil.copy(folder.plan, copy)
    return StudyFolder(copy)


def kill_one_after_the_other(folder: StudyFolder, plan: Plan, places: Iterable[Place]) -> None:
    """Kill a study at one place after the other, and let it end; what was trained is never trained again."""
    before: dict[str, tuple[bytes, int, int]] = {}
    for place in places:
        printed = kill_at(folder, plan, place)
        assert printed is None, f"ended before {place.name}:\n{printed}"
        now = trained(folder, plan)
        assert {name: now[name] for name in before} == before, f"trained again after {place.name}"
        before = now
    process = start(folder)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    now = trained(folder, plan)
    assert {name: now[name] for name in before} == before
    assert {state_of(folder, cell, CHECKED) for cell in plan.cells} == {CellState.FINISHED}


@pytest.mark.slow
def test_a_study_that_was_killed_goes_on_and_ends_with_the_numbers_of_one_that_was_not(tmp_path):
    folder, plan = real_study(tmp_path / "study", epochs=20, one_seed=True)
    kill_one_after_the_other(folder, plan, [CLAIM, TRAINS, TRAINS_ALONE, TEST])
    killed, unbroken = plan.cells
    assert num_starts(folder, killed, "fit") > num_starts(folder, unbroken, "fit") == 1
    assert not (found := differences(numbers(folder, killed), numbers(folder, unbroken))), "\n".join(found)


FEW_STEPS = [Place(f"step {number}", steps(number), alone=number == 8) for number in (1, 4, 8, 12, 16, 20)]
TIMES = [Place(f"{seconds} s", after(seconds)) for seconds in (0.5, 2.0, 3.5, 5.0, 6.0)]


CHAINS = [
    [CLAIM, FIT, RUN_LOCK, TRAINS, *FEW_STEPS, TRAINED, TEST, *TIMES[:3]],
    [FIT, *TIMES, RUN_LOCK, TRAINS_ALONE, TRAINED, TEST],
    [TRAINS, TRAINED, TEST, TRAINS_ALONE, TRAINED, TEST],
]
"""Thirty places and more."""


@pytest.mark.slow
@pytest.mark.parametrize("places", CHAINS)
def test_a_study_goes_on_wherever_it_is_killed_with_its_commands(unbroken, tmp_path, places):
    expected, plan = unbroken
    folder = planned_as(expected, tmp_path / "study")
    kill_one_after_the_other(folder, plan, places)
    for cell in plan.cells:
        assert not (found := differences(numbers(folder, cell), numbers(expected, cell))), "\n".join(found)


@pytest.mark.slow
def test_a_damaged_record_is_no_result_and_is_said(unbroken, tmp_path):
    expected, plan = unbroken
    folder = StudyFolder(tmp_path / "study")
    shutil.copytree(expected.path, folder.path)
    record = folder.run(plan.cells[0]).record
    record.write_bytes(record.read_bytes()[:-100])
    process = start(folder)
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 1, printed
    assert "1 of 2 cells done, 1 failed" in printed
    error = folder.error(plan.cells[0]).read_text()
    assert "failed in fit: it ended with status 2" in error
    assert "record.json is damaged" in " ".join(error.split())


EXECUTE, POPEN = "potbench.studies.running.cell_run:CellRun._execute", "subprocess:Popen.__init__"
OWN_PLACES = [
    "potbench.studies.running.cell_lock:CellLock.claim#1",
    "potbench.studies.running.cell_lock:CellLock.claim#2@after",
    "potbench.studies.running.cell_run:CellRun._note#1@after",
    f"{EXECUTE}#1",
    f"{EXECUTE}#1@after",
    f"{EXECUTE}#4@after",
    f"{POPEN}#1@after",
    f"{POPEN}#6@after",
    "potbench.studies.running.cell_run:write_text#1",
    "fast-sample-t1#1@half",
    "fast-sample-t1#1@whole",
    "fast-sample-t1#1@renamed",
    "potbench.studies.running.cell_run:CellRun.release#1",
    "potbench.studies.running.cell_run:CellRun.release#3@after",
]


def some(places: Sequence[str]) -> list[object]:
    """All places, of which each run of the tests has every sixth."""
    slow = pytest.mark.slow
    return [place if number % 6 == 0 else pytest.param(place, marks=slow) for number, place in enumerate(places)]


@pytest.mark.parametrize("place", some(OWN_PLACES))
def test_a_study_goes_on_wherever_it_is_killed_itself(tmp_path, place):
    folder = StudyFolder(tmp_path / "study")
    plan = made_plan(2, retries=1)
    folder.save_plan(plan)
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 0.1}, **({"test": {"status": 3}} if cell is plan.cells[1] else {}))
    process = start(folder, STAGES, environment={PLACE: place})
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == -9, printed
    if OWN_PLACES.index(place) % 2:
        kill_all(process)
    states = {cell: state_of(folder, cell, STAGES) for cell in plan.cells}
    before = {cell: starts(folder, cell) for cell, state in states.items() if state.is_final or state == "failed"}
    tested = {cell for cell in plan.cells if results_of(folder.run(cell)).get("budget")}
    num_fits = {cell: starts(folder, cell).count("fit") for cell in tested}
    process = start(folder, STAGES)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1, printed  # for the cell that fails
    after = [state_of(folder, cell, STAGES) for cell in plan.cells]
    assert after == [CellState.FINISHED, CellState.FAILED, CellState.FINISHED, CellState.FINISHED]
    assert {cell: starts(folder, cell) for cell in before} == before
    assert {cell: starts(folder, cell).count("fit") for cell in tested} == num_fits
    error = folder.error(plan.cells[1]).read_text()
    assert error.startswith("fast sample training 1 failed in test: it ended with status 3")
    assert error.endswith("end test\n")
