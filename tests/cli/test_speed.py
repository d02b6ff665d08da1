from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from ase.build import molecule

from potbench.cli.main import main
from tests.native_files import conformers, write_ani1

DATA = ["speed", "data", "--frames", "0", "--passes", "1"]
SPREAD = {"median", "lowest", "highest"}


@pytest.fixture(autouse=True)
def _short_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("potbench.speed.data.FRAMES_IN_A_PASS", 100)


@pytest.fixture
def ani1(tmp_path: Path) -> Path:
    folder = tmp_path / "ani1"
    for heavy_atoms, name in [(1, "CH4"), (2, "CH3OH"), (3, "HCN")]:
        write_ani1(folder, {0: conformers(name, 20)}, heavy_atoms=heavy_atoms)
    return folder


@pytest.fixture
def _process_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # training silences Lightning and sets memory and threads of its process, which is that of the tests here
    monkeypatch.setattr("potbench.speed.train.keep_freed_memory", lambda: True)
    level, threads = logging.getLogger("lightning.pytorch").level, torch.get_num_threads()
    yield
    logging.getLogger("lightning.pytorch").setLevel(level)
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_figures_of_data_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    words = ["speed", "data", "--frames", "3000", "--batches", "4", "--batch_size", "64", "--passes", "1"]
    assert main([*words, "--json", str(file)]) == 0
    written = json.loads(file.read_text())
    assert set(written) == {"machine", "versions", "data", "frames_per_second", "large_store"}
    assert set(written["frames_per_second"]) == SPREAD
    assert written["large_store"]["frames"] == 3000
    printed = capsys.readouterr().out
    assert written["data"] in printed.splitlines()
    assert written["data"].endswith("batches of up to 64")
    assert "3,000 simulated frames" in printed


@pytest.mark.slow
def test_figures_of_prepare_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    words = ["speed", "prepare", "--turns", "1", "--database_frames", "30", "--frames", "3000"]
    assert main([*words, "--json", str(file)]) == 0
    written = json.loads(file.read_text())
    assert set(written) == {"machine", "versions", "data", "store", "database", "ratio", "simulated"}
    assert written["simulated"]["frames"] == 3000
    assert f"{written['database']['median']:,.0f}" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("_process_left_as_it_was")
def test_figures_of_train_are_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    words = ["speed", "train", "--batch_size", "16", "--steps", "3", "--force_steps", "1", "--rounds", "2"]
    message = ["--message_steps", "2", "--message_batch_size", "4", "--message_features", "8"]
    more = ["--message_interactions", "1", "--threads", "1", "--return_memory"]
    assert main([*words, *message, *more, "--json", str(file)]) == 0
    written = json.loads(file.read_text())
    steps = {name: len(written[name][0]["losses"]) for name in ("energy", "energy_and_forces", "schnet", "painn")}
    assert steps == {"energy": 3, "energy_and_forces": 1, "schnet": 2, "painn": 2}
    assert written["message_passing"] == {"batch_size": 4, "num_features": 8, "num_interactions": 1}
    assert written["rounds"] == 2
    assert written["machine"]["threads"] == 1
    assert not written["freed_memory_kept"]
    printed = capsys.readouterr().out
    assert written["data"] in printed.splitlines()
    assert f"{written['painn'][2]['frames_per_second']['median']:,.0f}" in printed


def test_without_options_the_sample_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(DATA) == 0
    printed = capsys.readouterr().out
    assert "\nsample: " in printed
    assert "Time to open" not in printed


