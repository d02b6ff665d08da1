"""Optimizers, schedules, warm-up and losses as they are written in configs and on the command line."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from potbench.cli.main import main
from tests.cli.conftest import CONFIGS, QUICK, start

Refused = Callable[[list[str]], str]
SCHEDULES = "torch.optim.lr_scheduler."


def fit(run: Path, *arguments: str, epochs: int = 2) -> list[dict[str, str]]:
    """Train, three steps an epoch; return the rows of metrics.csv."""
    monitor = "[{class_path: lightning.pytorch.callbacks.LearningRateMonitor, init_args: {logging_interval: step}}]"
    every = ["--trainer.callbacks", monitor, "--trainer.log_every_n_steps", "1", "--trainer.max_epochs", str(epochs)]
    assert main(["fit", *QUICK, *every, *arguments, "--run_dir", str(run)]) == 0
    return rows(run)


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def rates(found: list[dict[str, str]]) -> list[float]:
    return [float(row["lr-Adam"]) for row in found if row["lr-Adam"]]


def test_muon_is_an_optimizer_like_those_of_torch(tmp_path: Path, refused: Refused) -> None:
    muon = ["--model.optimizer", "potbench.training.Muon", "--model.optimizer.weight_decay", "0.1"]
    assert main(["fit", *QUICK, *muon, "--run_dir", str(tmp_path / "run")]) == 0
    saved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["model"]["init_args"]["optimizer"]
    assert saved["class_path"] == "potbench.training.Muon"
    assert saved["init_args"]["weight_decay"] == 0.1
    assert "fused" not in saved["init_args"]
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt")
    assert checkpoint["optimizer_states"][0]["param_groups"][0]["weight_decay"] == 0.1
    resumed = refused(
        ["fit", str(tmp_path / "run"), "--trainer.max_epochs", "3", "--model.optimizer", "torch.optim.Adam"]
    )
    assert "was trained with other settings than model.init_args.optimizer" in resumed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model.optimizer.momentum", "0.9"], "There is no setting model.init_args.optimizer.init_args.momentum."),
        (
            ["--model.optimizer.lr", "-1"],
            "lr is -1.0, expected 0 or more. Change model.init_args.optimizer.init_args.lr.",
        ),
        (
            ["--model.potential", str(CONFIGS / "potential/composition.yaml"), "--model.loss.forces", "0"],
            "Muon orthogonalizes matrices, and the potential has none. Expected another optimizer, such as Adam. "
            "Change model.init_args.optimizer.",
        ),
        (["--config", str(CONFIGS / "training/closed_form.yaml")], "There is no setting model.init_args.optimizer."),
    ],
)
def test_what_muon_cannot_train_is_refused(
    arguments: list[str], message: str, tmp_path: Path, refused: Refused
) -> None:
    # a config after --model.optimizer would bring the optimizer of its own recipe
    configs, others = (arguments, []) if arguments[0] == "--config" else ([], arguments)
    muon = ["--model.optimizer", "potbench.training.Muon"]
    assert message in refused(["fit", *QUICK, *configs, *muon, *others, "--run_dir", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("written", ["flags", "YAML"])
@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("StepLR", {"step_size": 1, "gamma": 0.5}, [1e-3] * 3 + [5e-4] * 3),
        ("CosineAnnealingLR", {"T_max": 2}, [1e-3] * 3 + [5e-4] * 3),
    ],
)
def test_a_schedule_of_torch_takes_its_own_arguments(tmp_path, written, name, settings, expected):
    if written == "flags":
        given = ["--model.schedule", f"{SCHEDULES}{name}"]
        given += [word for key, value in settings.items() for word in (f"--model.schedule.{key}", str(value))]
    else:
        file = tmp_path / "schedule.yaml"
        schedule = {"class_path": f"{SCHEDULES}{name}", "init_args": settings}
        file.write_text(yaml.safe_dump({"model.init_args.schedule": schedule}))
        given = ["--config", str(file)]
    assert rates(fit(tmp_path / "run", *given)) == pytest.approx(expected)


def test_one_setting_says_when_it_is_advanced_and_one_how_long_it_warms_up(tmp_path: Path) -> None:
    given = ["--model.schedule", f"{SCHEDULES}ExponentialLR", "--model.schedule.gamma", "0.5"]
    found = fit(tmp_path / "run", *given, "--model.schedule_interval", "step", "--model.warmup_steps", "1", epochs=1)
    assert rates(found) == pytest.approx([5e-4, 5e-4, 2.5e-4])


def test_another_optimizer_drops_what_it_does_not_take(tmp_path: Path) -> None:
    fit(tmp_path / "run", "--model.optimizer", "torch.optim.Adadelta", "--model.schedule", "null", epochs=1)
    saved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["model"]["init_args"]["optimizer"]
    assert saved["class_path"] == "torch.optim.Adadelta"
    assert "fused" not in saved["init_args"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--model.schedule", f"{SCHEDULES}SequentialLR"],
            "model.init_args.schedule is made of other schedules, which a config cannot name. Expected one. Change "
            "model.init_args.schedule.",
        ),
        (
            [
                *("--model.schedule", f"{SCHEDULES}SequentialLR"),
                *("--model.schedule.schedulers", f"[{SCHEDULES}StepLR]", "--model.schedule.milestones", "[3]"),
            ],
            "model.init_args.schedule is made of other schedules, which a config cannot name. Expected one. Change "
            "model.init_args.schedule.",
        ),
        (
            ["--model.schedule", f"{SCHEDULES}ChainedScheduler"],
            "ChainedScheduler is made of other schedules, which a setting cannot name. Expected a single schedule. "
            "Change model.init_args.schedule.",
        ),
        (["--model.schedule", f"{SCHEDULES}StepLR"], "model.init_args.schedule.init_args.step_size is missing."),
        (["--model.schedule", f"{SCHEDULES}StepLRR"], f"Did you mean {SCHEDULES}StepLR?"),
        (["--model.schedule_interval", "never"], "model.init_args.schedule_interval is 'never', expected one of step"),
        (["--model.schedule_interval", "epoch"], "Expected step, or null. Change model.init_args.schedule_interval."),
        (["--model.warmup_steps", "-1"], "expected 0 or more. Change model.init_args.warmup_steps."),
        (
            ["--model.loss.error", "torch.nn.ReLU"],
            "error is 'ReLU', expected an elementwise loss of torch, such as torch.nn.HuberLoss. Change "
            "model.init_args.loss.init_args.error.",
        ),
        (
            ["--model.loss", "potbench.training.ChangingLoss", "--model.loss.end", "500"],
            "The weights of the loss change until step 500, and the training has 6. Expected a step of the training. "
            "Change model.init_args.loss.init_args.end.",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_key_and_leaves_nothing(
    arguments: list[str], message: str, tmp_path: Path, refused: Refused
) -> None:
    assert message in refused(["fit", *QUICK, *arguments, "--run_dir", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # tests/runs/test_place.py breaks off more of them, within one process
def test_a_run_resumes_within_its_warm_up_and_while_its_loss_changes(tmp_path: Path) -> None:
    loss = ["--model.loss", "potbench.training.ChangingLoss", "--model.loss.begin", "0.2", "--model.loss.end", "0.8"]
    schedule = ["--model.schedule", f"{SCHEDULES}ReduceLROnPlateau", "--model.warmup_steps", "4"]
    given = [*loss, *schedule, "--checkpoint_every_steps", "1"]
    unbroken = fit(tmp_path / "unbroken", *given)
    kill = ["--trainer.callbacks+", "{class_path: tests.cli.kill.Kill}"]
    monitor = "[{class_path: lightning.pytorch.callbacks.LearningRateMonitor, init_args: {logging_interval: step}}]"
    broken = ["fit", *QUICK, "--trainer.callbacks", monitor, "--trainer.log_every_n_steps", "1", *kill, *given]
    process = start(*broken, "--run_dir", str(tmp_path / "broken"), KILL_AT="on_train_batch_start 2")
    process.communicate(timeout=300)
    assert process.returncode == -9
    assert main(["fit", str(tmp_path / "broken"), "--allow", "tests"]) == 0
    assert rows(tmp_path / "broken") == unbroken
    states = [torch.load(tmp_path / run / "checkpoints" / "last.ckpt") for run in ("broken", "unbroken")]
    weights, expected = (state["state_dict"] for state in states)
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
    assert states[0]["lr_schedulers"] == states[1]["lr_schedulers"]


@pytest.mark.parametrize(("setting", "value"), [("warmup_steps", "3"), ("schedule_interval", "step")])
def test_a_run_is_not_resumed_with_another_schedule(
    finished_run: Path, refused: Refused, setting: str, value: str
) -> None:
    said = refused(["fit", str(finished_run), "--trainer.max_epochs", "3", f"--model.{setting}", value])
    assert f"was trained with other settings than model.init_args.{setting}: " in said


def test_overfitted_batches_are_those_of_every_epoch(tmp_path: Path) -> None:
    losses = [
        float(row["train/loss"])
        for row in fit(tmp_path / "run", "--trainer.overfit_batches", "1", "--model.schedule", "null", epochs=8)
        if row["train/loss"]
    ]
    # one batch of 48 frames; another one each time would not fall so steadily
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == 8


@pytest.mark.slow
def test_the_profiler_prints_its_table(tmp_path: Path) -> None:
    process = start("fit", *QUICK, "--trainer.profiler", "simple", "--run_dir", str(tmp_path / "run"))
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "FIT Profiler Report" in printed
    assert "run_training_epoch" in printed


def test_a_run_that_max_steps_ends_within_an_epoch_is_validated_and_kept(tmp_path: Path) -> None:
    found = fit(tmp_path / "run", "--trainer.max_steps", "4")
    assert [row["step"] for row in found if row["validation/loss"]] == ["2", "3"]
    saved = [torch.load(file) for file in (tmp_path / "run" / "checkpoints").glob("*.ckpt")]
    assert 4 in {checkpoint["global_step"] for checkpoint in saved}
    assert main(["test", str(tmp_path / "run")]) == 0


def test_steps_that_cannot_be_captured_are_a_line_and_the_training_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["--model.capture", "true", "--trainer.accelerator", "cpu", "--run_dir", str(tmp_path / "run")]
    assert main(["fit", *QUICK, *run]) == 0
    assert "Training steps are not captured: only a GPU can replay them." in capsys.readouterr().out
