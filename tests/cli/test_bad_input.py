"""Settings that cannot work and damaged files are refused before training; messages name the key or the file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from potbench.cli.main import main
from potbench.runs.record import Record
from tests.cli.conftest import CONFIGS, QUICK, SMALL
from tests.native_files import conformers, write_ani1

Refused = Callable[[list[str]], str]
ANI = ["fit", "--config", str(CONFIGS / "ani1/ani_feed_forward.yaml"), "--data.dataset.init_args.heavy_atoms", "[1]"]


@pytest.fixture
def ani1(tmp_path: Path) -> Path:
    return write_ani1(tmp_path / "ani1", {0: conformers("CH4", 60), 1: conformers("NH3", 60)})


def _ani(file: Path) -> list[str]:
    return [*ANI, *SMALL, "--data.dataset.init_args.folder", str(file.parent), "--run_dir", str(file.parent / "run")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--data.split.init_args.train", "0.5", "--data.split.init_args.test", "0.1"],
            "The fractions of the split are 0.5 + 16 + 0.1 = 16.6. Expected 1, or three whole numbers. "
            "Change data.init_args.split.init_args.train.",
        ),
        (["--data.batch_size", "0"], "batch_size is 0, expected more than 0. Change data.init_args.batch_size."),
        (["--data.seed", "-1"], "seed is -1, expected 0 or more. Change data.init_args.seed."),
        (["--data.split.seed", "-1"], "seed is -1, expected 0 or more. Change data.init_args.split.init_args.seed."),
        (
            ["--data.split.init_args.train", "10000000"],
            "The split asks for 10000000 + 16 + 16 frames of 2250. Expected at least one in each set and no more than "
            "there are. Change data.init_args.split.init_args.train.",
        ),
        (
            ["--model.loss.init_args.energy", "-1"],
            "energy is -1.0, expected a weight of at least 0. Change model.init_args.loss.init_args.energy.",
        ),
        (
            ["--model.optimizer.init_args.lr", "-1"],
            "Adam: Invalid learning rate: -1.0. Expected what it accepts. "
            "Change model.init_args.optimizer.init_args.lr.",
        ),
        (
            ["--model.schedule.init_args.max_lr", "0"],
            "max_lr is 0.0, expected more than 0. Change model.init_args.schedule.init_args.max_lr.",
        ),
        (
            ["--model.potential.init_args.readout.init_args.dropout", "1.5"],
            "dropout is 1.5, expected at least 0 and less than 1. "
            "Change model.init_args.potential.init_args.readout.init_args.dropout.",
        ),
        (
            ["--data.reference_energies", "{H: -13.6}"],
            "There is no reference energy of C, N, O. Expected every element of the dataset: H, C, N, O. "
            "Change data.init_args.reference_energies.",
        ),
    ],
)
def test_setting_that_cannot_work_is_refused_with_its_key(
    arguments: list[str], message: str, tmp_path: Path, refused: Refused
) -> None:
    assert refused(["fit", *QUICK, *arguments, "--run_dir", str(tmp_path / "run")]) == message
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_nested_split_is_refused_with_the_key_of_the_inner_one(tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "nested.yaml"
    inner = "{class_path: potbench.loading.RandomSplit, init_args: {train: 0}}"
    file.write_text(
        "data: {init_args: {split: {class_path: potbench.loading.NestedSplit, init_args: "
        f"{{size: 5, split: {inner}}}}}}}}}"
    )
    said = refused(["fit", *QUICK, "--config", str(file)])
    assert said == "train is 0.0, expected more than 0. Change data.init_args.split.init_args.split.init_args.train."


def test_training_that_diverges_is_stopped_and_keeps_nothing_of_it(tmp_path: Path, refused: Refused) -> None:
    run = tmp_path / "run"
    said = refused(["fit", *QUICK, "--model.schedule.init_args.max_lr", "1e6", "--run_dir", str(run)])
    assert " in epoch 1, at step 2: training has diverged. Expected less than " in said
    assert "Likely cause: the learning rate. Lower it: max_lr of the schedule, or lr of the optimizer." in said
    assert not list((run / "checkpoints").glob("*"))
    diverged = Record.load(run).diverged
    assert diverged
    assert (diverged.epoch, diverged.step) == (0, 2)
    assert " ".join(diverged.reason.split()) == said


def test_forces_asked_of_a_dataset_without_them_are_refused(ani1: Path, refused: Refused) -> None:
    said = refused([*_ani(ani1), "--model.loss.init_args.forces", "100"])
    assert said == (
        "The loss weights forces by 100.0, but ani1 has no forces. Expected 0. "
        "Change model.init_args.loss.init_args.forces."
    )


def test_missing_file_is_named(ani1: Path, refused: Refused) -> None:
    ani1.rename(ani1.with_suffix(".moved"))
    assert refused(_ani(ani1)) == (
        f"{ani1} does not exist. Expected a file of ani1 there. Run `python -m potbench data prepare ani1 "
        "--heavy_atoms '[1]'`, or change data.init_args.dataset.init_args.folder to the folder that holds it."
    )


def test_truncated_file_is_named(ani1: Path, refused: Refused, prepared: Path) -> None:
    ani1.write_bytes(ani1.read_bytes()[: ani1.stat().st_size // 2])
    assert f"{ani1} cannot be read as HDF5 of the expected layout" in refused(_ani(ani1))
    assert not list(prepared.glob("*/manifest.json"))


def test_wrong_layout_is_named(ani1: Path, refused: Refused) -> None:
    with h5py.File(ani1, "a") as root:
        del root["gdb11_s01/gdb11_s01-1/energies"]
    assert f"{ani1}, group /gdb11_s01/gdb11_s01-1, has no energies." in refused(_ani(ani1))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_label_that_is_no_number_is_named(ani1: Path, refused: Refused, value: float, prepared: Path) -> None:
    with h5py.File(ani1, "a") as root:
        root["gdb11_s01/gdb11_s01-0/energies"][3] = value
    said = refused(_ani(ani1))
    assert (
        f"{ani1}, group /gdb11_s01/gdb11_s01-0: energy of frame 3 is NaN or infinite (1 of the 60 frames from frame 0 "
        "on)." in said
    )
    assert not list(prepared.glob("*/manifest.json"))


def test_element_that_the_potential_does_not_know_is_named(ani1: Path, refused: Refused) -> None:
    with h5py.File(ani1, "a") as root:
        group = root["gdb11_s01/gdb11_s01-0"]
        del group["species"]
        group["species"] = np.array(["Si", "H", "H", "H", "H"], dtype="S2")
    assert "The dataset ani1 has Si, but the potential was built for H, C, N, O." in refused(_ani(ani1))


def test_errors_on_another_split_are_kept_beside_those_of_the_run(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    before = json.loads((run / "record.json").read_text())["metrics"]
    predictions = (run / "predictions.npz").read_bytes()
    assert main(["test", str(run), "--data.split.init_args.seed", "1"]) == 0
    assert json.loads((run / "record.json").read_text())["metrics"] == before
    assert (run / "predictions.npz").read_bytes() == predictions
    assert len(list((run / "evaluations").glob("*/predictions.npz"))) == 1
