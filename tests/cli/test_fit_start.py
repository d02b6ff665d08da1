"""What fit does with the folder that it is given; no training."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from jsonargparse import Namespace

from potbench.cli.fit_start import NothingToDo, checkpoint_to_resume
from potbench.errors import PotbenchError, RunError
from potbench.runs.folder import RunFolder
from potbench.training.schedule import PlannedSchedule
from tests.runs.small_checkpoint import save, small_checkpoint
from tests.runs.small_record import small_record

ONE_CYCLE = {"class_path": "potbench.training.OneCycle", "init_args": {"max_lr": 0.1}}


class Falling(PlannedSchedule):
    """A schedule of somebody's own, over the whole training."""


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def leave(run: RunFolder, state: str, schedule: object = None, **limits: object) -> None:
    """Leave the folder as a run leaves it that came so far: of 2 epochs and 6 steps, where it is finished."""
    if state == "new":
        return
    run.create()
    trainer = {"max_epochs": 2, "max_steps": -1, "max_time": None, **limits}
    run.config.write_text(yaml.safe_dump({"trainer": trainer, "model": {"init_args": {"schedule": schedule}}}))
    record = small_record()
    (record if state == "finished" else replace(record, budget=None)).save(run.path)
    if state != "started":
        save(small_checkpoint(), run.last)


def settings(**given: object) -> Namespace:
    trainer = {"max_epochs": 2, "max_steps": -1, "max_time": None}
    trainer |= {name: given.pop(name) for name in trainer if name in given}
    defaults = {"run": None, "resume": None, "ckpt_path": None, "train_on": None}
    return Namespace(**{**defaults, **given, "trainer": Namespace(**trainer)})


@pytest.mark.parametrize("given", [{}, {"run": "run"}, {"resume": "auto"}])
@pytest.mark.parametrize("state", ["new", "started"])
def test_where_nothing_was_trained_training_begins(run: RunFolder, state: str, given: dict[str, object]) -> None:
    leave(run, state)
    assert checkpoint_to_resume(run, settings(**given)) is None


@pytest.mark.parametrize("given", [{"run": "run"}, {"resume": "auto"}, {"ckpt_path": "last"}, {"ckpt_path": "file"}])
def test_an_interrupted_run_is_resumed_from_its_last_checkpoint(run: RunFolder, given: dict[str, object]) -> None:
    leave(run, "interrupted")
    given = {name: str(run.last) if value == "file" else value for name, value in given.items()}
    assert checkpoint_to_resume(run, settings(**given)) == run.last


@pytest.mark.parametrize("state", ["interrupted", "finished"])
def test_a_run_is_not_overwritten(run: RunFolder, state: str) -> None:
    leave(run, state)
    with pytest.raises(RunError) as caught:
        checkpoint_to_resume(run, settings())
    assert str(caught.value) == (
        f"{run.path} already holds a run, and nothing is overwritten. Expected a new folder: change --run_dir, or "
        f"resume that run: python -m potbench fit {run.path}."
    )


@pytest.mark.parametrize("given", [{"run": "run"}, {"ckpt_path": "last"}])
def test_a_finished_run_says_that_it_is_and_how_it_trains_on(run: RunFolder, given: dict[str, object]) -> None:
    leave(run, "finished")
    with pytest.raises(RunError) as caught:
        checkpoint_to_resume(run, settings(**given))
    said = f"{run.path} is finished, after 2 epochs and 6 steps. Expected a run that was interrupted. "
    assert str(caught.value) == (
        f"{said}To train it for more epochs: python -m potbench fit {run.path} --train_on EPOCHS."
    )
    leave(run, "finished", ONE_CYCLE)
    with pytest.raises(RunError) as caught:
        checkpoint_to_resume(run, settings(**given))
    assert str(caught.value) == (
        f"{said}To train on from its weights, in a new run with a schedule of its own: python -m potbench fit --from "
        f"{run.path}."
    )


@pytest.mark.parametrize("task", ["LeastSquaresTask", "ClosedFormTask"])
def test_what_is_solved_has_nothing_to_train_on(run: RunFolder, task: str) -> None:
    leave(run, "finished")
    config = yaml.safe_load(run.config.read_text())
    config["model"]["class_path"] = f"potbench.training.{task}"
    run.config.write_text(yaml.safe_dump(config))
    with pytest.raises(RunError, match=r"interrupted\. What is solved in one pass cannot be trained for longer\.$"):
        checkpoint_to_resume(run, settings(run="run"))


