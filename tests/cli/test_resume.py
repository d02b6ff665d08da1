import csv
import signal
import time
from pathlib import Path

import pytest
import torch

from potbench.cli.main import main
from tests.cli.conftest import QUICK, start

# dropout draws random numbers at every step, so a resumed run must draw the same ones
LONG = [
    *QUICK,
    *("--trainer.max_epochs", "6"),
    *("--model.init_args.potential.init_args.readout.init_args.dropout", "0.1"),
]


def test_killed_and_resumed_run_equals_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    assert main(["fit", *LONG, "--run_dir", str(unbroken)]) == 0
    process = start("fit", *LONG, "--run_dir", str(broken))
    while _epochs(broken) < 2 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    record = (broken / "record.json").read_text()
    assert '"budget": null' in record, "the run ended before it could be killed"
    assert main(["fit", str(broken)]) == 0
    assert _rows(broken) == _rows(unbroken)
    weights, expected = (torch.load(run / "checkpoints" / "last.ckpt")["state_dict"] for run in (broken, unbroken))
    assert all(torch.equal(weights[name], value) for name, value in expected.items())


def test_ckpt_path_last_resumes_with_more_epochs(tmp_path: Path) -> None:
    run = ["--run_dir", str(tmp_path / "run"), "--model.init_args.schedule", "null"]
    assert main(["fit", *QUICK, *run]) == 0
    assert main(["fit", *QUICK, *run, "--ckpt_path", "last", "--trainer.max_epochs", "3"]) == 0
    assert [row["epoch"] for row in _rows(tmp_path / "run") if row["validation/loss"]] == ["0", "1", "2"]
    assert (tmp_path / "run" / "config_until_step_6.yaml").is_file()


def test_schedule_is_not_stretched_when_a_run_resumes(tmp_path: Path, refused) -> None:  # type: ignore[no-untyped-def]
    run = ["--run_dir", str(tmp_path / "run")]
    assert main(["fit", *QUICK, *run]) == 0
    said = refused(["fit", *QUICK, *run, "--ckpt_path", "last", "--trainer.max_epochs", "3"])
    assert "The interrupted run planned its learning rates for 6 steps, this one for 9." in said


def test_existing_run_is_not_overwritten(finished_run: Path, refused) -> None:  # type: ignore[no-untyped-def]
    before = (finished_run / "metrics.csv").read_bytes()
    said = refused(["fit", *QUICK, "--run_dir", str(finished_run)])
    assert said == (
        f"{finished_run} already holds a run, and nothing is overwritten. "
        f"Expected a new folder: change --run_dir, or resume that run: python -m potbench fit {finished_run}."
    )
    assert (finished_run / "metrics.csv").read_bytes() == before


def test_resuming_what_never_ran_is_refused(tmp_path: Path, refused) -> None:  # type: ignore[no-untyped-def]
    said = refused(["fit", *QUICK, "--run_dir", str(tmp_path), "--ckpt_path", "last"])
    assert f"{tmp_path}/checkpoints/last.ckpt does not exist." in said


def _rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def _epochs(run: Path) -> int:
    return len(_rows(run)) // 2 if (run / "metrics.csv").is_file() else 0


@pytest.fixture(autouse=True)
def _same_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", str(torch.get_num_threads()))
