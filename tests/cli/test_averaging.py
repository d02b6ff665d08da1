"""A run that averages its weights, by the block of configs that turns it on."""

from pathlib import Path

import pytest
import torch

from potbench.cli.main import main
from potbench.runs.checkpoint import load_potential
from potbench.runs.record import Record
from tests.cli.conftest import CONFIGS, QUICK

EMA = ["--config", str(CONFIGS / "averaging" / "ema.yaml")]


def test_a_run_is_tested_with_its_averaged_weights_and_has_its_elements(
    tmp_path: Path, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["fit", *QUICK, *EMA, "--run_dir", str(run)]) == 0
    assert main(["test", str(run)]) == 0
    captured = capsys.readouterr()
    assert "WeightAveraging" not in captured.out + captured.err
    record, without = Record.load(run), Record.load(finished_run)
    assert record.metrics["validation"].keys() == without.metrics["validation"].keys()
    assert record.metrics["test"] != without.metrics["test"]
    ours, theirs = (load_potential(folder / "checkpoints" / "best.ckpt") for folder in (run, finished_run))
    for (name, buffer), (_, expected) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert torch.equal(buffer, expected), name
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    name = next(name for name, _ in ours.named_parameters())
    assert not torch.equal(last["state_dict"][f"potential.{name}"], last["current_model_state"][f"potential.{name}"])


@pytest.mark.parametrize("name", ["EMAWeightAveraging", "WeightAveraging"])
def test_averages_of_lightning_named_on_the_command_line_are_right_too(tmp_path: Path, name: str) -> None:
    run = tmp_path / "run"
    averaging = ["--trainer.callbacks+", f"lightning.pytorch.callbacks.{name}"]
    assert main(["fit", *QUICK, *averaging, "--run_dir", str(run)]) == 0
    state = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    integers = {key: value for key, value in state["state_dict"].items() if not value.is_floating_point()}
    assert integers
    for key, value in integers.items():
        assert torch.equal(value, state["current_model_state"][key])
