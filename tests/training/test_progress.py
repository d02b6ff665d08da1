from __future__ import annotations

import pytest

from potbench.training.progress import ProgressBar
from tests.training.small_task import quiet_trainer, small_data, small_task


@pytest.mark.parametrize(("epochs", "shown"), [(3, [1, 2, 3]), (20, [1, *range(2, 21, 2)])])
def test_without_a_terminal_at_most_eleven_lines_tell_the_validation_error(tmp_path, capsys, epochs, shown):
    trainer = quiet_trainer(tmp_path, ProgressBar(), epochs=epochs, enable_progress_bar=True)
    trainer.fit(small_task(), datamodule=small_data(tmp_path))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert [line.split(",")[0] for line in lines] == [f"epoch {epoch}/{epochs}" for epoch in shown]
    assert all("validation MAE: energy " in line and "kcal/mol" in line for line in lines)


def test_a_training_without_end_counts_its_epochs(tmp_path, capsys):
    trainer = quiet_trainer(tmp_path, ProgressBar(), epochs=-1, max_steps=6, enable_progress_bar=True)
    trainer.fit(small_task(forces=1.0), datamodule=small_data(tmp_path, forces=True))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert [line.split(",")[0] for line in lines] == ["epoch 1/∞", "epoch 2/∞"]
    assert all("forces " in line and "kcal/mol/Å" in line for line in lines)
