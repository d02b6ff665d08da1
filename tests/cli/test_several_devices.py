import json
from pathlib import Path

import numpy as np
import pytest

from potbench.cli.main import main
from tests.cli.conftest import QUICK, finish, start


def test_two_processes_train_and_test_as_one(tmp_path: Path) -> None:
    # 47 frames in batches of 16: shares differ by one frame, and no frame is drawn twice
    # double precision, since Adam's first steps turn the rounding of small gradients into whole steps
    fit = ["fit", *QUICK, "--data.init_args.split.init_args.train", "47", "--trainer.precision", "64-true"]
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*fit, "--run_dir", str(one)]) == 0
    assert main(["test", str(one)]) == 0
    devices = ("--trainer.devices", "2", "--trainer.strategy", "ddp")
    finish(start(*fit, "--run_dir", str(two), *devices))
    finish(start("test", str(two)))
    records = [json.loads((run / "record.json").read_text()) for run in (one, two)]
    assert records[0]["split"]["fingerprint"] == records[1]["split"]["fingerprint"]
    assert records[0]["budget"]["steps"] == records[1]["budget"]["steps"]
    for stage in ("validation", "test"):
        for name, expected in records[0]["metrics"][stage].items():
            assert records[1]["metrics"][stage][name]["value"] == pytest.approx(expected["value"], rel=1e-7), name
    frames = [np.sort(np.load(run / "predictions.npz")["frame"]) for run in (one, two)]
    assert np.array_equal(*frames)
