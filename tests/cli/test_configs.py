"""Configs: cells that name their blocks, and blocks that replace one another whole."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from functools import cache
from inspect import isabstract
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

import potbench.datasets
from potbench.cli.main import main
from potbench.datasets.rmd17 import Molecule
from tests.cli.conftest import CONFIGS, QUICK
from tests.native_files import conformers, write_ani1
from tests.native_files.npz import write_rmd17
from tests.rivals import skip_without_package

CELLS = sorted(file for file in CONFIGS.rglob("*.yaml") if "data" in yaml.safe_load(file.read_text()))
FOLDERS = ("data", "potential", "training")
BLOCKS = {folder: sorted((CONFIGS / folder).glob("*.yaml")) for folder in FOLDERS}
POTENTIAL = "model.init_args.potential"
IN_CELLS = {(cell.parent / yaml.safe_load(cell.read_text())[POTENTIAL]).resolve() for cell in CELLS}
OWN_FILES = {"ase_database", "extended_xyz", "generated", "sgdml_file"}
# it is solved, and knows one molecule: tests/cli/test_one_molecule.py trains it
SOLVED = {"sgdml"}
NOT_YET_TRAINED = [block for block in BLOCKS["potential"] if block not in IN_CELLS or block.stem in SOLVED]


def name(file: Path) -> str:
    return file.relative_to(CONFIGS).with_suffix("").as_posix()


def some(blocks: list[Path]) -> list[object]:
    """All blocks, of which each run of the tests has every third."""
    return [pytest.param(block, marks=[pytest.mark.slow] if number % 3 else []) for number, block in enumerate(blocks)]


@cache
def expanded(*arguments: str) -> dict[str, Any]:
    """The configuration of fit, with every default."""
    printed = StringIO()
    with redirect_stdout(printed), pytest.raises(SystemExit, match=r"^(0|None)$"):
        main(["fit", *arguments, "--print_config"])
    config: dict[str, Any] = yaml.safe_load(printed.getvalue())
    return config


def apart(config: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
    """Data, potential, training and the rest of a configuration."""
    rest = json.loads(json.dumps(config))
    data = rest.pop("data")
    training = rest.pop("model")
    potential = training["init_args"].pop("potential", None)
    return data, potential, training, rest


@pytest.mark.parametrize("cell", CELLS, ids=name)
def test_every_cell_trains(cell: Path, tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    skip_without_package(cell)
    monkeypatch.chdir(tmp_path)
    downloads = prepared / "downloads"
    molecules = {0: conformers("CH4", 40), 1: conformers("NH3", 20), 2: conformers("H2O", 40)}
    for heavy_atoms in range(1, 9):
        write_ani1(downloads / "ani1", molecules, heavy_atoms)
    for molecule in get_args(Molecule):
        write_rmd17(downloads / "rmd17", molecule, num_frames=130, fold_size=65)
    assert main(["fit", "--config", str(cell), "--trainer.fast_dev_run", "true", "--trainer.accelerator", "cpu"]) == 0


@pytest.mark.parametrize("cell", CELLS, ids=name)
def test_every_cell_names_a_data_block_a_training_block_and_a_potential_block(cell: Path) -> None:
    settings = yaml.safe_load(cell.read_text())
    named = dict(zip(FOLDERS, (settings["data"], settings[POTENTIAL], settings["config"]), strict=True))
    for folder, block in named.items():
        assert (cell.parent / block).resolve() in BLOCKS[folder]


def test_cells_of_one_folder_use_the_same_data_block() -> None:
    for one, other in combinations(CELLS, 2):
        if one.parent == other.parent:
            assert yaml.safe_load(one.read_text())["data"] == yaml.safe_load(other.read_text())["data"]


def test_no_recipe_is_copied() -> None:
    """Losses, optimizers and schedules are in training blocks alone, and no two blocks say the same."""
    for file in CONFIGS.rglob("*.yaml"):
        if file not in BLOCKS["training"]:
            assert "potbench.training.EnergyForcesLoss" not in file.read_text()
            assert "torch.optim" not in file.read_text()
    for blocks in BLOCKS.values():
        for one, other in combinations(blocks, 2):
            assert yaml.safe_load(one.read_text()) != yaml.safe_load(other.read_text())


def test_every_dataset_class_has_a_data_block() -> None:
    kinds = {kind.__name__ for kind in vars(potbench.datasets).values() if _is_readable(kind)}
    assert {block["dataset"]["class_path"].rpartition(".")[2] for block in map(_init_args, BLOCKS["data"])} == kinds


def test_no_data_block_presets_a_unit_or_a_file_of_the_users() -> None:
    for file in BLOCKS["data"]:
        arguments = _init_args(file)["dataset"].get("init_args", {})
        assert not [key for key in arguments if key == "file" or key.endswith("_unit")]


@pytest.mark.parametrize("block", some(BLOCKS["potential"]), ids=name)
def test_swapping_the_potential_changes_the_potential_alone(block: Path) -> None:
    """Nothing else of the config changes, and nothing of the former potential stays."""
    cell = ["--config", str(CONFIGS / "rmd17/schnet.yaml"), "--model.potential.scale", "3.0"]
    data, _, training, rest = apart(expanded(*cell))
    alone = expanded("--config", str(CONFIGS / "training/energies.yaml"), "--model.potential", str(block))
    assert apart(expanded(*cell, "--model.potential", str(block))) == (data, apart(alone)[1], training, rest)


@pytest.mark.parametrize("block", NOT_YET_TRAINED, ids=name)
def test_the_quickstart_trains_on_forces_whatever_its_potential(
    block: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["fit", *QUICK, "--model.potential", str(block), "--trainer.fast_dev_run", "true"])
    assert status == (2 if block.stem in SOLVED else 0)
    assert ("forces" in capsys.readouterr().out) == (status == 0)


@pytest.mark.parametrize("block", some(BLOCKS["data"]), ids=name)
def test_swapping_the_data_changes_the_data_alone(block: Path) -> None:
    file = ["--data.dataset.file", "mine"] if block.stem in OWN_FILES else []
    cell = ["--config", str(CONFIGS / "rmd17/painn.yaml"), "--data.split.validation", "7", "--data.num_workers", "3"]
    swapped = apart(expanded(*cell, "--data", str(block), *file))
    alone = expanded("--data", str(block), *file)["data"]
    assert swapped == (alone, *apart(expanded(*cell))[1:])


BATCHES = {"plain": {"batch_size": 2048, "evaluation_batch_size": None}, "muon_energies": {"batch_size": 512}}
"""Of blocks whose batches are part of the recipe."""


@pytest.mark.parametrize("block", some(BLOCKS["training"]), ids=name)
def test_swapping_the_training_changes_the_training_alone(block: Path) -> None:
    cell = ["--config", str(CONFIGS / "rmd17/ani_hybrid.yaml")]
    data, potential, training, rest = apart(expanded(*cell, "--config", str(block)))
    assert training == apart(expanded("--config", str(block), "--data", str(BLOCKS["data"][0])))[2]
    former = apart(expanded(*cell))
    assert potential == (None if block.stem == "closed_form" else former[1])  # that one solves kernels alone
    former[0]["init_args"].update(BATCHES.get(block.stem, {}))
    assert data == former[0]
    if block.stem in {"closed_form", "least_squares"}:  # one pass, the second in double precision
        rest["trainer"]["precision"] = former[3]["trainer"]["precision"]
        rest["trainer"]["max_epochs"] = former[3]["trainer"]["max_epochs"]
    assert rest == former[3]


def test_blocks_nest_by_paths_and_later_arguments_win(tmp_path: Path) -> None:
    second = tmp_path / "second.yaml"
    second.write_text("trainer: {max_epochs: 7}\ndata: {init_args: {batch_size: 3}}\n")
    config = expanded(*QUICK, "--config", str(second), "--data.batch_size", "5")
    assert config["trainer"]["max_epochs"] == 7
    assert config["data"]["init_args"]["batch_size"] == 5
    assert config["model"]["init_args"]["potential"]["init_args"]["readout"]["init_args"]["hidden_sizes"] == [128]
    assert config["model"]["init_args"]["loss"]["init_args"]["forces"] == 1.0


def test_environment_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTBENCH_FIT__TRAINER__MAX_EPOCHS", "9")
    config = expanded.__wrapped__("--data", str(CONFIGS / "data/sample.yaml"))
    assert config["trainer"]["max_epochs"] == 9


def test_a_cell_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = str(CONFIGS / "ani1/ani_feed_forward_plain.yaml")
    monkeypatch.setenv("POTBENCH_FIT__CONFIG", cell)
    assert expanded.__wrapped__() == expanded("--config", cell)


def _init_args(block: Path) -> dict[str, Any]:
    arguments: dict[str, Any] = yaml.safe_load(block.read_text())["init_args"]
    return arguments


def _is_readable(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, potbench.datasets.Dataset) and not isabstract(kind)
