from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from potbench.errors import RecordError
from potbench.loading.preparation import store_folder
from potbench.loading.store import Store
from potbench.runs.choices import Choices
from potbench.runs.folder import RunFolder
from potbench.runs.recipe import flat
from potbench.runs.written_places import stored
from potbench.structures import Frames


def choices(folder: Path, **changes: object) -> Choices:
    """Of a run whose config differs so from others."""
    config = {
        "seed_everything": 0,
        "trainer": {"max_epochs": 5, "accelerator": "cpu", "precision": None},
        "model": {"class_path": "potbench.training.GradientTask", "init_args": {
            "potential": {"class_path": "potbench.potentials.AtomicPotential", "init_args": {
                "representation": {"class_path": "potbench.representations.AEV", "init_args": {"radial_eta": 16.0}},
                "readout": {"class_path": "potbench.readouts.FeedForward", "init_args": {"hidden_sizes": [128]}},
            }},
            "loss": {"class_path": "potbench.training.EnergyForcesLoss", "init_args": {"energy": 1.0, "forces": 10.0}},
            "optimizer": {"class_path": "torch.optim.Adam", "init_args": {"lr": 0.001}},
            "schedule": {"class_path": "potbench.training.OneCycle", "init_args": {"max_lr": 0.003}},
        }},
        "data": {"class_path": "potbench.loading.AtomsDataModule", "init_args": {
            "dataset": {"class_path": "potbench.datasets.Sample"}, "batch_size": 32, "seed": 0, "root": None,
        }},
    }  # fmt: skip
    for place, value in changes.items():
        *parts, last = place.split("__")
        inside = config
        for part in parts:
            inside = inside[part]
        inside[last] = value
    folder.mkdir()
    run = RunFolder(folder)
    run.config.write_text(yaml.safe_dump(config))
    return Choices.load(run)


def test_settings_are_named_by_where_they_are_without_classes_in_between() -> None:
    recipe = {"a": {"class_path": "x.y.Z", "init_args": {"b": 1, "c": {"class_path": "Q"}}}, "d": [1, 2]}
    assert flat(recipe) == {"a": "Z", "a.b": 1, "a.c": "Q", "d": [1, 2]}


def test_settings_that_early_configs_lack_distinguish_nothing_at_what_they_were(tmp_path: Path) -> None:
    repulsion = "model__init_args__potential__init_args__repulsion"
    early = choices(tmp_path / "early").identity
    assert choices(tmp_path / "late", data__init_args__shuffle=True, **{repulsion: False}).identity == early
    sizes = "model__init_args__potential__init_args__radial_sizes"
    assert choices(tmp_path / "sized", **{sizes: [64, 64, 64]}).identity == early
    assert choices(tmp_path / "resized", **{sizes: [64, 64]}).identity != early
    assert choices(tmp_path / "ordered", data__init_args__shuffle=False).identity != early
    assert choices(tmp_path / "repelling", **{repulsion: True}).identity != early
    standardize = "model__init_args__potential__init_args__standardize"
    assert choices(tmp_path / "plain", model__init_args__capture=None, **{standardize: False}).identity == early
    assert choices(tmp_path / "standardized", **{standardize: True}).identity != early
    momentum = "model__init_args__schedule__init_args__momentum"
    assert choices(tmp_path / "cycled", **{momentum: [0.85, 0.95]}).identity == early
    assert choices(tmp_path / "steady", **{momentum: [0.9, 0.9]}).identity != early
    degree = "model__init_args__potential__init_args__representation__init_args__max_l"
    assert choices(tmp_path / "matrices", **{degree: 2}).identity == early
    assert choices(tmp_path / "degree_3", **{degree: 3}).identity != early


@pytest.mark.parametrize(
    "changes",
    [
        {"seed_everything": 7},
        {"data__init_args__seed": 7},
        {"data__init_args__root": "/elsewhere"},
        {"trainer__accelerator": "gpu"},
        {"data__init_args__split": {"class_path": "potbench.loading.RandomSplit", "init_args": {"seed": 3}}},
    ],
)
def test_seeds_places_and_devices_make_no_other_architecture(tmp_path: Path, changes: dict[str, object]) -> None:
    assert choices(tmp_path / "a").identity == choices(tmp_path / "b", **changes).identity


