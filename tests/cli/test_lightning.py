"""Settings of fit, validate and test that Lightning refuses, or that earlier versions wrote."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from potbench.cli.main import main
from tests.cli.conftest import QUICK, SMALL
from tests.native_files.ase_files import write_extended_xyz

Refused = Callable[[list[str]], str]
TENSORBOARD = "{class_path: lightning.pytorch.loggers.TensorBoardLogger, init_args: {save_dir: logs}}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--trainer.accelerator", "gpu"],
            "Trainer: No supported gpu backend found. Expected what it accepts. Change trainer.accelerator.",
        ),
        (
            ["--trainer.max_epochs", "-5"],
            "Trainer: `max_epochs` must be a non-negative integer or -1. You passed in -5. Expected what it accepts. "
            "Change trainer.max_epochs.",
        ),
        (
            ["--seed_everything", "-5"],
            "seed_everything is -5, expected 0 to 4294967295, or false for none. Change seed_everything.",
        ),
        (
            ["--trainer.accumulate_grad_batches", "0"],
            "accumulate_grad_batches is 0, expected more than 0. Change trainer.accumulate_grad_batches.",
        ),
        (["--trainer.strategy", "none"], "Expected what it accepts. Change trainer.strategy."),
        (
            ["--trainer.callbacks", "EarlyStopping", "--trainer.callbacks.monitor", "none"],
            "Expected settings that go together. Change trainer.callbacks.init_args.monitor.",
        ),
        (
            ["--trainer.val_check_interval", "1000"],
            "Expected settings that go together. Change trainer.val_check_interval.",
        ),
        (
            ["--trainer.enable_checkpointing", "false", "--trainer.callbacks", "ModelCheckpoint"],
            "Expected what it accepts. Change trainer.enable_checkpointing.",
        ),
    ],
)
def test_what_lightning_refuses_is_one_paragraph_with_its_key(
    arguments: list[str], message: str, tmp_path: Path, refused: Refused
) -> None:
    assert refused(["fit", *QUICK, *arguments, "--run_dir", str(tmp_path / "run")]).endswith(message)


@pytest.mark.parametrize("logger", [TENSORBOARD, f"[{TENSORBOARD}]"])
def test_a_logger_of_lightning_whose_package_is_missing_is_refused(
    logger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    for package in ("TENSORBOARD", "TENSORBOARDX"):
        monkeypatch.setattr(f"lightning.fabric.loggers.tensorboard._{package}_AVAILABLE", False)
    said = refused(["fit", *QUICK, "--trainer.logger", logger, "--run_dir", str(tmp_path / "run")])
    assert said.endswith("Expected a package that is installed. Change trainer.logger.")


def test_a_run_without_checkpoints_trains_and_says_that_it_cannot_be_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Refused
) -> None:
    run = tmp_path / "run"
    assert main(["fit", *QUICK, "--trainer.enable_checkpointing", "false", "--run_dir", str(run)]) == 0
    assert "No checkpoint was saved, so that the run cannot be tested." in capsys.readouterr().out
    assert (run / "record.json").is_file()
    assert not (run / "checkpoints").exists()
    assert refused(["test", str(run)]).startswith(f"{run}/checkpoints/best.ckpt does not exist.")


def test_another_potential_than_that_of_the_checkpoint_is_refused(finished_run: Path, refused: Refused) -> None:
    said = refused(["test", str(finished_run), "--model.potential.readout.hidden_sizes", "[3]"])
    assert said.startswith("The checkpoint holds the weights of another potential (size mismatch for potential.")


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_a_command_without_settings_says_what_to_give(command: str, refused: Refused) -> None:
    assert refused([command]) == (
        f"There is nothing to {command}: no data and model. Expected --config FILE, such as configs/quickstart.yaml, "
        f"or the folder of a run: {command} RUN."
    )


def test_a_config_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    """Datasets had an argument `licence`."""
    config, file = tmp_path / "old.yaml", tmp_path / "mine.xyz"
    write_extended_xyz(file, 90)
    config.write_text(
        "data: {class_path: potbench.loading.AtomsDataModule, init_args: {ignore_findings: true, dataset: {class_path: "
        "potbench.datasets.ExtendedXYZ, init_args: "
        f"{{file: {file}, energy_unit: eV, length_unit: Å, licence: CC0, citation: me}}}}}}}}"
    )
    run = tmp_path / "run"
    fit = ["fit", *QUICK[:2], "--config", str(config), *SMALL, "--trainer.max_epochs", "1", "--run_dir", str(run)]
    assert main(fit) == 0
    saved = yaml.safe_load((run / "config.yaml").read_text())["data"]["init_args"]["dataset"]["init_args"]
    assert saved["license"] == "CC0"
    assert "licence" not in saved
    # a run of an earlier version, whose config was saved with that name
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace("license:", "licence:"))
    assert main(["test", str(run)]) == 0
    assert main(["check", str(run), "--frames", "1"]) == 0
