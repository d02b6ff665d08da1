import json
import time
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Callback, LightningModule, Trainer

from potbench.errors import SettingError
from potbench.runs.last_validation import LastValidation
from potbench.runs.step_timer import StepTimer
from tests.training.small_task import quiet_trainer, small_data, small_task

pytestmark = pytest.mark.filterwarnings("ignore")


class Slow(Callback):
    """Steps of 20 ms after two of 500 ms, and a validation of 100 ms."""

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Any) -> None:
        time.sleep(0.02 if trainer.global_step >= 2 else 0.5)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        time.sleep(0.1)


def test_the_last_steps_and_the_validation_behind_them_are_measured(tmp_path: Path) -> None:
    file = tmp_path / "times" / "a.json"
    began = time.time()
    timer = StepTimer(str(file), timed=4)
    settings = {"epochs": -1, "max_steps": 7, "num_sanity_val_steps": 0}
    settings |= {"check_val_every_n_epoch": None, "val_check_interval": 7}
    trainer = quiet_trainer(tmp_path, timer, Slow(), LastValidation(), **settings)
    trainer.fit(small_task(), small_data(tmp_path / "data"))
    found = json.loads(file.read_text())
    assert 0.02 <= found["step"] < 0.2
    assert 0.1 <= found["validation"] < 1.0
    # sleeping takes no time of processors
    assert 0 < found["cpu_step"] < found["step"] - 0.01
    assert 0 < found["cpu_validation"] < found["validation"]
    assert began < found["began"] < found["ended"] - 1.0
    assert found["ended"] < time.time()


def test_no_steps_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="timed is 0, expected more than 0"):
        StepTimer(str(tmp_path / "a.json"), timed=0)
