from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from potbench.cli.main import main
from potbench.runs.record import Record
from potbench.runs.time_budget import Planned
from potbench.speed.turns import Job
from potbench.units import Quantity
from tests.cli.conftest import CONFIGS

SPLIT = {"train": 48, "validation": 16, "test": 16}


def written(file: Path, potential: str = "pairwise", train: int = 48) -> str:
    """A config of a short training."""
    config = {
        "config": str(CONFIGS / "quickstart.yaml"),
        "model.init_args.potential": str(CONFIGS / "potential" / f"{potential}.yaml"),
        "data.init_args.split.init_args": SPLIT | {"train": train},
        "data.init_args.batch_size": 16,
    }
    file.write_text(yaml.safe_dump(config))
    return str(file)


@pytest.fixture(autouse=True)
def _prepared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "prepared"))


def test_errors_of_all_trainings_stand_in_a_table(
    tmp_path: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, commands = tmp_path / "minutes", {}

    def take_turns(jobs: Sequence[Job], watch: Callable[[Job], None]) -> None:
        for job in jobs:
            commands[job.log.stem] = job._waiting
            if job.log.stem == "b":
                job.failure = "out of memory"
            else:
                shutil.copytree(finished_run, folder / job.log.stem)
            watch(job)

    monkeypatch.setattr("potbench.speed.minutes.take_turns", take_turns)
    more = tmp_path / "more.yaml"
    more.write_text("model: {init_args: {loss: {init_args: {forces: 3.0}}}}")
    configs = [f"{written(tmp_path / 'a.yaml')}+{more}", written(tmp_path / "b.yaml", "composition")]
    report = tmp_path / "report.json"
    words = ["--minutes", "0.5", "--folder", str(folder), "--json", str(report)]
    assert main(["speed", "minutes", *configs, *words]) == 1

    fit, test = (command[3:] for command in commands["a+more"])
    assert fit[:5] == ["fit", "--config", str(folder / "a+more.yaml"), "--run_dir", str(folder / "a+more")]
    assert fit[5:] == ["--budget", "0.5min CPU", "--resume", "auto"]
    assert test == ["test", str(folder / "a+more")]
    config = yaml.safe_load((folder / "a+more.yaml").read_text())
    assert config["model"]["init_args"]["loss"]["init_args"]["forces"] == 3.0
    assert config["trainer"]["accelerator"] == "cpu"

    found, record = json.loads(report.read_text()), Record.load(finished_run)
    done, failed = found["rows"]
    assert failed == {"name": "b", "failure": "out of memory"} | dict.fromkeys(
        ("energy", "forces", "cpu_seconds", "steps", "parameters")
    )
    assert done["energy"] == record.metrics["test"]["energy_mae_mev"].value
    assert done["forces"] == record.metrics["test"]["forces_mae_mev"].value
    assert (done["steps"], done["parameters"]) == (record.budget.steps, record.num_parameters)
    assert done["cpu_seconds"] == record.cost.cpu_time.value
    assert found["data"].startswith("sample: 48 train")
    printed = capsys.readouterr().out
    assert "b failed: out of memory" in printed
    assert f"{record.budget.steps}" in printed
    page = (folder / "minutes.md").read_text()
    assert f"| a+more | {done['energy']:.3g} |" in page
    assert "| b (failed) |" in page


def on_threads(run: Path, threads: int) -> None:
    """Have a run say that it was trained on so many threads."""
    record = Record.load(run)
    machine = replace(record.provenance.machine, threads=threads)
    replace(record, provenance=replace(record.provenance, machine=machine)).save(run)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threads", "2"], "was trained on 1 threads, and --threads is 2."),
        (["--minutes", "1000000"], "was planned for 8 s, and --minutes for 1000000min CPU."),
        (["--json", "a.yaml"], "a.yaml exists, and nothing is overwritten. Expected a new file. Change --json."),
        (["--json", "a.yaml/b/c.json"], "a.yaml is no folder. Expected a file in a folder. Change --json."),
    ],
)
def test_a_folder_of_other_minutes_threads_or_configs_is_refused(
    refused: Callable[[list[str]], str],
    tmp_path: Path,
    finished_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = Path(shutil.copytree(finished_run, "minutes/a"))
    on_threads(run, 1)
    second = Quantity(1.0, "s")
    replace(Record.load(run), planned=Planned(Quantity(8.0, "s"), 6, second, second)).save(run)
    command = ["speed", "minutes", written(tmp_path / "a.yaml"), "--folder", "minutes"]
    record = Record.load(run)
    assert said in refused([*command, *words])
    (tmp_path / "minutes" / "a.yaml").write_text("other: 1")
    assert "was trained with another config. Expected a new folder" in refused(command)
    assert (tmp_path / "minutes" / "a.yaml").read_text() == "other: 1"
    assert Record.load(run) == record


def test_what_is_tested_is_not_tested_again(
    tmp_path: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_threads(shutil.copytree(finished_run, tmp_path / "minutes" / "a"), 1)
    found = []
    monkeypatch.setattr("potbench.speed.minutes.take_turns", lambda jobs, _: found.extend(jobs[0]._waiting))
    assert main(["speed", "minutes", written(tmp_path / "a.yaml"), "--folder", str(tmp_path / "minutes")]) == 0
    assert [command[3] for command in found] == ["fit"]  # which finds that it is finished


def test_a_closed_form_takes_what_it_takes(tmp_path: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, commands = tmp_path / "minutes", []

    def take_turns(jobs: Sequence[Job], _: object) -> None:
        commands.extend(jobs[0]._waiting)
        shutil.copytree(finished_run, folder / "ace")

    monkeypatch.setattr("potbench.speed.minutes.take_turns", take_turns)
    config = ["--dataset_config", str(CONFIGS / "data" / "sample.yaml"), "--folder", str(folder)]
    assert main(["speed", "minutes", str(CONFIGS / "rmd17" / "ace.yaml"), *config]) == 0
    assert "--budget" not in commands[0]
    assert yaml.safe_load((folder / "ace.yaml").read_text())["data"]["init_args"]["dataset"]["class_path"].endswith(
        ".Sample"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.yaml", "--minutes", "0"], "minutes is 0.0, expected more than 0. Change --minutes."),
        (["a.yaml", "--threads", "0"], "threads is 0, expected at least 1. Change --threads."),
        (["a.yaml", "x/a.yaml"], "Two configs are called a. Expected files of different names. Change --configs."),
        (
            ["a.yaml", "b.yaml"],
            "b trains on other frames than a. Expected one dataset for all.",
        ),
        ([], "CONFIG is missing. Expected configs of trainings"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    refused: Callable[[list[str]], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "a.yaml")
    written(tmp_path / "b.yaml", train=47)
    assert said in refused(["speed", "minutes", *words])
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_architectures_train_side_by_side(tmp_path: Path) -> None:
    configs = [written(tmp_path / "a.yaml"), written(tmp_path / "b.yaml", "ani_feed_forward")]
    folder = tmp_path / "minutes"
    words = ["speed", "minutes", *configs, "--minutes", "0.05", "--folder", str(folder)]
    assert main(words) == 0
    for name in ("a", "b"):
        planned = Record.load(folder / name).planned
        assert planned is not None
        assert (planned.time.value, planned.time.unit) == (3.0, "CPU s")
        assert Record.load(folder / name).cost.cpu_time.value == pytest.approx(3.0, abs=2.0)
        assert Record.load(folder / name).test_looks == 1
    assert main(words) == 0
    assert Record.load(folder / "a").test_looks == 1


def test_settings_in_the_environment_change_no_training(
    refused: Callable[[list[str]], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = written(tmp_path / "a.yaml"), written(tmp_path / "b.yaml", train=40)
    monkeypatch.setenv("POTBENCH_FIT__TRAINER__MAX_EPOCHS", "1")
    assert "b trains on other frames than a" in refused(["speed", "minutes", one, other, "--minutes", "1"])
    assert "POTBENCH_FIT__TRAINER__MAX_EPOCHS" not in os.environ
