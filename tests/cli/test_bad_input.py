"""Wrong settings and damaged files are refused before training, in words that name the key or the file."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from potbench.cli.main import main
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
    ("words", "message"),
    [
        (["--data.batchsize", "3"], "unknown key 'batchsize'. Did you mean batch_size?"),
        (["--trainer.max_epoch", "3"], "unknown key 'trainer.max_epoch'. Did you mean trainer.max_epochs?"),
        (
            ["--model.init_args.potential.init_args.readout.init_args.hidden_size", "[3]"],
            "unknown key 'hidden_size'. Did you mean hidden_sizes?",
        ),
        (
            ["--model.init_args.loss.init_args.force", "3"],
            "unknown key 'force'. Did you mean forces?",
        ),
    ],
)
def test_unknown_key_names_the_nearest(words: list[str], message: str, refused: Refused) -> None:
    assert f"potbench: {message}" in refused(["fit", *QUICK, *words])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainerr: {max_epochs: 3}", "unknown key 'trainerr.max_epochs'. Did you mean trainer.max_epochs?"),
        ("trainer: {max_epoch: 3}", "unknown key 'trainer.max_epoch'. Did you mean trainer.max_epochs?"),
        ("data: {init_args: {batchsize: 3}}", "unknown key 'batchsize'. Did you mean batch_size?"),
        ("seed_everithing: 3", "unknown key 'seed_everithing'. Did you mean seed_everything?"),
    ],
)
def test_unknown_key_in_yaml_names_the_nearest(text: str, message: str, tmp_path: Path, refused: Refused) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(text)
    assert f"potbench: {message}" in refused(["fit", *QUICK, "--config", str(file)])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--data.split.init_args.train", "0.5", "--data.split.init_args.test", "0.1"],
            'The split fractions {"train": 0.5, "validation": 16.0, "test": 0.1} add up to 16.6, expected 1',
        ),
        (["--data.batch_size", "0"], "data.init_args.batch_size is 0, expected at least 1."),
        (
            ["--data.split.init_args.train", "10000000"],
            "The split asks for 10000000 + 16 + 16 frames of",
        ),
        (
            ["--model.loss.init_args.energy", "-1"],
            "The loss weighs energy by -1.0 and forces by 1.0, expected none below zero and one above.",
        ),
        (
            ["--model.optimizer.init_args.lr", "-1"],
            "Invalid learning rate: -1.0. Change model.init_args.optimizer.init_args.",
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
            "data.init_args.reference_energies has no C, N, O, expected every element of the dataset: H, C, N, O.",
        ),
    ],
)
def test_setting_that_cannot_work_is_refused(words: list[str], message: str, tmp_path: Path, refused: Refused) -> None:
    assert message in refused(["fit", *QUICK, *words, "--run_dir", str(tmp_path / "run")])
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_training_that_diverges_is_stopped_and_keeps_nothing_of_it(tmp_path: Path, refused: Refused) -> None:
    run = tmp_path / "run"
    said = refused(["fit", *QUICK, "--model.schedule.init_args.max_lr", "1e18", "--run_dir", str(run)])
    assert "in epoch 1: training has diverged. Lower model.init_args.schedule.init_args.max_lr" in said
    assert not list((run / "checkpoints").glob("*"))


def test_forces_asked_of_a_dataset_without_them_are_refused(ani1: Path, refused: Refused) -> None:
    said = refused([*_ani(ani1), "--model.loss.init_args.forces", "100"])
    assert said == (
        "potbench: The loss weighs forces by 100.0, but ani1 has no forces. "
        "Set model.init_args.loss.init_args.forces to 0."
    )


def test_missing_file_is_named(ani1: Path, refused: Refused) -> None:
    ani1.rename(ani1.with_suffix(".moved"))
    assert refused(_ani(ani1)) == (
        f"potbench: {ani1} does not exist. Expected an original file of ani1: run `python -m potbench data "
        "prepare ani1 --heavy_atoms '[1]'`, or change data.init_args.dataset.init_args.folder to the folder that holds "
        "it."
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
    assert f"{ani1}, group /gdb11_s01/gdb11_s01-0: energy of frame 3 is NaN or infinite (1 of 60 frames)." in said
    assert not list(prepared.glob("*/manifest.json"))


def test_element_that_the_potential_does_not_know_is_named(ani1: Path, refused: Refused) -> None:
    with h5py.File(ani1, "a") as root:
        group = root["gdb11_s01/gdb11_s01-0"]
        del group["species"]
        group["species"] = np.array(["Si", "H", "H", "H", "H"], dtype="S2")
    assert "The dataset ani1 has Si, but the potential was built for H, C, N, O." in refused(_ani(ani1))


def test_run_is_tested_on_the_split_it_was_trained_with(finished_run: Path, refused: Refused) -> None:
    assert main(["test", "--run", str(finished_run), "--data.batch_size", "4"]) == 0  # which leaves the split alone
    said = refused(["test", "--run", str(finished_run), "--data.split.init_args.seed", "1"])
    assert f"{finished_run} was trained with another split: fingerprint" in said


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_command_without_settings_says_what_to_give(command: str, refused: Refused) -> None:
    assert "Expected --config FILE, such as configs/quickstart.yaml, or --run RUN." in refused([command])


def test_missing_config_file_is_named(refused: Refused) -> None:
    said = refused(["fit", *QUICK, "--model", "configs/model/none.yaml"])
    assert "configs/model/none.yaml does not exist. Expected a config file; change the key that names it." in said
    assert "nowhere.yaml" in refused(["fit", "--config", "nowhere.yaml"])


def test_run_that_is_none_is_refused(tmp_path: Path, refused: Refused) -> None:
    assert refused(["test", "--run", str(tmp_path)]) == (
        f"potbench: {tmp_path} is no run: it has no config.yaml. "
        "Expected a folder that `python -m potbench fit` made; change --run."
    )
