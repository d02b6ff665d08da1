"""What a training step costs on a GPU beyond its arithmetic."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from potbench.batch import Batch
from potbench.cli.main import main
from potbench.runs.record import Record
from tests.cli.conftest import CONFIGS, SMALL
from tests.gpu.synchronization import FOUND
from tests.native_files.made import blocks

TRAINING = ["--config", str(CONFIGS / "quickstart.yaml"), *SMALL, "--trainer.accelerator", "gpu"]


@pytest.mark.parametrize(
    "name",
    [
        *("schnet", "painn", "ani_feed_forward", "ani_hybrid", "continuous_filter", "equivariant_filter"),
        *("pairwise", "composition"),
    ],
)
def test_no_step_makes_the_host_wait_for_the_gpu(tmp_path: Path, name: str) -> None:
    potential = ["--model.potential", str(CONFIGS / "potential" / f"{name}.yaml")]
    if name == "composition":
        potential += ["--model.loss.forces", "0"]
    note = ["--trainer.callbacks+", "tests.gpu.synchronization.NoteSynchronization"]
    run = tmp_path / "run"
    assert main(["fit", *TRAINING, *potential, *note, "--trainer.max_epochs", "3", "--run_dir", str(run)]) == 0
    assert not FOUND
    assert Record.load(run).provenance.machine.accelerator == torch.cuda.get_device_name()


def test_a_batch_is_copied_to_the_gpu_while_the_host_goes_on() -> None:
    batch = Batch.from_frames(*blocks(forces=True))
    device = torch.device("cuda")
    batch.to(device)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        copied = batch.to(device)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for here, there in zip(batch.to(torch.device("cpu")), copied.to(torch.device("cpu")), strict=True):
        assert torch.equal(here, there) if torch.is_tensor(here) else here == there


def test_a_training_in_half_precision_skips_steps_that_overflow_and_goes_on(tmp_path: Path) -> None:
    # which steps it skips at first depends on the potential, so that errors after a few epochs are not those of others
    more = ["--trainer.precision", "16-mixed", "--trainer.max_epochs", "30", "--run_dir", str(tmp_path / "run")]
    potential = ["--model.potential", str(CONFIGS / "potential" / "schnet.yaml")]
    assert main(["fit", *TRAINING, *potential, *more]) == 0
    lines = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    losses = [float(row["train/loss"]) for row in csv.DictReader(lines) if row["train/loss"]]
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed", "64-true"])
@pytest.mark.parametrize("name", ["ani_feed_forward", "schnet", "painn"])
def test_errors_on_a_gpu_are_those_on_a_cpu(tmp_path: Path, name: str, precision: str) -> None:
    potential = ["--model.potential", str(CONFIGS / "potential" / f"{name}.yaml"), "--trainer.max_epochs", "3"]
    found = {}
    for accelerator, exact in (("gpu", precision), ("cpu", "64-true")):
        run = tmp_path / accelerator
        settings = ["--trainer.accelerator", accelerator, "--trainer.precision", exact]
        assert main(["fit", *TRAINING, *potential, *settings, "--run_dir", str(run)]) == 0
        assert main(["test", str(run), "--trainer.accelerator", accelerator]) == 0
        found[accelerator] = Record.load(run).metrics["test"]
    tolerance = 1e-6 if precision == "64-true" else 0.05
    for metric in ("energy_mae", "forces_mae"):
        assert found["gpu"][metric].value == pytest.approx(found["cpu"][metric].value, rel=tolerance)
