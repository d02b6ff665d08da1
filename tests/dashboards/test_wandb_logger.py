from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import wandb

from potbench.dashboards.dashboard import Results
from potbench.dashboards.wandb_logger import WandbLogger


@pytest.fixture(autouse=True)
def _no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    yield
    wandb.teardown()


def opened(run: Path) -> WandbLogger:
    logger = WandbLogger(offline=True)
    logger.keep_in(run, 0)
    logger.begin({})
    return logger


def test_a_logger_that_has_not_begun_leaves_nothing(tmp_path: Path) -> None:
    logger = WandbLogger(offline=True)
    logger.keep_in(tmp_path / "run", 0)
    assert logger.experiment is None
    logger.finalize("failed")
    assert not (tmp_path / "run").exists()


def test_runs_have_dashboards_of_their_own_and_continue_in_them(tmp_path: Path) -> None:
    identifiers = []
    for run in (tmp_path / "one", tmp_path / "other", tmp_path / "one"):
        logger = opened(run)
        assert logger.version == json.loads((run / "wandb.json").read_text())["id"]
        identifiers.append(logger.version)
        logger.show(Results(0))
    assert identifiers[0] == identifiers[2] != identifiers[1]


def test_a_client_that_fails_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logger = opened(tmp_path)

    def fail(*arguments: object) -> None:
        raise BrokenPipeError("gone")

    logger._experiment.log = fail  # type: ignore[union-attr, method-assign, assignment]
    for step in range(3):
        logger.log_metrics({"loss": 1.0}, step)
    logger.show(Results(3))
    assert capsys.readouterr().out.count("Weights & Biases failed and shows no more of this run: gone") == 1


def test_a_user_who_has_turned_the_client_off_gets_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    wandb.teardown()
    logger = WandbLogger()
    logger.keep_in(tmp_path, 0)
    logger.begin({})
    logger.log_metrics({"loss": 1.0}, 0)
    logger.show(Results(1))
    assert not logger._is_lost
    assert not list(tmp_path.glob("wandb/*run-*"))


def test_what_a_run_stands_for_is_shown_beside_its_settings(tmp_path: Path) -> None:
    logger = WandbLogger(offline=True, config={"cell": {"architecture": "schnet", "size": 400}})
    logger.keep_in(tmp_path, 0)
    logger.begin({"seed_everything": 3})
    assert logger.experiment.config.as_dict() == {
        "seed_everything": 3,
        "cell": {"architecture": "schnet", "size": 400},
    }
    logger.show(Results(0))


def test_configs_of_earlier_versions_find_the_logger() -> None:
    assert importlib.import_module("potbench.training.wandb_logger").WandbLogger is WandbLogger
