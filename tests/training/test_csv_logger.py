from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.errors import RecordError
from potbench.potentials import AtomicPotential
from potbench.training import EnergyForcesLoss, GradientTask, csv_logger
from potbench.training.csv_logger import CSVLogger
from tests.training.small_task import quiet_trainer, small_data, small_potential


def write(folder: Path, steps: range, steps_done: int = 0, **more: float) -> None:
    logger = CSVLogger(folder, steps_done)
    for step in steps:
        logger.log_metrics({"loss": 1 / (step + 1), "epoch": step // 3, **more}, step)
    logger.finalize("success")


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def steps(folder: Path) -> list[int]:
    return [int(row["step"]) for row in rows(folder)]


def test_rows_stand_in_metrics_csv_in_the_run_folder(tmp_path):
    write(tmp_path, range(3))
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]
    assert rows(tmp_path)[1] == {"epoch": "0", "loss": "0.5", "step": "1"}


def test_a_resumed_run_keeps_rows_before_its_checkpoint_and_writes_later_ones_anew(tmp_path):
    write(tmp_path, range(9))
    before = rows(tmp_path)
    write(tmp_path, range(6, 12), steps_done=6)
    assert rows(tmp_path)[:6] == before[:6]
    assert steps(tmp_path) == list(range(12))


def test_a_straight_run_and_a_resumed_one_leave_the_same_file(tmp_path):
    write(tmp_path / "straight", range(12))
    write(tmp_path / "resumed", range(8))
    write(tmp_path / "resumed", range(6, 12), steps_done=6)
    one, other = ((tmp_path / name / "metrics.csv").read_bytes() for name in ("straight", "resumed"))
    assert one == other


def test_earlier_rows_are_never_out_of_the_file(tmp_path):
    write(tmp_path, range(6))
    logger = CSVLogger(tmp_path, 6)
    logger.log_metrics({"loss": 0.1}, 6)  # and killed before it is saved
    assert steps(tmp_path) == list(range(6))
    write(tmp_path, range(6, 7), steps_done=6)
    assert steps(tmp_path) == list(range(7))


def test_a_run_that_is_not_resumed_after_all_leaves_the_file_as_it_was(tmp_path):
    write(tmp_path, range(9))
    before = (tmp_path / "metrics.csv").read_bytes()
    CSVLogger(tmp_path, 6).finalize("failed")
    assert (tmp_path / "metrics.csv").read_bytes() == before


def test_half_a_line_left_by_a_killed_process_is_dropped(tmp_path):
    write(tmp_path, range(6))
    file = tmp_path / "metrics.csv"
    file.write_bytes(file.read_bytes()[:-6])
    write(tmp_path, range(5, 8), steps_done=5)
    assert steps(tmp_path) == list(range(8))
    assert all(row["loss"] for row in rows(tmp_path))


@pytest.mark.parametrize("start", [b"", b"ep", b"epoch,loss,step\r\n"])
def test_a_process_killed_amid_its_first_line_leaves_room_for_the_next(tmp_path, start):
    (tmp_path / "metrics.csv").write_bytes(start)
    write(tmp_path, range(3))
    assert steps(tmp_path) == [0, 1, 2]


def test_a_new_column_does_not_cost_earlier_rows(tmp_path):
    write(tmp_path, range(3), accuracy=0.5)
    write(tmp_path, range(3, 6), steps_done=3, forces=0.1)
    assert steps(tmp_path) == list(range(6))
    assert [row["accuracy"] for row in rows(tmp_path)] == ["0.5"] * 3 + [""] * 3
    assert [row["forces"] for row in rows(tmp_path)] == [""] * 3 + ["0.1"] * 3


def test_a_new_column_amid_a_run_does_not_cost_its_own_rows(tmp_path):
    logger = CSVLogger(tmp_path)
    for step, metrics in enumerate([{"a": 1.0}, {"b": 2.0}, {"a": 3.0}]):
        logger.log_metrics(metrics, step)
        logger.save()
    assert [(row["a"], row["b"]) for row in rows(tmp_path)] == [("1.0", ""), ("", "2.0"), ("3.0", "")]


def test_what_is_saved_is_in_the_file_and_the_file_is_rewritten_for_new_columns_alone(tmp_path, monkeypatch):
    rewritten = []

    def counted(target: Path):
        rewritten.append(target)
        return whole_file(target)

    whole_file = csv_logger.whole_file
    monkeypatch.setattr(csv_logger, "whole_file", counted)
    logger = CSVLogger(tmp_path)
    for step in range(20):
        logger.log_metrics({"loss": 0.1} if step < 10 else {"loss": 0.1, "forces": 0.2}, step)
        logger.save()
        assert steps(tmp_path) == list(range(step + 1))
    assert len(rewritten) == 2


def test_rows_that_nobody_saves_are_in_the_file_after_a_hundred_steps(tmp_path):
    logger = CSVLogger(tmp_path)
    for step in range(150):
        logger.log_metrics({"loss": 0.1}, step)
    assert steps(tmp_path) == list(range(100))


def test_rows_cut_short_by_a_full_disk_are_not_followed_by_others(tmp_path, monkeypatch):
    logger = CSVLogger(tmp_path)
    logger.log_metrics({"loss": 0.1}, 0)
    logger.save()

    class Full(csv.DictWriter):
        def writerows(self, rows):
            self.writer.writerow(["0.2"])
            raise OSError(28, "No space left on device")

    logger.log_metrics({"loss": 0.2}, 1)
    monkeypatch.setattr(csv, "DictWriter", Full)
    with pytest.raises(OSError, match="No space left"):
        logger.save()
    monkeypatch.undo()
    before = (tmp_path / "metrics.csv").read_bytes()
    logger.finalize("failed")
    assert (tmp_path / "metrics.csv").read_bytes() == before


def test_other_files_of_the_run_folder_stay(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 0")
    write(tmp_path, range(3))
    write(tmp_path, range(3))
    assert (tmp_path / "config.yaml").read_text() == "seed: 0"
    assert steps(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize(
    "text", ["loss;step\n0.1;3\n", "loss,step\n0.1,three\n", "loss,step\n0.1,3,4\n", "loss,step\n0.1\n"]
)
def test_a_damaged_file_is_refused_before_training_and_stays(tmp_path, text):
    (tmp_path / "metrics.csv").write_text(text)
    with pytest.raises(
        RecordError, match=rf"{tmp_path}/metrics.csv is damaged .* Expected rows as potbench writes them"
    ):
        CSVLogger(tmp_path, 9)
    assert (tmp_path / "metrics.csv").read_text() == text


class WithHyperparameters(GradientTask):
    """A user's task, which has Lightning store its arguments."""

    def __init__(self, potential: AtomicPotential, width: int = 8) -> None:
        super().__init__(potential, EnergyForcesLoss())
        self.save_hyperparameters()


def test_a_task_that_saves_its_hyperparameters_trains_and_leaves_metrics_and_a_checkpoint(tmp_path):
    run = tmp_path / "run"
    checkpoints = ModelCheckpoint(run / "checkpoints", monitor="validation/loss", save_last=True)
    trainer = quiet_trainer(tmp_path, checkpoints, logger=CSVLogger(run), enable_checkpointing=True)
    task = WithHyperparameters(small_potential(), width=3)
    trainer.fit(task, datamodule=small_data(tmp_path))
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["state_dict"].keys() == task.state_dict().keys()
    # validation and training of an epoch are rows of their own
    assert [row["epoch"] for row in rows(run)] == ["0", "0", "1", "1"]
    assert [bool(row["validation/loss"]) for row in rows(run)] == [True, False, True, False]
    assert sorted(path.name for path in run.iterdir()) == ["checkpoints", "metrics.csv"]


def test_files_of_lightning_itself_go_into_the_run_folder(tmp_path):
    trainer = quiet_trainer(tmp_path / "elsewhere", logger=CSVLogger(tmp_path / "run"))
    assert trainer.log_dir == str(tmp_path / "run")