@pytest.mark.parametrize("words", [["--heavy_atoms", "1", "3"], ["--heavy-atoms=[1,3]"]])
def test_ani1_is_read_from_the_files_asked_for(
    ani1: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    # hyphens as in earlier versions
    assert main([*DATA, "--ani1", str(ani1), *words, "--batch-size", "7"]) == 0
    atoms = (len(molecule("CH4")) + len(molecule("HCN"))) / 2
    described = f"ani1: 32 frames to train on, {atoms:.1f} atoms each on average, batches of up to 7"
    assert described in capsys.readouterr().out.splitlines()


def test_a_config_names_any_dataset_and_the_flag_its_batches(
    ani1: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(
        "class_path: potbench.loading.AtomsDataModule\n"
        "init_args:\n"
        "  dataset:\n"
        "    class_path: potbench.datasets.ANI1\n"
        f"    init_args: {{folder: {ani1}, heavy_atoms: [2]}}\n"
        "  batch_size: 3\n"
    )
    assert main([*DATA, "--dataset_config", str(file), "--batch_size", "5"]) == 0
    described = "ani1: 16 frames to train on, 6.0 atoms each on average, batches of up to 5"
    assert described in capsys.readouterr().out.splitlines()


def test_a_config_of_something_else_is_refused(tmp_path: Path, refused: Callable[[list[str]], str]) -> None:
    file = tmp_path / "data.yaml"
    file.write_text("class_path: potbench.loading.RandomSplit\n")
    expected = "dataset_config is potbench.loading.RandomSplit, expected the class path of an AtomsDataModule."
    assert expected in refused([*DATA, "--dataset_config", str(file)])


def test_a_wrong_setting_in_a_config_is_named(tmp_path: Path, refused: Callable[[list[str]], str]) -> None:
    file = tmp_path / "data.yaml"
    file.write_text(
        "class_path: potbench.loading.AtomsDataModule\n"
        "init_args:\n"
        "  dataset: {class_path: potbench.datasets.Sample}\n"
        "  split: {class_path: potbench.loading.RandomSplit, init_args: {train: 0}}\n"
    )
    said = refused([*DATA, "--dataset_config", str(file)])
    assert said.startswith("train is 0")
    assert said.endswith(f"Change dataset_config.init_args.split.init_args.train in {file}.")


def test_a_config_that_is_not_there_is_named(tmp_path: Path, refused: Callable[[list[str]], str]) -> None:
    file = tmp_path / "data.yaml"
    assert f"dataset_config is {file}, which does not exist." in refused([*DATA, "--dataset_config", str(file)])


def test_files_that_are_not_there_are_named(ani1: Path, refused: Callable[[list[str]], str]) -> None:
    assert refused([*DATA, "--ani1", str(ani1), "--heavy_atoms", "1", "4"]) == (
        f"{ani1 / 'ani_gdb_s04.h5'} does not exist. Expected the folder of the ani_gdb_sNN.h5 files. Change --ani1."
    )


@pytest.mark.parametrize("words", [[], ["--dataset_config", "configs/data/sample.yaml"]])
def test_files_of_ani1_are_not_chosen_without_their_folder(
    refused: Callable[[list[str]], str], words: list[str]
) -> None:
    said = refused([*DATA, "--heavy_atoms", "2", *words])
    assert said == (
        "heavy_atoms chooses among the files of ANI-1, and ani1 does not say where they are. Expected ani1 beside it. "
        "Change --heavy_atoms."
    )


def test_data_are_chosen_in_one_way(ani1: Path, refused: Callable[[list[str]], str]) -> None:
    said = refused([*DATA, "--ani1", str(ani1), "--dataset_config", "configs/data/ani1.yaml"])
    assert said == "ani1 and dataset_config both choose the data. Expected one of them. Change --ani1."


def test_too_few_simulated_frames_are_refused(refused: Callable[[list[str]], str]) -> None:
    expected = "frames is 9, expected 0, or at least 10, which are divided into sets. Change --frames."
    assert [refused(["speed", command, "--frames", "9"]) for command in ("data", "prepare")] == [expected] * 2


@pytest.mark.parametrize(
    ("command", "flag", "smallest"),
    [
        *(("data", flag, 1) for flag in ("batch_size", "passes", "batches")),
        *(("prepare", flag, 1) for flag in ("turns", "database_frames")),
        *((command, "frames", 0) for command in ("data", "prepare")),
        *(("train", flag, 1) for flag in ("batch_size", "steps", "message_batch_size", "rounds", "threads")),
        *(("train", flag, 0) for flag in ("force_steps", "message_steps")),
        ("train", "message_interactions", 1),
        ("train", "message_features", 2),
    ],
)
def test_a_number_too_small_is_refused(
    command: str, flag: str, smallest: int, refused: Callable[[list[str]], str]
) -> None:
    said = refused(["speed", command, f"--{flag}={smallest - 1}"])
    assert said == f"{flag} is {smallest - 1}, expected at least {smallest}. Change --{flag}."


@pytest.mark.parametrize("command", ["data", "prepare"])
def test_without_linux_simulated_frames_must_be_left_out(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[[list[str]], str]
) -> None:
    monkeypatch.setattr("potbench.speed.process_memory.STATUS", tmp_path / "status")
    said = refused(["speed", command])
    assert f"There is no {tmp_path / 'status'} to read memory from" in said
    assert said.endswith("Expected 0 on other systems. Change --frames.")
