from pathlib import Path
from typing import get_args

import pytest
import yaml

from potbench.cli.main import main
from potbench.datasets.rmd17 import Molecule
from tests.cli.conftest import CONFIGS, QUICK
from tests.native_files import conformers, write_ani1
from tests.native_files.npz import write_rmd17

CELLS = sorted(file for file in CONFIGS.rglob("*.yaml") if "data" in (yaml.safe_load(file.read_text()) or {}))
MODELS = sorted((CONFIGS / "model").glob("*.yaml"))
# it knows one molecule, and the sample has fifteen: tests/cli/test_one_molecule.py trains it on one
REFUSE_THE_SAMPLE = {"sgdml"}


@pytest.mark.parametrize("cell", CELLS, ids=lambda file: str(file.relative_to(CONFIGS)))
def test_every_cell_trains(cell: Path, tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    downloads = prepared / "downloads"
    molecules = {0: conformers("CH4", 40), 1: conformers("NH3", 20), 2: conformers("H2O", 40)}
    for heavy_atoms in range(1, 9):
        write_ani1(downloads / "ani1", molecules, heavy_atoms)
    for molecule in get_args(Molecule):
        write_rmd17(downloads / "rmd17", molecule, num_frames=130, fold_size=65)
    words = ["fit", "--config", str(cell), "--trainer.fast_dev_run", "true", "--trainer.accelerator", "cpu"]
    assert main(words) == 0


@pytest.mark.parametrize("model", MODELS, ids=lambda file: file.stem)
def test_every_model_swaps_in_by_its_path(model: Path, tmp_path: Path) -> None:
    status = 2 if model.stem in REFUSE_THE_SAMPLE else 0
    assert main(["fit", *QUICK, "--model", str(model), "--trainer.fast_dev_run", "true"]) == status


def test_blocks_nest_by_paths_and_later_words_win(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    second = tmp_path / "second.yaml"
    second.write_text("trainer: {max_epochs: 7}\ndata: {init_args: {batch_size: 3}}\n")
    with pytest.raises(SystemExit):
        main(["fit", *QUICK, "--config", str(second), "--data.batch_size", "5", "--print_config"])
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["trainer"]["max_epochs"] == 7
    assert config["data"]["init_args"]["batch_size"] == 5
    assert config["model"]["init_args"]["potential"]["init_args"]["readout"]["init_args"]["hidden_sizes"] == [128]


def test_environment_variables_are_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("POTBENCH_FIT__TRAINER__MAX_EPOCHS", "9")
    with pytest.raises(SystemExit):
        main(["fit", "--data", str(CONFIGS / "data/sample.yaml"), "--print_config"])
    assert yaml.safe_load(capsys.readouterr().out)["trainer"]["max_epochs"] == 9
