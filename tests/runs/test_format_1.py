"""Records that potbench 0.1 wrote; format_1.json is the whole record of a quickstart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from potbench.errors import RecordError
from potbench.runs.record import Record
from potbench.units import Quantity

TEXT = (Path(__file__).parent / "format_1.json").read_text(encoding="utf-8")


def without(*keys: str) -> str:
    return json.dumps({key: part for key, part in json.loads(TEXT).items() if key not in keys})


def test_a_record_of_format_1_is_read_whole() -> None:
    old, record = json.loads(TEXT), Record.from_json(TEXT)
    assert record.format == 2
    assert (record.name, record.command, record.num_parameters) == (old["name"], old["command"], 197_636)
    assert record.provenance.versions == old["versions"]
    assert vars(record.provenance.machine) == {**old["machine"], "matrix_products": None}
    assert record.provenance.git_commit == old["git_commit"]
    assert vars(record.seeds) == old["seeds"]
    assert record.data.license == old["data"]["licence"]
    assert record.data.units.energy == "eV"
    assert record.data.sources[0].sha256 == old["data"]["sources"][0]["sha256"]
    assert record.split.rule == "potbench.loading.RandomSplit(train=0.8, validation=0.1, test=0.1, seed=0)"
    assert record.split.fingerprint == old["split"]["fingerprint"]
    assert (record.split.train, record.split.validation, record.split.test) == (1800, 225, 225)
    assert record.split.leakage is not None
    assert record.split.leakage.nearest == old["split"]["separation"]["nearest"]
    assert record.statistics.reference_energies[8] == old["statistics"]["reference_energies"]["8"]
    assert {
        stage: {name: {"value": error.value, "unit": error.unit} for name, error in errors.items()}
        for stage, errors in record.metrics.items()
    } == old["metrics"]
    assert record.evaluations["test"].checkpoint == old["evaluated"]["test"]["checkpoint"]
    assert record.evaluations["test"].provenance.versions == old["evaluated"]["test"]["versions"]
    assert record.cost is not None
    assert record.cost.wall_time == Quantity(**old["wall_time"])
    assert vars(record.budget) == old["budget"]
    assert record.best_epoch == 46


def test_what_was_read_in_format_1_is_written_in_format_2() -> None:
    record = Record.from_json(TEXT)
    assert json.loads(record.to_json())["format"] == 2
    assert Record.from_json(record.to_json()) == record


def test_an_interrupted_run_of_format_1_is_read() -> None:
    later = ("best_epoch", "metrics", "num_parameters", "throughput", "wall_time", "peak_memory", "budget", "evaluated")
    record = Record.from_json(without(*later))
    assert (record.cost, record.budget, record.best_epoch, record.metrics, record.evaluations) == (
        *(None, None, None),
        *({}, {}),
    )


def test_before_leakage_was_measured_there_was_none() -> None:
    old = json.loads(TEXT)
    del old["split"]["separation"]
    assert Record.from_json(json.dumps(old)).split.leakage is None


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda old: old.update(split="random"), "split is 'random', expected"),
        (lambda old: old.update(data=None), "data is None, expected"),
        (lambda old: old["split"].update(separation=3), "split.leakage is 3, expected"),
        (lambda old: old.update(evaluated=[]), "evaluations is [], expected"),
        (lambda old: old.update(best_epoch=float("nan")), "best_epoch is nan, expected a valid integer"),
        (lambda old: old.update(best_epoch=1.5), "best_epoch is 1.5, expected a valid integer"),
        (lambda old: old.pop("wall_time"), "cost.wall_time is missing"),
        (lambda old: old["data"].update(licence=3), "data.license is 3, expected a valid string"),
    ],
)
def test_what_has_the_wrong_type_in_format_1_is_named(change: Callable[[dict[str, Any]], object], wrong: str) -> None:
    old = json.loads(TEXT)
    change(old)
    with pytest.raises(RecordError, match="damaged") as caught:
        Record.from_json(json.dumps(old))
    assert wrong in str(caught.value)
