"""`tune` with real trainings; tests/studies/test_tune.py has the searches themselves."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from potbench.cli.main import main
from potbench.cli.tune import _config
from potbench.errors import MissingPackageError
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.studies.searches.search import read_search
from potbench.studies.searches.tune import require_values
from tests.cli.conftest import CONFIGS

Refused = Callable[[list[str]], str]
SEARCHES = sorted((CONFIGS / "searches").glob("*.yaml"))


def search_file(folder: Path, **changes: object) -> Path:
    """A search over the learning rate, two of which are obviously bad."""
    settings = {
        "config": str(CONFIGS / "quickstart.yaml"),
        "set": {
            "data.split.train": 48,
            "data.split.validation": 16,
            "data.split.test": 16,
            "data.batch_size": 16,
            "model.potential": str(CONFIGS / "potential" / "pairwise.yaml"),
        },
        "objective": "validation/forces_mae",
        "sampler": "grid",
        "budget": {"epochs": 2},
        "accelerator": "cpu",
        "space": {"model.schedule.max_lr": {"choice": [1e-7, 1e-2, 1e-8, 1e5]}},
        **changes,
    }
    file = folder / "rates.yaml"
    file.write_text(yaml.safe_dump({name: value for name, value in settings.items() if value is not None}))
    return file


@pytest.mark.slow
def test_the_better_of_good_and_bad_rates_is_found_by_the_validation_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = search_file(tmp_path)
    assert main(["tune", str(file)]) == 0
    printed = capsys.readouterr().out
    folder = tmp_path / "runs" / "tune" / "rates"
    with (folder / "trials.csv").open(newline="") as stream:
        rows = {float(row["model.schedule.max_lr"]): row for row in csv.DictReader(stream)}
    assert {rate: row["state"] for rate, row in rows.items()} == {
        **dict.fromkeys((1e-7, 1e-2, 1e-8), "finished"),
        1e5: "diverged",
    }
    best = min((row for row in rows.values() if row["value"]), key=lambda row: float(row["value"]))
    assert best is rows[1e-2]
    run = RunFolder(folder / "trials" / f"{int(best['number']):04}")
    record = Record.load(run.path)
    assert float(best["value"]) == pytest.approx(record.metrics["validation"]["forces_mae"].value)
    assert record.budget is not None
    assert (record.budget.epochs, record.test_looks) == (2, 0)
    assert record.cost is not None
    assert record.cost.cpu_time is not None
    assert float(best["cpu_seconds"]) > (record.cost.cpu_time.value or 0)
    # the best config is one of fit, of the whole length
    text = (folder / "best.yaml").read_text()
    assert "# model.schedule.max_lr: 0.01\n" in text
    config = yaml.safe_load(text)
    assert config["model"]["init_args"]["schedule"]["init_args"]["max_lr"] == 1e-2
    assert config["trainer"]["max_epochs"] == 50
    again = ["--trainer.max_epochs", "1", "--run_dir", str(tmp_path / "again")]
    assert main(["fit", "--config", str(folder / "best.yaml"), *again]) == 0
    assert (folder / "figures" / "search.png").stat().st_size > 5_000
    assert "max_lr" in (folder / "figures" / "parameters.svg").read_text()
    for said in ("4 of 4 trials done: 1 diverged, 3 finished.", f"The best, trial {best['number']}, with"):
        assert said in " ".join(printed.split())
    capsys.readouterr()
    assert main(["tune", str(file), "--status"]) == 0
    assert "4 of 4 trials done" in capsys.readouterr().out


def test_a_key_or_a_value_that_fit_refuses_is_refused_in_its_words_and_nothing_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.chdir(tmp_path)
    rates = {"choice": [1e-3, 1e-2]}
    file = search_file(tmp_path, space={"model.optimiser.lr": rates})
    said = refused(["tune", str(file)])
    assert said.startswith("There is no setting model.init_args.optimiser.lr. Did you mean optimizer?")
    assert said.endswith(f"So it is with model.optimiser.lr: 0.001 in {file}.")
    file = search_file(tmp_path, space={"data.batch_size": {"choice": [16, "many"]}})
    said = refused(["tune", str(file)])
    assert "batch_size is 'many', expected a whole number." in said
    assert "So it is with data.batch_size: many in" in said
    file = search_file(tmp_path, space={"model.potential": {"choice": ["nowhere.yaml", "else.yaml"]}})
    assert "nowhere.yaml" in refused(["tune", str(file)])
    file = search_file(tmp_path, config="nowhere.yaml")
    assert "nowhere.yaml does not exist. Expected a file" in refused(["tune", str(file)])
    assert "is no search: it has no search.json" in refused(["tune", str(search_file(tmp_path)), "--status"])
    assert not (tmp_path / "runs").exists()
    assert refused(["tune", "none.yaml"]) == "none.yaml does not exist. Expected a search file. Change SEARCH."


def test_an_objective_that_a_trial_would_not_measure_is_refused_and_nothing_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.chdir(tmp_path)
    file = search_file(tmp_path, space={"model.loss.forces": {"choice": [1.0, 0.0]}})
    said = refused(["tune", str(file)])
    assert said.startswith("The objective is validation/forces_mae, and the loss does not weight forces")
    assert said.endswith(f"So it is with model.loss.forces: 0.0 in {file}.")
    assert not (tmp_path / "runs").exists()


def test_a_part_of_a_training_needs_its_length(tmp_path: Path, refused: Refused) -> None:
    endless = {"trainer.max_epochs": -1}
    file = search_file(tmp_path, budget={"fraction": 0.5}, set=endless)
    assert "budget.fraction is given, and the config says neither" in refused(["tune", str(file)])


def test_the_length_of_a_trial_is_that_of_the_budget(tmp_path: Path) -> None:
    lengths = {}
    for budget in ({"steps": 7}, {"epochs": 3}, {"fraction": 0.25}, {}):
        what = read_search(search_file(tmp_path, budget=budget))
        trainer = _config(tmp_path, what, {}, what.budget, [])["trainer"]
        lengths[str(budget)] = (trainer["max_steps"], trainer["max_epochs"])
    assert list(lengths.values()) == [(7, -1), (-1, 3), (-1, 13), (-1, 50)]


@pytest.mark.parametrize(
    "file",
    [pytest.param(each, marks=pytest.mark.slow) for each in SEARCHES[1:]] + SEARCHES[:1],
    ids=lambda file: file.stem,
)
def test_every_search_that_ships_has_keys_and_values_that_fit_takes(file: Path) -> None:
    what = read_search(file)
    asked: list[str] = []
    require_values(what, lambda values: asked.append(str(values)) or _config(file, what, values, what.budget, []))
    assert len(asked) == len(set(asked)) == 1 + sum(len(each.extremes()) - 1 for each in what.parameters.values())


def test_without_optuna_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    monkeypatch.chdir(tmp_path)
    said = refused(["tune", str(search_file(tmp_path))])
    assert said == str(MissingPackageError("optuna", "A search for hyperparameters needs", "tune"))
