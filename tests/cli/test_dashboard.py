import csv
import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from potbench.cli.main import main
from tests.cli.conftest import CONFIGS, QUICK

WANDB = ["--config", str(CONFIGS / "logger" / "wandb.yaml")]


@pytest.fixture(autouse=True)
def _no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def test_run_without_a_key_is_kept_offline_and_can_be_read_back(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert main(["fit", *QUICK, *WANDB, "--run_dir", str(run)]) == 0
    (file,) = run.rglob("*.wandb")
    identifier = json.loads((run / "wandb.json").read_text())["id"]
    assert identifier in file.name
    inspected = subprocess.run(
        [f"{sys.prefix}/bin/wandb", "leet", "inspect", "--json", str(file)], capture_output=True, text=True, check=True
    )
    with (run / "metrics.csv").open(newline="") as stream:
        errors = [float(row["validation/energy_mae"]) for row in csv.DictReader(stream) if row["validation/energy_mae"]]
    records = [json.loads(line) for line in inspected.stdout.splitlines()]
    logged = [record["history"]["item"] for record in records if record["type"] == "history"]
    assert [row["validation/energy_mae"] for row in logged if "validation/energy_mae" in row] == errors


def test_unreachable_dashboard_does_not_hang_or_lose_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:  # a port that nobody answers on
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
        started = time.monotonic()
        assert main(["fit", *QUICK, *WANDB, "--run_dir", str(tmp_path / "run")]) == 0
        assert time.monotonic() - started < 90
    assert (tmp_path / "run" / "record.json").is_file()
