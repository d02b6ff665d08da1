"""Schemas for editors: they take what potbench takes, and mark what it refuses."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft7Validator

from potbench.cli.config_of_fit import config_of_fit
from potbench.cli.schema import classes, settings
from potbench.schemas.arguments import Argument
from potbench.schemas.files import Kind, schema
from potbench.shipped.new import new
from potbench.studies.yaml_text import plain_yaml
from tests.cli.conftest import CONFIGS

KINDS: dict[str, Kind] = {
    "data": "data",
    "potential": "potential",
    "trainer": "trainer",
    "studies": "study",
    "searches": "search",
}
SHIPPED = sorted(CONFIGS.rglob("*.yaml"))
CONFIG = "quickstart.yaml"


@cache
def validator(kind: Kind) -> Draft7Validator:
    return Draft7Validator(json.loads(json.dumps(schema(kind, *known()))))


@cache
def known() -> tuple[list[Argument], dict[str, type[Any]]]:
    return settings(), classes()


def is_marked(kind: Kind, content: object) -> bool:
    return not validator(kind).is_valid(content)


def read(file: Path) -> Any:
    return plain_yaml(file.read_text())


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.relative_to(CONFIGS).as_posix())
def test_every_shipped_config_validates_and_a_wrong_key_in_it_does_not(file: Path) -> None:
    kind, content = KINDS.get(file.parent.name, "fit"), read(file)
    assert not is_marked(kind, content), list(validator(kind).iter_errors(content))[:1]
    assert is_marked(kind, {**content, "dataa": 1})


def test_a_whole_config_with_every_default_validates() -> None:
    whole = config_of_fit(["--config", str(CONFIGS / CONFIG)])
    assert not is_marked("fit", whole), list(validator("fit").iter_errors(whole))[:1]
    whole["data"]["init_args"]["split"]["init_args"]["trian"] = 0.8
    assert is_marked("fit", whole)


@pytest.mark.parametrize(
    "wrong",
    [
        {"trainer": {"max_epoch": 3}},
        {"trainer": {"max_epochs": "three"}},
        {"trainer.max_epoch": 3},
        {"seed": 3},
        {"model.init_args.loss.init_args.force": 1.0},
        {"model.loss.force": 1.0},
        {"data": {"class_path": "potbench.loading.AtomsDataModule", "init_args": {"batch": 3}}},
        {"model": {"class_path": "potbench.training.GradientTask", "init_args": {"los": None}}},
        {"data.dataset.molecule": "ethanole"},
    ],
    ids=str,
)
def test_what_fit_refuses_is_marked(wrong: dict[str, object]) -> None:
    assert is_marked("fit", {**read(CONFIGS / CONFIG), **wrong})


@pytest.mark.parametrize(
    "right",
    [
        {"model.loss.forces": 10},
        {"data.dataset.molecule": "ethanol"},
        {"trainer": "trainer/100_epochs.yaml"},
        {"trainer.callbacks+": [{"class_path": "lightning.pytorch.callbacks.EMAWeightAveraging"}]},
        {"config": ["training/plain.yaml", "trainer/100_epochs.yaml"]},
        {"model.init_args.optimizer": {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1, "momentum": 0.9}}},
        {"model.init_args.optimizer": {"class_path": "mine.Optimizer", "init_args": {"anything": 1}}},
        {"model.init_args.loss.init_args.error": "torch.nn.HuberLoss"},
        {"checkpoint_every_minutes": 5},
    ],
    ids=str,
)
def test_what_fit_takes_is_not_marked(right: dict[str, object]) -> None:
    content = {**read(CONFIGS / CONFIG), **right}
    assert not is_marked("fit", content), list(validator("fit").iter_errors(content))[:1]


def test_a_study_is_marked_where_a_key_is_missing_or_wrong() -> None:
    study = read(CONFIGS / "studies" / "quick.yaml")
    assert is_marked("study", {key: each for key, each in study.items() if key != "question"})
    assert is_marked("study", {**study, "budget": {"rules": "steps"}})
    assert is_marked("study", {**study, "set": {"model.loss.force": 1}})
    assert is_marked("study", {**study, "tuning": {"trials": 3, "space": {"model.optimizer.lr": {"chose": [1, 2]}}}})
    assert is_marked("study", {**study, "tuning": {"trials": 3, "space": {"model.optimizer.rate": {"choice": [1, 2]}}}})
    assert not is_marked(
        "study", {**study, "tuning": {"trials": 3, "space": {"model.optimizer.lr": {"choice": [1, 2]}}}}
    )


def test_templates_validate(tmp_path: Path) -> None:
    assert not is_marked("fit", read(new("architecture", "own_one", tmp_path)[-1]))
    assert not is_marked("fit", read(new("dataset", "own_two", tmp_path)[-1]))
    assert not is_marked("study", read(new("study", "own_three", tmp_path)[-1]))


@pytest.mark.parametrize("kind", ["data", "search"])
def test_schemas_are_schemas(kind: Kind) -> None:
    Draft7Validator.check_schema(validator(kind).schema)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_settings_are_described(kind: Kind) -> None:
    text = json.dumps(validator(kind).schema)
    said = {
        "fit": "frames in a batch, over all processes together",
        "data": "frames in a batch, over all processes together",
        "potential": "distance",
        "trainer": "Stop training once this number of epochs is reached",
        "study": "how often each is repeated, and what changes",
        "search": "error of the validation set that chooses",
    }
    assert said[kind] in text
    assert all(name in validator(kind).schema["definitions"] for name in _references(validator(kind).schema))


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"].removeprefix("#/definitions/")} if isinstance(part.get("$ref"), str) else set()
        return own.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()
