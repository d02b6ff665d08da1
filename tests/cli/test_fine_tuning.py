"""fit --from, by the command line; what is taken over is tested in tests/training."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from potbench.cli.main import main
from potbench.runs.checkpoint import sha256
from tests.cli import kill
from tests.cli.conftest import QUICK, ROOT, start


@pytest.fixture
def parent(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of a finished run."""
    shutil.copytree(finished_run, tmp_path / "parent")
    return tmp_path / "parent"


def weights(run: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "last.ckpt")["state_dict"]
    return state


def assert_same(run: Path, other: Path) -> None:
    assert (run / "metrics.csv").read_bytes() == (other / "metrics.csv").read_bytes()
    assert all(torch.equal(value, weights(other)[name]) for name, value in weights(run).items())


CHANGES = ["--freeze", "*.bias", "--trainer.max_epochs", "2", "--model.schedule.max_lr", "1e-3"]


def test_a_run_starts_from_the_weights_of_another_and_can_be_repeated(parent: Path, tmp_path: Path) -> None:
    child, again = tmp_path / "child", tmp_path / "again"
    before = sha256(parent / "record.json")
    assert main(["fit", "--from", str(parent), *CHANGES, "--run_dir", str(child)]) == 0
    record = json.loads((child / "record.json").read_text())["parent"]
    best = parent / "checkpoints" / "best.ckpt"
    assert (record["run"], record["checkpoint"], record["sha256"]) == (str(parent), str(best), sha256(best))
    assert (record["freeze"], record["frames_seen"]) == (["*.bias"], 0)
    config = yaml.safe_load((child / "config.yaml").read_text())
    assert (config["from"], config["freeze"]) == (str(best), ["*.bias"])
    old, new = torch.load(best)["state_dict"], weights(child)
    for name, value in old.items():
        if name.endswith((".bias", ".weight")):
            assert torch.equal(value, new[name]) == name.endswith(".bias"), name
    assert main(["fit", "--config", str(child / "config.yaml"), "--run_dir", str(again)]) == 0
    assert_same(again, child)
    assert sha256(parent / "record.json") == before


@pytest.mark.slow
def test_a_fine_tuning_that_was_killed_is_resumed_without_its_parent(parent: Path, tmp_path: Path) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    command = ["fit", "--from", str(parent), *CHANGES, *kill.ARGUMENTS, "--run_dir"]
    assert main([*command, str(unbroken)]) == 0
    process = start(*command, str(broken), cwd=ROOT, KILL_AT="on_train_batch_start 4")
    process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL
    record = json.loads((broken / "record.json").read_text())["parent"]
    shutil.rmtree(parent)
    assert main(["fit", str(broken), "--allow", "tests"]) == 0
    assert_same(broken, unbroken)
    assert json.loads((broken / "record.json").read_text())["parent"] == record


@pytest.mark.slow
def test_a_fine_tuning_may_be_the_command_of_a_job(parent: Path, tmp_path: Path) -> None:
    child = tmp_path / "child"
    command = ["fit", "--from", str(parent / "checkpoints" / "last.ckpt"), *CHANGES, "--run_dir", str(child)]
    process = start(*command, *kill.ARGUMENTS, "--resume", "auto", cwd=ROOT, KILL_AT="on_train_batch_start 4")
    process.communicate(timeout=300)
    config = (child / "config.yaml").read_text()
    for _ in range(2):
        assert main([*command, *kill.ARGUMENTS, "--resume", "auto"]) == 0
    assert (child / "config.yaml").read_text() == config
    assert {file.name for file in child.glob("config*")} == {"config.yaml"}


def test_a_run_that_began_at_random_does_not_go_on_from_another(
    parent: Path, finished_run: Path, refused: Callable[[list[str]], str]
) -> None:
    arguments = ["--run_dir", str(parent), "--resume", "auto", "--trainer.max_epochs", "3"]
    assert refused(["fit", *QUICK, *arguments, "--from", str(finished_run)]) == (
        f"--from is {finished_run}, and {parent} did not start from the weights of another run. Expected a new folder. "
        "Change --run_dir, or remove --from."
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--freeze", "nix"], "Change --freeze."),
        (["--model.potential.readout.hidden_sizes", "[3]"], "Change --from."),
        (["--from", "nix"], "nix is no run"),
    ],
)
def test_what_cannot_be_taken_over_is_refused_with_the_flag(
    parent: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: Callable[[list[str]], str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = arguments if "--from" in arguments else ["--from", str(parent), *arguments]
    assert said in refused(["fit", *QUICK, *given, "--run_dir", "child"])
    assert not Path("child").exists()
