from __future__ import annotations

import re
from types import SimpleNamespace

import pytest

from potbench.training import progress
from potbench.training.progress import ProgressBar
from tests.training.small_task import quiet_trainer, small_data, small_task


@pytest.mark.parametrize(("epochs", "shown"), [(3, [1, 2, 3]), (20, [1, *range(2, 21, 2)])])
def test_without_a_terminal_at_most_eleven_lines_tell_the_validation_error(tmp_path, capsys, epochs, shown):
    trainer = quiet_trainer(tmp_path, ProgressBar(), epochs=epochs, enable_progress_bar=True)
    trainer.fit(small_task(), datamodule=small_data(tmp_path))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert [line.split(",")[0] for line in lines] == [f"epoch {epoch}/{epochs}" for epoch in shown]
    assert all("validation MAE: energy " in line and "kcal/mol" in line for line in lines)
    assert all(re.search(r", 0:00:\d\d elapsed, 0:00:\d\d left$", line) for line in lines)
    assert lines[-1].endswith(" 0:00:00 left")


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"epochs": -1, "max_steps": 6}, ["epoch 1/2", "epoch 2/2"]),
        ({"epochs": 100, "max_steps": 5, "accumulate_grad_batches": 2}, ["epoch 1/3", "epoch 2/3"]),
        ({"epochs": -1, "max_time": "00:00:00:01"}, ["epoch 1/∞"]),
    ],
)
def test_the_end_is_where_max_steps_says(tmp_path, capsys, settings, shown):
    trainer = quiet_trainer(tmp_path, ProgressBar(), enable_progress_bar=True, **settings)
    trainer.fit(small_task(forces=1.0), datamodule=small_data(tmp_path, forces=True))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert [line.split(",")[0] for line in lines][: len(shown)] == shown
    assert all("forces " in line and "kcal/mol/Å" in line for line in lines)
    assert all(line.endswith("left") != ("∞" in line) for line in lines)


def test_long_epochs_are_not_silent(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "LONGEST_SILENCE", 0.0)
    trainer = quiet_trainer(tmp_path, ProgressBar(), epochs=2, enable_progress_bar=True)
    trainer.fit(small_task(), datamodule=small_data(tmp_path))
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch")]
    assert [", ".join(line.split(", ")[:2]).partition(":")[0] for line in lines] == [
        *[f"epoch 1/2, batch {number}/3" for number in (1, 2, 3)],
        "epoch 1/2, validation MAE",
        *[f"epoch 2/2, batch {number}/3" for number in (1, 2, 3)],
        "epoch 2/2, validation MAE",
    ]
    assert all(re.search(r", 0:00:\d\d elapsed, 0:00:\d\d left$", line) for line in lines)


def test_the_time_left_is_that_of_the_batches_left(tmp_path, capsys, monkeypatch):
    clock = iter(range(0, 6000, 60))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    trainer = quiet_trainer(tmp_path, ProgressBar(), epochs=4, enable_progress_bar=True)
    bar = trainer.progress_bar_callback
    bar.on_train_start(trainer_after(3), None)
    bar._say(trainer_after(6), "now")
    assert capsys.readouterr().out.splitlines() == ["now, 0:01:00 elapsed, 0:02:00 left"]


def test_a_bar_that_was_disabled_is_silent_until_it_is_enabled(tmp_path, capsys):
    bar = ProgressBar()
    bar.disable()
    trainer = quiet_trainer(tmp_path, bar, epochs=1, enable_progress_bar=True)
    trainer.fit(small_task(), datamodule=small_data(tmp_path))
    assert "epoch" not in capsys.readouterr().out
    bar.enable()
    trainer.fit_loop.max_epochs = 2
    trainer.fit(small_task(), datamodule=small_data(tmp_path))
    assert "epoch 2/2" in capsys.readouterr().out


def trainer_after(num_batches: int) -> SimpleNamespace:
    """What the bar asks a Trainer of four epochs of three batches."""
    total = SimpleNamespace(processed=num_batches)
    loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=SimpleNamespace(total=total)))
    return SimpleNamespace(fit_loop=loop, max_epochs=4, max_steps=-1, num_training_batches=3)
