import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from matplotlib.image import imread

from potbench.cli.main import main
from potbench.loading import SplitIndices
from potbench.runs.checkpoint import load_potential
from potbench.units import KCAL_PER_MOL
from tests.cli.conftest import QUICK, finish, start


def test_run_folder_holds_everything(finished_run: Path) -> None:
    files = {str(file.relative_to(finished_run)) for file in finished_run.rglob("*") if file.is_file()}
    assert files == {
        "config.yaml",
        "trained_on.npz",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "metrics.csv",
        "record.json",
        "split.npz",
        "predictions.npz",
        "figures/loss.png",
        "figures/parity.png",
        "figures/residuals.png",
        "figures/sensitivity.png",
    }


def test_record_says_every_number_with_its_unit(finished_run: Path) -> None:
    record = json.loads((finished_run / "record.json").read_text())
    units = {
        "energy_mae": "kcal/mol",
        "energy_rmse": "kcal/mol",
        "energy_mae_mev": "meV",
        "energy_rmse_mev": "meV",
        "energy_mae_per_atom_mev": "meV/atom",
        "energy_r2": "1",
        "forces_mae": "kcal/mol/Å",
        "forces_rmse": "kcal/mol/Å",
        "forces_mae_mev": "meV/Å",
        "forces_rmse_mev": "meV/Å",
    }
    for stage in ("validation", "test"):
        for name, unit in units.items():
            assert record["metrics"][stage][name]["unit"] == unit
            assert np.isfinite(record["metrics"][stage][name]["value"])
    assert record["num_parameters"] == 197_636
    assert record["cost"]["throughput"]["value"] > 0
    assert record["cost"]["wall_time"]["value"] > 0
    assert record["cost"]["peak_memory"]["value"] > 100
    assert record["budget"] == {"epochs": 2, "steps": 6, "frames": 96}
    assert record["seeds"] == {"everything": 0, "batches": 0}
    assert record["split"]["train"] == 48
    assert len(record["split"]["fingerprint"]) == len(record["data"]["fingerprint"]) == 64
    assert record["data"]["theory"].startswith("ωB97X/6-31G(d)")
    assert {"python", "torch", "lightning", "potbench"} <= set(record["provenance"]["versions"])
    assert {"processor", "cores", "threads"} <= set(record["provenance"]["machine"])


def test_record_errors_are_those_of_the_predictions(finished_run: Path) -> None:
    record = json.loads((finished_run / "record.json").read_text())["metrics"]["test"]
    saved = np.load(finished_run / "predictions.npz")
    error = (saved["predicted_energy"] - saved["energy"]) / KCAL_PER_MOL
    assert record["energy_mae"]["value"] == pytest.approx(np.abs(error).mean(), rel=1e-9)
    assert record["energy_rmse"]["value"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-9)
    learned = (saved["energy"] - saved["offset"]) / KCAL_PER_MOL
    assert record["energy_r2"]["value"] == pytest.approx(1 - (error**2).sum() / ((learned - learned.mean()) ** 2).sum())
    force_error = (saved["predicted_forces"] - saved["forces"]) / KCAL_PER_MOL
    assert record["forces_mae"]["value"] == pytest.approx(np.abs(force_error).mean(), rel=1e-5)


def test_test_set_is_the_split_that_was_saved(finished_run: Path) -> None:
    indices = SplitIndices.load(finished_run / "split.npz")
    assert sorted(np.load(finished_run / "predictions.npz")["frame"]) == indices.test.tolist()
    assert not set(indices.test) & set(indices.train)


def test_figures_are_wide_enough_to_print(finished_run: Path) -> None:
    for name in ("loss", "parity", "residuals"):
        assert imread(finished_run / "figures" / f"{name}.png").shape[1] > 900


def test_saved_config_is_whole_and_runs_again_to_the_same_numbers(finished_run: Path, tmp_path: Path) -> None:
    config = yaml.safe_load((finished_run / "config.yaml").read_text())
    assert config["model"]["init_args"]["potential"]["class_path"] == "potbench.potentials.AtomicPotential"
    assert not {"run_dir", "ckpt_path", "resume", "train_on", "config", "run"} & config.keys()
    again = tmp_path / "again"
    assert main(["fit", "--config", str(finished_run / "config.yaml"), "--run_dir", str(again)]) == 0
    assert _rows(again) == _rows(finished_run)


