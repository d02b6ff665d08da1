import csv
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from potbench.cli.main import main
from tests.cli import kill
from tests.cli.conftest import QUICK, ROOT, start
from tests.runs.small_run import contents

Refused = Callable[[list[str]], str]

# dropout draws random numbers at every step, so a resumed run must draw the same ones
LONG = [
    *QUICK,
    *("--trainer.max_epochs", "6"),
    *("--model.init_args.potential.init_args.readout.init_args.dropout", "0.1"),
]


@pytest.mark.slow  # tests/kills kills more of them, at known places
def test_killed_and_resumed_run_equals_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    assert main(["fit", *LONG, "--run_dir", str(unbroken)]) == 0
    process = start("fit", *LONG, "--run_dir", str(broken))
    while _epochs(broken) < 2 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    record = (broken / "record.json").read_text()
    assert '"budget": null' in record, "the run ended before it could be killed"
    assert main(["fit", str(broken)]) == 0
    assert _rows(broken) == _rows(unbroken)
    weights, expected = (torch.load(run / "checkpoints" / "last.ckpt")["state_dict"] for run in (broken, unbroken))
    assert all(torch.equal(weights[name], value) for name, value in expected.items())


@pytest.mark.slow  # tests/kills has one of them
@pytest.mark.figures
@pytest.mark.parametrize("again", ["fit RUN", "the same command", "fit --resume auto"])
@pytest.mark.parametrize("place", ["on_train_batch_start 0", "on_validation_start 0"])
def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, again: str
) -> None:
    run = tmp_path / "run"
    command = ["fit", *QUICK, *kill.ARGUMENTS, "--run_dir", str(run)]
    process = start(*command, cwd=ROOT, KILL_AT=place)
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert (run / "config.yaml").is_file()
    assert (run / "run.lock").is_file()
    assert not (run / "checkpoints" / "last.ckpt").exists()
    commands = {"fit RUN": ["fit", str(run), "--allow", "tests"], "the same command": command}
    assert main(commands.get(again, [*command, "--resume", "auto"])) == 0
    assert f"{run} has no checkpoint yet: training begins at the beginning." in capsys.readouterr().out
    assert _rows(run) == _rows(finished_run)
    assert {file.name for file in run.iterdir()} == {
        *("config.yaml", "record.json", "metrics.csv", "split.npz", "trained_on.npz", "checkpoints", "figures")
    }


@pytest.mark.slow
def test_a_run_belongs_to_one_process(tmp_path: Path, refused: Refused) -> None:
    run = tmp_path / "run"
    command = ["fit", *LONG, "--model.init_args.schedule", "null", "--trainer.max_epochs", "100000"]
    command += ["--run_dir", str(run)]
    first = start(*command)
    while not (run / "checkpoints" / "best.ckpt").is_file() and first.poll() is None:
        time.sleep(0.01)
    said = f"{run} belongs to process {first.pid} on "
    try:
        for again in (command, [*command, "--resume", "auto"], ["fit", str(run)], ["fit", str(run), "--train_on", "3"]):
            assert refused(again).startswith(said)
        # what reads it need not wait
        assert main(["validate", str(run)]) == 0
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()
    # the lock of a killed process is taken over
    assert refused(["fit", str(run), "--train_on", "3"]).startswith(f"--train_on is 3, and {run} is not finished.")


