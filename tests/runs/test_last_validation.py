from __future__ import annotations

import csv
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from potbench.runs.folder import RunFolder
from tests.runs.broken_off import BreakOff, BrokenOffError, fit

pytestmark = pytest.mark.filterwarnings("ignore")


def validated(folder: Path) -> list[int]:
    """Steps after which the small task, of three steps an epoch, was validated."""
    with RunFolder(folder / "run").metrics.open() as stream:
        return [int(row["step"]) + 1 for row in csv.DictReader(stream) if row["validation/loss"]]


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"epochs": 3, "check_val_every_n_epoch": 2}, [6, 9]),
        ({"epochs": -1, "max_steps": 5}, [3, 5]),
        ({"epochs": -1, "max_steps": 6}, [3, 6]),
        ({"epochs": -1, "max_steps": 5, "check_val_every_n_epoch": 9}, [5]),
        ({"epochs": -1, "max_steps": 6, "check_val_every_n_epoch": 9}, [6]),
        ({"epochs": -1, "max_steps": 5, "check_val_every_n_epoch": None, "val_check_interval": 4}, [4, 5]),
        ({"epochs": -1, "max_steps": 5, "val_check_interval": "00:01:00:00"}, [5]),
        ({"epochs": -1, "max_steps": 3, "accumulate_grad_batches": 2}, [2, 3]),
    ],
)
def test_the_end_is_validated_once_however_seldom_others_are(
    tmp_path: Path, settings: dict[str, Any], steps: list[int]
) -> None:
    fit(tmp_path, **settings)
    assert validated(tmp_path) == steps


def test_the_last_epoch_is_validated_where_a_run_was_resumed_within_it(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"epochs": 3, "check_val_every_n_epoch": 2, "every_steps": 1}
    with suppress(BrokenOffError):
        fit(tmp_path, BreakOff("on_train_batch_start", 9), **settings)
    fit(tmp_path, resume=True, **settings)
    assert validated(tmp_path) == [6, 9]


def test_a_training_that_max_steps_ends_within_an_epoch_is_kept_and_can_be_the_best(tmp_path: Path) -> None:
    fit(tmp_path, epochs=-1, max_steps=5, task="constant")
    run = RunFolder(tmp_path / "run")
    last, best = (torch.load(file, weights_only=True) for file in (run.last, run.best))
    assert last["global_step"] == best["global_step"] == 5
    assert all(torch.equal(value, best["state_dict"][name]) for name, value in last["state_dict"].items())


def test_without_a_validation_set_nothing_is_validated(tmp_path: Path) -> None:
    fit(tmp_path, epochs=-1, max_steps=5, limit_val_batches=0)
    assert not RunFolder(tmp_path / "run").best.exists()
