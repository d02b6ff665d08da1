from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import pytest

from potbench.errors import RecordError, RunError
from potbench.runs.evaluation import Evaluation
from potbench.runs.record import Record
from potbench.units import Quantity
from tests.runs.small_record import PROVENANCE, small_record


def strictly(text: str) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise AssertionError(f"the record holds {name}, which is no JSON")

    return json.loads(text, parse_constant=refuse)


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    """The record as JSON, with a change that potbench would never write."""
    plain = json.loads(small_record().to_json())
    change(plain)
    return json.dumps(plain)


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    record = small_record()
    record.save(tmp_path)
    assert Record.load(tmp_path) == record
    assert Record.from_json(record.to_json()) == record


def test_a_record_of_a_run_that_has_just_begun_is_read_back() -> None:
    begun = replace(small_record(), metrics={}, evaluations={}, num_parameters=None, cost=None, budget=None)
    assert Record.from_json(begun.to_json()) == begun


def test_a_record_without_what_later_versions_added_is_read() -> None:
    """Evaluations had a checkpoint and a provenance; runs had no parent."""
    plain = json.loads(small_record().to_json())
    for name in ("parent", "diverged", "inference", "laws"):
        del plain[name]
    for name in ("cpu_time", "preparation", "captured_steps", "compiled_steps"):
        del plain["cost"][name]
    plain["evaluations"] = {"test": {name: plain["evaluations"]["test"][name] for name in ("checkpoint", "provenance")}}
    record = Record.from_json(json.dumps(plain))
    assert record.parent is record.diverged is record.inference is record.laws is None
    assert record.cost == replace(
        small_record().cost, cpu_time=None, preparation=None, captured_steps=None, compiled_steps=None
    )
    assert record.evaluations["test"] == Evaluation("runs/small/checkpoints/best.ckpt", PROVENANCE)


def test_the_json_begins_with_its_format_and_names_everything() -> None:
    text = small_record().to_json()
    plain = strictly(text)
    assert next(iter(plain.items())) == ("format", 2)
    assert plain["provenance"]["machine"]["threads"] == 2
    assert plain["statistics"] == {
        "reference_energies": {"1": -13.6, "8": -2042.6},
        "energy_spread": 0.5,
        "forces_rms": None,
        "num_frames": 11,
        "shortest_distances": None,
    }
    assert plain["split"]["leakage"]["nearest"] == 0.1
    assert plain["metrics"]["test"]["energy_mae"] == {"value": 0.25, "unit": "kcal/mol"}
    assert plain["cost"]["wall_time"] == {"value": 60.0, "unit": "s"}
    assert "kcal/mol/Å" in text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_cannot_hold_is_null(value: float) -> None:
    record = replace(small_record(), metrics={"test": {"energy_mae": Quantity(value, "meV")}})
    assert strictly(record.to_json())["metrics"]["test"]["energy_mae"] == {"value": None, "unit": "meV"}
    assert Record.from_json(record.to_json()).metrics["test"]["energy_mae"].value is None


def test_a_record_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        small_record().name = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda record: record["split"].update(train="five"), "split.train is 'five', expected a valid integer"),
        (lambda record: record["split"].update(train=5.5), "split.train is 5.5, expected a valid integer"),
        (lambda record: record.pop("data"), "data is missing"),
        (lambda record: record["data"].pop("fingerprint"), "data.fingerprint is missing"),
        (lambda record: record.update(seeds=[1, 2]), "seeds is [1, 2], expected"),
        (lambda record: record["metrics"]["test"].update(energy_mae=0.5), "metrics.test.energy_mae is 0.5, expected"),
        (
            lambda record: record["metrics"]["test"]["energy_mae"].update(value="0.5"),
            "metrics.test.energy_mae.value is '0.5', expected a valid number",
        ),
        (
            lambda record: record["statistics"]["reference_energies"].update(C=1.0),
            "statistics.reference_energies.C.[key] is 'C', expected a valid integer",
        ),
        (lambda record: record["cost"].update(wall_time=None), "cost.wall_time is None, expected"),
        (lambda record: record.update(format="two"), "format is 'two', expected a valid integer"),
    ],
)
def test_what_has_the_wrong_type_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], wrong: str
) -> None:
    file = tmp_path / "record.json"
    file.write_text(changed(change))
    with pytest.raises(RecordError) as caught:
        Record.load(tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{file} is damaged: {wrong}")
    assert message.endswith("Expected what potbench wrote. Delete it, and `fit` and `test` of this run write it anew.")


@pytest.mark.parametrize(
    "content", [b"", b'{"name": "a run", "metr', b"[1, 2]", b"3", b"null", b"\xff\xfe\x00", b"[" * 100_000]
)
def test_a_damaged_record_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(content)
    with pytest.raises(RecordError) as caught:
        Record.load(tmp_path)
    assert str(caught.value).startswith(f"{file} is damaged: ")
    assert len(str(caught.value)) < 500


def test_every_cut_of_a_record_is_refused() -> None:
    text = small_record().to_json().rstrip()
    for length in range(0, len(text), 7):
        with pytest.raises(RecordError):
            Record.from_json(text[:length])


def test_a_record_of_a_newer_version_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(changed(lambda record: record.update(format=3)))
    with pytest.raises(RecordError, match=r"has format 3: a newer version of potbench wrote it\.") as caught:
        Record.load(tmp_path)
    assert "Delete" not in str(caught.value)


def test_a_folder_without_a_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        Record.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds no record.json. Expected the folder of a run. Choose another folder."
    )


def killed_while_writing(run: Path) -> None:
    def kill(file: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = kill
    replace(small_record(), name="new").save(run)


def test_a_killed_write_leaves_the_old_record(tmp_path: Path) -> None:
    small_record().save(tmp_path)
    process = multiprocessing.get_context("fork").Process(target=killed_while_writing, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert Record.load(tmp_path) == small_record()
    replace(small_record(), name="new").save(tmp_path)
    assert Record.load(tmp_path).name == "new"