def test_resume_auto_starts_resumes_and_ends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    command = ["fit", *QUICK, *kill.ARGUMENTS, "--run_dir", str(run), "--resume", "auto"]
    process = start(*command, cwd=ROOT, KILL_AT="on_train_batch_start 4")
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    assert main(command) == 0
    assert f"{run} is resumed after 3 steps." in capsys.readouterr().out
    before = contents(run)
    assert main(command) == 0
    assert capsys.readouterr().out == f"{run} is finished, after 2 epochs and 6 steps.\n"
    assert contents(run) == before


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A finished run whose learning rate stays as it is."""
    run = tmp_path / "endless"
    assert main(["fit", *QUICK, "--run_dir", str(run), "--model.init_args.schedule", "null"]) == 0
    return run


def test_a_finished_run_trains_on(endless: Path, tmp_path: Path) -> None:
    unbroken = tmp_path / "unbroken"
    three = [*QUICK, "--model.init_args.schedule", "null", "--trainer.max_epochs", "3", "--run_dir", str(unbroken)]
    assert main(["fit", *three]) == 0
    assert main(["fit", str(endless), "--train_on", "1"]) == 0
    assert _rows(endless) == _rows(unbroken)
    assert (endless / "config_until_step_6.yaml").is_file()
    configs = [yaml.safe_load((run / "config.yaml").read_text()) for run in (endless, unbroken)]
    assert configs[0] == configs[1]


def test_a_finished_run_trains_on_where_more_epochs_are_asked_for(endless: Path) -> None:
    arguments = [*QUICK, "--model.init_args.schedule", "null", "--run_dir", str(endless)]
    assert main(["fit", *arguments, "--ckpt_path", "last", "--trainer.max_epochs", "3"]) == 0
    assert main(["fit", str(endless), "--trainer.max_epochs", "4"]) == 0
    assert [row["epoch"] for row in _rows(endless) if row["validation/loss"]] == ["0", "1", "2", "3"]
    assert (endless / "config_until_step_6.yaml").is_file()


REFUSED = {
    "more epochs than the schedule has": (
        ["fit", "RUN", "--trainer.max_epochs", "51"],
        "The interrupted run planned its learning rates for 6 steps, this one for 153.",
    ),
    "finished": (["fit", "RUN"], "RUN is finished, after 2 epochs and 6 steps."),
    "finished, by its config": (
        ["fit", "--config", "RUN/config.yaml", "--run_dir", "RUN", "--ckpt_path", "last"],
        "RUN is finished",
    ),
    "train on with a schedule that ended": (
        ["fit", "RUN", "--train_on", "3"],
        "the learning rate of RUN has come to its end: potbench.training.OneCycle was planned for 2 epochs and 6 steps",
    ),
    "another schedule": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--model.init_args.schedule", "null"],
        "RUN was trained with other settings than model.init_args.schedule: null",
    ),
    "another learning rate": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--model.optimizer.init_args.lr", "0.5"],
        "RUN was trained with other settings than model.init_args.optimizer.init_args.lr: 0.5. Expected the same",
    ),
    "another loss": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--model.loss.forces", "7"],
        "RUN was trained with other settings than model.init_args.loss.init_args.forces: 7.0. Expected the same",
    ),
    "another precision": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--trainer.precision", "64-true"],
        "RUN was trained with other settings than trainer.precision: ",
    ),
    "another seed": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--seed_everything", "5"],
        "RUN was trained with other settings than seed_everything: 5. Expected the same",
    ),
    "another seed of the batches": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--data.seed", "5"],
        "RUN was trained with other settings than data.init_args.seed: 5. Expected the same",
    ),
    "clipped gradients": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--trainer.gradient_clip_val", "1"],
        "RUN was trained with other settings than trainer.gradient_clip_val: 1. Expected the same",
    ),
    "finished with another seed": (
        ["fit", *QUICK, "--run_dir", "RUN", "--resume", "auto", "--seed_everything", "5"],
        "RUN was trained with other settings than seed_everything: 5. Expected the same",
    ),
    "finished with other data": (
        ["fit", *QUICK, "--run_dir", "RUN", "--resume", "auto", "--data.split.init_args.seed", "1"],
        "RUN was trained with other settings than data.init_args.split.init_args.seed: 1. Expected the same",
    ),
    "another split": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--data.split.init_args.seed", "1"],
        "RUN was made with another split",
    ),
    "best": (["fit", "RUN", "--ckpt_path", "best"], "a run resumes from its own last checkpoint alone"),
    "new run in its folder": (["fit", *QUICK, "--run_dir", "RUN"], "RUN already holds a run"),
    "from itself": (["fit", "--from", "RUN", "--run_dir", "RUN"], "RUN already holds a run"),
    "too many devices": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--trainer.devices", "1000"],
        "devices is 1000, and this machine has",
    ),
    "spawned": (
        ["fit", "RUN", "--trainer.max_epochs", "3", "--trainer.strategy", "ddp_spawn"],
        "The strategy copies this process",
    ),
    "no such checkpoint": (["test", "RUN", "--ckpt_path", "nix.ckpt"], "nix.ckpt does not exist"),
    "another potential": (
        ["test", "RUN", "--model.potential.readout.hidden_sizes", "[3]"],
        "The checkpoint holds the weights of another potential",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_command_changes_no_byte(finished_run: Path, tmp_path: Path, refused: Refused, name: str) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    before = contents(run)
    arguments, said = REFUSED[name]
    assert said.replace("RUN", str(run)) in refused([word.replace("RUN", str(run)) for word in arguments])
    assert contents(run) == before


def test_a_checkpoint_of_another_run_is_not_resumed_from(finished_run: Path, tmp_path: Path, refused: Refused) -> None:
    file = finished_run / "checkpoints" / "last.ckpt"
    said = refused(["fit", *QUICK, "--run_dir", str(tmp_path / "run"), "--ckpt_path", str(file)])
    assert said.endswith(f"To start a new run from the weights of another: python -m potbench fit --from {file}.")
    assert not (tmp_path / "run").exists()


def test_resuming_what_never_ran_is_refused(tmp_path: Path, refused: Refused) -> None:
    said = refused(["fit", *QUICK, "--run_dir", str(tmp_path / "run"), "--ckpt_path", "last"])
    assert f"{tmp_path}/run/checkpoints/last.ckpt does not exist." in said
    assert not (tmp_path / "run").exists()


def _rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def _epochs(run: Path) -> int:
    return len(_rows(run)) // 2 if (run / "metrics.csv").is_file() else 0


@pytest.fixture(autouse=True)
def _same_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