def test_a_finished_run_is_left_alone_where_it_is_resumed_only_if_needed(run: RunFolder) -> None:
    leave(run, "finished", ONE_CYCLE)
    with pytest.raises(NothingToDo, match=f"^{run.path} is finished, after 2 epochs and 6 steps.$"):
        checkpoint_to_resume(run, settings(resume="auto"))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ({}, {"max_epochs": 3}),
        ({}, {"max_epochs": -1}),
        ({"max_epochs": None, "max_steps": 6}, {"max_epochs": None, "max_steps": 7}),
        ({"max_epochs": None, "max_steps": 6}, {"max_epochs": None, "max_steps": -1}),
        ({"max_time": "00:00:01:00"}, {"max_time": "00:00:02:00"}),
        ({"max_time": "00:00:01:00"}, {"max_time": None}),
    ],
)
@pytest.mark.parametrize("given", [{"run": "run"}, {"resume": "auto"}, {"ckpt_path": "last"}])
def test_a_finished_run_that_is_to_be_longer_goes_on(
    run: RunFolder, then: dict[str, object], now: dict[str, object], given: dict[str, object]
) -> None:
    leave(run, "finished", **then)
    assert checkpoint_to_resume(run, settings(**given, **now)) == run.last


@pytest.mark.parametrize("now", [{"max_epochs": 1}, {"max_epochs": 2}, {"max_steps": 5}])
def test_a_finished_run_that_is_to_be_shorter_is_finished(run: RunFolder, now: dict[str, object]) -> None:
    leave(run, "finished")
    with pytest.raises(NothingToDo):
        checkpoint_to_resume(run, settings(resume="auto", **now))


@pytest.mark.parametrize("schedule", [None, {"class_path": "potbench.training.StepDecay"}])
def test_a_finished_run_trains_on_whatever_ended_it(run: RunFolder, schedule: object) -> None:
    leave(run, "finished", schedule, max_epochs=50, max_steps=6, max_time="00:00:01:00")
    given = settings(run="run", train_on=5, max_epochs=50, max_steps=6, max_time="00:00:01:00")
    assert checkpoint_to_resume(run, given) == run.last
    assert vars(given.trainer) == {"max_epochs": 7, "max_steps": -1, "max_time": None}


@pytest.mark.parametrize(
    ("state", "schedule", "epochs", "said"),
    [
        ("finished", None, 0, "--train_on is 0, expected a number of epochs, at least 1."),
        (
            "interrupted",
            None,
            5,
            "--train_on is 5, and {run} is not finished. Expected a finished run. Resume it first: python -m potbench "
            "fit {run}.",
        ),
        ("new", None, 5, "--train_on is 5, and {run} is not finished. Expected a finished run. Choose another folder."),
        (
            "finished",
            ONE_CYCLE,
            5,
            "--train_on is 5, and the learning rate of {run} has come to its end: potbench.training.OneCycle was "
            "planned for 2 epochs and 6 steps. Expected a schedule without an end. To train on from its weights, in a "
            "new run with a schedule of its own: python -m potbench fit --from {run}.",
        ),
        (
            "finished",
            {"class_path": f"{__name__}.Falling"},
            5,
            "--train_on is 5, and the learning rate of {run} has come to its end: tests.cli.test_fit_start.Falling was "
            "planned for 2 epochs and 6 steps. Expected a schedule without an end. To train on from its weights, in a "
            "new run with a schedule of its own: python -m potbench fit --from {run}.",
        ),
    ],
)
def test_what_cannot_train_on_is_refused(run: RunFolder, state: str, schedule: object, epochs: int, said: str) -> None:
    leave(run, state, schedule)
    given = settings(run="run", train_on=epochs)
    with pytest.raises(PotbenchError) as caught:
        checkpoint_to_resume(run, given)
    assert str(caught.value) == said.format(run=run.path)
    assert given.trainer.max_epochs == 2


@pytest.mark.parametrize("state", ["new", "started", "interrupted", "finished"])
@pytest.mark.parametrize("name", ["best", "other/checkpoints/last.ckpt"])
def test_no_other_checkpoint_is_resumed_from(run: RunFolder, state: str, name: str) -> None:
    leave(run, state)
    with pytest.raises(PotbenchError) as caught:
        checkpoint_to_resume(run, settings(ckpt_path=name))
    file = run.best if name == "best" else name
    assert str(caught.value) == (
        f"ckpt_path is '{name}', and a run resumes from its own last checkpoint alone. Expected last. To start a new "
        f"run from the weights of another: python -m potbench fit --from {file}."
    )


def test_where_the_last_checkpoint_is_lost_nothing_is_overwritten(run: RunFolder) -> None:
    leave(run, "started")
    save(small_checkpoint() | {"epoch": 0}, run.best)  # killed between both checkpoints of its first epoch
    assert checkpoint_to_resume(run, settings(run="run")) is None
    save(small_checkpoint() | {"epoch": 1}, run.best)
    with pytest.raises(RunError) as caught:
        checkpoint_to_resume(run, settings(run="run"))
    assert str(caught.value) == (
        f"{run.last} does not exist, and best.ckpt is of a later epoch than the first. Expected the last checkpoint of "
        f"the run. Restore it, or start a new run: python -m potbench fit --from {run.path}."
    )


def test_the_last_checkpoint_of_what_never_ran_does_not_exist(run: RunFolder) -> None:
    for state in ("new", "started"):
        leave(run, state)
        with pytest.raises(RunError, match=r"last\.ckpt does not exist"):
            checkpoint_to_resume(run, settings(ckpt_path="last"))
