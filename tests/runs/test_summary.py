from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from potbench.runs.record import Record
from potbench.runs.summary import print_evaluation, print_summary
from potbench.units import Quantity
from tests.runs.small_record import OTHER, small_record


def printed(record: Record, run: Path = Path("run"), stage: str = "test") -> str:
    stream = io.StringIO()
    print_summary(record, run, stage, Console(file=stream, width=80))
    return stream.getvalue()


def test_errors_cost_and_budget_of_the_run_are_printed() -> None:
    lines = [" ".join(line.split()) for line in printed(small_record()).splitlines()]
    assert "Errors on the test set" in lines
    assert "Energy kcal/mol 0.250" in lines
    assert "Parameters 1,234" in lines
    assert "Speed 100,000 frames/s" in lines
    assert "Wall time 60.0 s (0:01:00)" in lines
    assert "CPU time 90.0 s (0:01:30)" in lines
    assert "Feature cache 2.50 s" in lines
    assert "Peak memory 512 MiB" in lines
    assert "Budget 2 epochs, 6 steps, 22 frames" in lines


def test_what_an_early_record_does_not_say_and_what_was_not_cached_is_left_out() -> None:
    record = small_record()
    assert record.cost
    text = printed(replace(record, cost=replace(record.cost, cpu_time=None, preparation=Quantity(0.0, "s"))))
    assert "CPU time" not in text
    assert "Feature cache" not in text


def test_the_errors_are_those_of_the_stage_asked_for() -> None:
    record = small_record()
    both = replace(record, metrics={**record.metrics, "validation": {"energy_mae": Quantity(7.77, "kcal/mol")}})
    assert "7.77" in printed(both, stage="validation")
    assert "Errors on the validation set" in printed(both, stage="validation")
    assert "7.77" not in printed(both)


def test_each_named_test_set_has_a_table_and_its_frames_are_counted() -> None:
    record = small_record()
    hot = {"energy_mae": Quantity(7.77, "kcal/mol")}
    split = replace(record.split, calibration=2, test_sets={"300 K": 3, "600 K": 1})
    record = replace(record, metrics={**record.metrics, "test/600 K": hot}, split=split)
    text = printed(record)
    assert "Errors on the test set 600 K" in text
    assert "7.77" in text
    frames = (
        "Frames: 11 train, on top of them 4 validate, 2 are set apart for calibration; 4 test (3 of 300 K, 1 of 600 K)."
    )
    assert frames in " ".join(text.split())


def test_how_far_test_and_training_frames_are_apart_is_said() -> None:
    record = small_record()
    assert record.split.leakage is not None
    assert " ".join(f"Split: {record.split.leakage.text}.".split()) in " ".join(printed(record).split())


def test_a_run_that_was_only_evaluated_says_nothing_of_training() -> None:
    text = printed(replace(small_record(), cost=None, budget=None, num_parameters=None))
    assert not {"Speed", "Budget", "Parameters", "None"} & set(text.split())


def test_the_folder_is_on_a_line_of_its_own_never_wrapped_or_read_as_markup() -> None:
    run = Path("/scratch") / "a_long_name" / "of [bold] things" / ("x" * 90)
    lines = printed(small_record(), run).splitlines()
    assert lines[-1] == str(run)
    assert max(len(line) for line in lines[:-1]) <= 80


def evaluated(**changes: object) -> list[str]:
    stream = io.StringIO()
    print_evaluation(replace(OTHER, **changes), Path("run/evaluations/a"), "test", Console(file=stream, width=80))
    return [" ".join(line.split()) for line in stream.getvalue().splitlines()]


def test_an_evaluation_beside_a_run_says_what_it_is_of() -> None:
    lines = evaluated()
    assert "Energy kcal/mol 0.500" in lines
    assert "Checkpoint: runs/other/checkpoints/best.ckpt" in lines
    known = "other than those of the training: whether it knows some of them is not known."
    assert f"Data: made, 19 frames, {known}" in lines
    assert "Settings: trainer.precision: 64-true" in lines
    assert "3 of these frames trained or validated the run, so errors are too small." in lines
    assert lines[-2:] == [
        "The errors of the run itself are as they were. These are in its record, and in",
        "run/evaluations/a",
    ]


def test_an_evaluation_beside_a_run_says_nothing_of_what_is_as_in_the_run() -> None:
    lines = evaluated(checkpoint=None, settings="", data=None, split=None, frames_seen=0)
    assert "Checkpoint: none, weights that were never trained" in lines
    assert not [
        line for line in lines if line.startswith(("Data:", "Settings:", "Split:")) or "of these frames" in line
    ]
