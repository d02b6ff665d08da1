import sys
from dataclasses import replace
from pathlib import Path

import pytest

from potbench.errors import DivergedError, RecordError, RunError
from potbench.runs.step_time import StepTime
from potbench.studies.cells import Cell
from potbench.studies.planning import timing
from potbench.studies.planning.estimate import estimate
from potbench.studies.planning.timing import measured_time
from potbench.studies.running.commands import stages_asked_for
from potbench.studies.running.state import state_of
from tests.studies.planned import config_of, plan_of

ONE = {"architectures__ani": ..., "reference": None, "trainings__number": 1}


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a study of one architecture, two sizes and ten seconds, with the times of its steps."""
    folder = tmp_path_factory.mktemp("timed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTBENCH_DATA", str(folder / "prepared"))
        patch.setattr(timing, "WARM_STEPS", 2)
        patch.setattr(timing, "TIMED_STEPS", 3)
        plan_of(folder, budget__rule="wall_time", budget__value=30, **ONE)
    return folder


def again(folder: Path, value: float = 30, **changes: object) -> tuple[Cell, ...]:
    """Return the cells of the study, planned again."""
    return plan_of(folder, **{"budget__rule": "wall_time", "budget__value": value, **ONE, **changes})[0].cells


def test_seconds_become_steps_that_stay_when_it_is_planned_again(timed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(timed / "prepared"))

    def never(*arguments: object) -> StepTime:
        raise AssertionError("it is timed again")

    monkeypatch.setattr(timing, "_measure", never)
    cells = again(timed)
    assert cells[0].steps == cells[1].steps
    assert cells[0].seconds == pytest.approx(30, rel=0.01)
    assert cells == again(timed)
    assert len(list((timed / "study" / "timings").glob("*.json"))) == 1
    # frames, seeds and length do not change how long a step takes
    changed = again(timed, value=60, trainings__seed=5, sizes=[32, 64, 128])
    assert changed[0].steps == pytest.approx(2 * cells[0].steps, rel=0.05)  # type: ignore[operator]
    with pytest.raises(AssertionError, match="timed again"):
        again(timed, budget__batch_size=8)
    with pytest.raises(AssertionError, match="timed again"):
        again(timed, run__threads=2)


def test_hours_and_disk_are_estimated_from_timed_steps(timed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(timed / "prepared"))
    plan, folder, study = plan_of(timed, budget__rule="wall_time", budget__value=30, examine={"laws": False}, **ONE)
    stages = stages_asked_for(study)
    states = {cell: state_of(folder, cell, stages) for cell in plan.cells}
    found = estimate(folder, plan, states, stages)
    [known] = timing.known_times(folder)
    assert known.start > 1
    assert known.disk > 50_000
    # fit and test of both cells, and the cost of the larger one
    assert found.seconds == pytest.approx(60 + 5 * known.start, rel=0.01)
    assert found.disk == 2 * known.disk
    assert (found.untimed, found.from_finished) == ((), 0)
    unknown = replace(plan, cells=tuple(replace(cell, seconds=None) for cell in plan.cells))
    found = estimate(
        folder, unknown, {cell: states[old] for cell, old in zip(unknown.cells, states, strict=True)}, stages
    )
    assert found.untimed == ("pairwise sample N=32 training 0", "pairwise sample N=64 training 0")


def test_a_damaged_time_is_refused(timed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(timed / "prepared"))
    _, folder, _ = plan_of(tmp_path, **ONE)
    folder.timings.mkdir()
    for file in (timed / "study" / "timings").glob("*.json"):
        (folder.timings / file.name).write_text('{"step": "quick"}')
    with pytest.raises(RecordError, match=r"is damaged: step is 'quick', expected a valid number"):
        plan_of(tmp_path, **ONE)


def test_what_cannot_be_trained_is_refused_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, folder, _ = plan_of(tmp_path, **ONE)
    config = config_of(folder, plan.cells[0])
    monkeypatch.setattr(
        timing, "FIT", replace(timing.FIT, command=(sys.executable, "-c", "raise SystemExit('no room')"))
    )
    with pytest.raises(RunError, match=r"^pairwise cannot be trained, not even for 70 steps: no room$"):
        measured_time(folder, config, 1, "pairwise")
    says = 'mkdir {run}; echo \'{{"diverged": {{"epoch": 0, "step": 7}}}}\' > {run}/record.json; exit 2'
    monkeypatch.setattr(timing, "FIT", replace(timing.FIT, command=("sh", "-c", says)))
    with pytest.raises(DivergedError, match=r"^pairwise cannot be trained") as caught:
        measured_time(folder, config, 1, "pairwise")
    assert caught.value.step == 7
    # nothing is left that would be taken for a time
    assert [file.suffix for file in folder.timings.iterdir()] == [".lock"]