def test_the_config_of_a_resumed_run_runs_again_to_the_same_numbers(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    endless = [*QUICK, "--model.init_args.schedule", "null"]
    assert main(["fit", *endless, "--run_dir", str(first)]) == 0
    assert main(["fit", str(first), "--train_on", "1"]) == 0
    # as earlier versions saved it
    config = yaml.safe_load((first / "config.yaml").read_text())
    config |= {"run_dir": str(first), "ckpt_path": str(first / "checkpoints" / "last.ckpt")}
    (first / "config.yaml").write_text(yaml.safe_dump(config))
    assert main(["fit", "--config", str(first / "config.yaml"), "--run_dir", str(second)]) == 0
    assert _rows(second) == _rows(first)
    assert [row["epoch"] for row in _rows(second) if row["validation/loss"]] == ["0", "1", "2"]


def test_a_run_of_the_config_of_another_is_named_after_it(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fit", "--config", str(finished_run / "config.yaml"), "--trainer.max_epochs", "1"]) == 0
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == finished_run.name


def test_test_needs_the_run_folder_alone(
    finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = json.loads((finished_run / "record.json").read_text())["metrics"]
    monkeypatch.chdir(tmp_path)
    assert main(["test", str(finished_run)]) == 0
    assert json.loads((finished_run / "record.json").read_text())["metrics"] == before
    printed = capsys.readouterr().out
    assert "kcal/mol" in printed
    assert "meV/atom" in printed
    assert str(finished_run) in printed


def test_validate_agrees_with_the_best_epoch(finished_run: Path) -> None:
    before = json.loads((finished_run / "record.json").read_text())["metrics"]["validation"]
    assert main(["validate", f"--run={finished_run}"]) == 0
    after = json.loads((finished_run / "record.json").read_text())["metrics"]["validation"]
    assert after["energy_mae"]["value"] == pytest.approx(before["energy_mae"]["value"], rel=1e-6)


def test_checkpoint_is_read_as_weights_alone(finished_run: Path) -> None:
    checkpoint = torch.load(finished_run / "checkpoints" / "best.ckpt", weights_only=True)
    potential = load_potential(finished_run / "checkpoints" / "best.ckpt")
    assert potential.elements == ["H", "C", "N", "O"]
    weights = {f"potential.{name}": value for name, value in potential.state_dict().items()}
    assert all(torch.equal(weights[name], value) for name, value in checkpoint["state_dict"].items())


def test_default_run_folder_is_named_by_config_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fit", *QUICK, "--trainer.max_epochs", "1"]) == 0
    assert main(["fit", *QUICK, "--trainer.max_epochs", "1"]) == 0
    runs = list((tmp_path / "runs" / "quickstart").iterdir())
    assert len(runs) == 2
    assert all((run / "record.json").is_file() for run in runs)


def test_last_epoch_is_validated_however_seldom_others_are(tmp_path: Path) -> None:
    run = tmp_path / "run"
    seldom = ["--trainer.max_epochs", "3", "--trainer.check_val_every_n_epoch", "2"]
    assert main(["fit", *QUICK, *seldom, "--run_dir", str(run)]) == 0
    assert [row["epoch"] for row in _rows(run) if row["validation/loss"]] == ["1", "2"]


def test_a_run_that_was_never_validated_says_how_it_can_be_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["fit", *QUICK, "--trainer.limit_val_batches", "0", "--run_dir", str(run)]) == 0
    said = capsys.readouterr().out
    assert "No epoch was validated" in said
    command = said.splitlines()[-1].split("python -m potbench ")[1]
    assert main(command.split()) == 0


@pytest.mark.slow
def test_runs_that_start_at_the_same_moment_have_folders_of_their_own(tmp_path: Path) -> None:
    processes = [start("fit", *QUICK, "--trainer.max_epochs", "1", cwd=tmp_path) for _ in range(2)]
    for process in processes:
        finish(process)
    runs = list((tmp_path / "runs" / "quickstart").iterdir())
    assert len(runs) == 2
    assert _rows(runs[0]) == _rows(runs[1])


def test_a_fit_that_is_refused_leaves_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[[list[str]], str]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(["fit", *QUICK, "--model.optimizer.init_args.lr", "-1"])
    refused(["fit", *QUICK, "--trainer.devices", "1000", "--run_dir", "some/where"])
    refused(["test", *QUICK[:-2], "--data.batch_size", "0"])
    assert {path.name for path in tmp_path.iterdir()} <= {"prepared"}


def test_a_dry_run_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["fit", *QUICK, "--trainer.fast_dev_run", "1"]) == 0
    assert {path.name for path in tmp_path.iterdir()} <= {"prepared"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--resume", "auto"], "--resume auto is given alone. Expected --run_dir, the folder to look at. Add it."),
        (["--train_on", "3"], "--train_on is given alone. Expected the folder of a run: fit RUN --train_on EPOCHS."),
        (["--freeze", "readout"], "--freeze is given alone. Expected --from, the run whose weights are frozen."),
        (["--checkpoint_every_minutes", "0"], "Change --checkpoint_every_minutes."),
        (["--checkpoint_every_steps", "-1"], "Change --checkpoint_every_steps."),
    ],
)
def test_flags_of_fit_that_cannot_work_are_refused(
    arguments: list[str],
    said: str,
    refused: Callable[[list[str]], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(["fit", *QUICK, *arguments])


def _rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


PROBE = """
import sys

import numpy as np
import torch

from potbench.cli.main import main
from potbench.training import GradientTask

small = torch.from_numpy(np.full(1_000_000, 1e-39, dtype=np.float32))
setup = GradientTask.setup


def with_threads(task, stage):
    small * 0.9  # starts the threads of torch, as larger data do
    setup(task, stage)


def on_train_end(task):
    print("threads", torch.get_num_threads(), "not zero", (small * 0.9).numpy().view(np.int32).astype(bool).sum())


GradientTask.setup, GradientTask.on_train_end = with_threads, on_train_end
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_numbers_too_small_to_be_normal_are_zero_in_all_threads_of_a_training(tmp_path: Path) -> None:
    """They are slow on a CPU; each thread of torch has to be told, and only the first can be."""
    command = [sys.executable, "-c", PROBE, "fit", *QUICK, "--run_dir", str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True).stdout
    assert "threads 2 not zero 0\n" in printed
