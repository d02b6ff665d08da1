from __future__ import annotations

import pytest
from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import MPSAccelerator
from lightning.pytorch.callbacks import BatchSizeFinder, LearningRateFinder, StochasticWeightAveraging

from potbench.errors import SettingError
from potbench.training.supported import require_supported
from tests.training.small_task import quiet_trainer, small_data, small_task


@pytest.mark.parametrize("precision", ["bf16-true", "16-true"])
def test_a_precision_that_rounds_total_energies_is_refused(tmp_path, precision):
    trainer = quiet_trainer(tmp_path, precision=precision)
    for command in (trainer.fit, trainer.validate, trainer.test):
        with pytest.raises(SettingError) as caught:
            command(small_task(), datamodule=small_data(tmp_path))
        assert str(caught.value) == (
            f"With precision {precision}, total energies of 10,000 eV and more would be rounded to several eV. "
            "Expected one of 32-true, 64-true, bf16-mixed, 16-mixed. Change the argument precision of Trainer."
        )
        assert caught.value.owner is Trainer


def test_a_device_without_float64_is_refused(tmp_path):
    trainer = quiet_trainer(tmp_path)
    trainer.strategy._accelerator = object.__new__(MPSAccelerator)
    with pytest.raises(SettingError, match=r"^Apple's GPUs \(MPS\) have no float64.* Expected cpu\."):
        require_supported(trainer, "fit")


@pytest.mark.parametrize(
    ("callback", "said"),
    [
        (
            LearningRateFinder(),
            "LearningRateFinder sets an attribute of the task, while optimizer and schedule have the learning rate. "
            "Expected a learning rate that is set: max_lr of the schedule, or lr of the optimizer. Change the argument "
            "callbacks of Trainer.",
        ),
        (
            BatchSizeFinder(),
            "BatchSizeFinder changes the size of batches when the schedule is made already, and no config knows it. "
            "Expected a size that is set: batch_size of the data. Change the argument callbacks of Trainer.",
        ),
        (
            StochasticWeightAveraging(0.01),
            "StochasticWeightAveraging averages weights after the last checkpoint is saved, so that no checkpoint has "
            "the average. Expected lightning.pytorch.callbacks.EMAWeightAveraging. Change the argument callbacks of "
            "Trainer.",
        ),
    ],
)
def test_callbacks_that_would_spoil_a_training_are_refused(tmp_path, callback, said):
    with pytest.raises(SettingError) as caught:
        quiet_trainer(tmp_path, callback).fit(small_task(), datamodule=small_data(tmp_path))
    assert str(caught.value) == said
