from __future__ import annotations

import csv
from pathlib import Path

from potbench.training.csv_logger import CSVLogger


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


def test_half_a_line_left_by_a_killed_process_is_dropped(tmp_path):
    write(tmp_path, range(6))
    file = tmp_path / "metrics.csv"
    file.write_bytes(file.read_bytes()[:-6])
    write(tmp_path, range(5, 8), steps_done=5)
    assert steps(tmp_path) == list(range(8))
    assert all(row["loss"] for row in rows(tmp_path))


def test_a_new_column_does_not_cost_earlier_rows(tmp_path):
    write(tmp_path, range(3), accuracy=0.5)
    write(tmp_path, range(3, 6), steps_done=3, forces=0.1)
    assert steps(tmp_path) == list(range(6))
    assert [row["accuracy"] for row in rows(tmp_path)] == ["0.5"] * 3 + [""] * 3
    assert [row["forces"] for row in rows(tmp_path)] == [""] * 3 + ["0.1"] * 3


def test_other_files_of_the_run_folder_stay(tmp_path):
    (tmp_path / "config.yaml").write_text("seed: 0")
    write(tmp_path, range(3))
    write(tmp_path, range(3))
    assert (tmp_path / "config.yaml").read_text() == "seed: 0"
    assert steps(tmp_path) == [0, 1, 2]