@pytest.mark.parametrize(
    "changes",
    [
        {"trainer__max_epochs": 6},
        {"trainer__precision": "64-true"},
        {"data__init_args__batch_size": 16},
        {"model__init_args__schedule__init_args__max_lr": 0.01},
        {"model__init_args__potential__init_args__readout__init_args__hidden_sizes": [64]},
    ],
)
def test_what_numbers_depend_on_does(tmp_path: Path, changes: dict[str, object]) -> None:
    assert choices(tmp_path / "a").identity != choices(tmp_path / "b", **changes).identity


def test_a_recipe_is_told_in_words(tmp_path: Path) -> None:
    found = choices(tmp_path / "a")
    assert found.name == "AEV + FeedForward"
    assert found.learning_rate == 0.003
    assert found.loss_weights == "energy 1.0, forces 10.0"
    closed = choices(tmp_path / "b", model={"class_path": "T", "init_args": {"potential": {"class_path": "p.SGDML"}}})
    assert closed.name == "SGDML"
    assert closed.learning_rate is None
    assert closed.loss_weights == ""


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("a: [", "it is no config in YAML"),
        ("a: 2026-13-45", "it is no config in YAML"),
        ("model: {init_args: [1]}", "it is no config in YAML"),
        ("", r"it has no model\.potential, trainer, data\.batch_size"),
        ("[]", r"it has no model\.potential, trainer, data\.batch_size"),
        ("3", r"it has no model\.potential, trainer, data\.batch_size"),
        ("text", r"it has no model\.potential, trainer, data\.batch_size"),
        ("{trainer: {max_steps: 3}, data: {batch_size: 3}}", r"it has no model\.potential\."),
        ("{trainer: {max_steps: 3}, model: {init_args: {potential: p}}, data: }", r"it has no data\.batch_size\."),
        ("{trainer: 3, model: {init_args: {potential: p}}, data: {batch_size: 3}}", "it has no trainer"),
    ],
)
def test_a_damaged_config_is_refused_by_name(tmp_path: Path, config: str, said: str) -> None:
    run = RunFolder(tmp_path)
    run.config.write_text(config)
    with pytest.raises(RecordError, match=rf"config\.yaml is damaged: {said}"):
        Choices.load(run)


def test_a_config_that_was_cut_off_is_damaged(tmp_path: Path) -> None:
    potential = {"class_path": "p.SGDML", "init_args": {"sigma": 10}}
    config = {
        "trainer": {"max_steps": 3, "precision": None},
        "model": {"class_path": "t.Task", "init_args": {"potential": potential, "loss": None}},
        "data": {
            "class_path": "d.Data",
            "init_args": {"split": {"class_path": "s.Split"}, "batch_size": 32, "root": None},
        },
    }
    run = RunFolder(tmp_path)
    lines = yaml.safe_dump(config, sort_keys=False).splitlines(keepends=True)
    run.config.write_text("".join(lines))
    assert Choices.load(run).name == "SGDML"
    for number in range(len(lines) - 1):
        run.config.write_text("".join(lines[:number])[:-1])
        with pytest.raises(RecordError, match=r"config\.yaml is damaged"):
            Choices.load(run)


def test_a_store_is_found_where_it_lies_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "own"))
    frames = Frames("H2", np.array([1, 1]), np.arange(12.0).reshape(2, 2, 3), np.zeros(2), None)
    made = Store.write(tmp_path / "made", [frames]).manifest
    assert stored(made, None) is None
    Store.write(store_folder(made, tmp_path / "named"), [frames])
    assert stored(made, str(tmp_path / "named")) is not None
    assert stored(replace(made, fingerprint="other"), str(tmp_path / "named")) is None
    Store.write(store_folder(made, tmp_path / "own"), [frames])
    assert stored(made, None) is not None
