from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from potbench.data_quality.nearest import nearest_of_each
from potbench.loading import AtomsDataModule, ColumnSplit, IndexSplit, RandomSplit, SplitIndices, Store
from potbench.runs.evaluation import Evaluation
from potbench.runs.folder import RunFolder
from potbench.runs.predictions import annotate, errors
from potbench.runs.record import Record
from potbench.runs.recorder import Recorder
from potbench.units import KCAL_PER_MOL
from tests.native_files.made import Made, blocks, frames
from tests.runs.small_run import evaluate, fit
from tests.training.small_task import small_data

pytestmark = pytest.mark.filterwarnings("ignore")

KINDS = np.array(["cold", "cold", "cold", "hot", "far"])


def columned() -> list:
    """The blocks, with a column, and the places of their frames in a trajectory."""
    made = [block._replace(time=np.arange(len(block.energy)) + 100) for block in blocks(True)]
    return [block._replace(columns={"kind": KINDS[np.arange(len(block.energy)) % 5]}) for block in made]


def named_data(folder: Path) -> AtomsDataModule:
    """Frames of three kinds, two of which test."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "named.h5"
    file.write_text("named")
    split = ColumnSplit("kind", "cold", {"hot": "hot", "far away": "far"}, validation=3)
    return AtomsDataModule(Made(file, columned), split, batch_size=4)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run with named test sets, trained and tested; read, never changed."""
    folder = RunFolder(tmp_path_factory.mktemp("named") / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTBENCH_DATA", str(folder.path.parent / "prepared"))
        fit(folder, epochs=1, data=named_data(folder.path.parent))
        evaluate(folder, data=named_data(folder.path.parent))
    return folder


def test_errors_of_a_test_are_the_means_of_those_of_its_frames(named: RunFolder) -> None:
    metrics = Record.load(named.path).metrics["test"]
    with np.load(named.predictions, allow_pickle=False) as arrays:
        energy, components = np.abs(arrays["energy_error"]), 3 * arrays["num_atoms"].sum()
        mae = arrays["force_absolute_error"].sum() / components
        rmse = np.sqrt(arrays["force_squared_error"].sum() / components)
    assert metrics["energy_mae"].value == pytest.approx(energy.mean() / KCAL_PER_MOL, rel=1e-9)
    assert metrics["forces_mae"].value == pytest.approx(mae / KCAL_PER_MOL, rel=1e-6)
    assert metrics["forces_rmse"].value == pytest.approx(rmse / KCAL_PER_MOL, rel=1e-6)


def test_each_frame_says_which_molecule_it_is_of_and_when_it_was(named: RunFolder) -> None:
    store = Store(next((named.path.parent / "prepared").glob("made-*")))
    with np.load(named.predictions, allow_pickle=False) as arrays:
        frame = arrays["frame"]
        expected = store.molecule_names[store.molecule_of(frame)]
        assert arrays["molecules"][arrays["molecule"]].tolist() == expected.tolist()
        assert arrays["time"].tolist() == store.time[frame].tolist()
        assert arrays["num_atoms"].tolist() == store.atoms_of(frame).atoms_per_frame.tolist()
        kinds = dict(zip(["hot", "far"], ["hot", "far away"], strict=True))
        sets = arrays["test_sets"][arrays["test_set"]]
        assert sets.tolist() == [kinds[kind] for kind in store.columns["kind"][frame]]


def test_each_frame_says_how_far_the_nearest_training_frame_of_its_run_is(
    named: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(next((named.path.parent / "prepared").glob("made-*")))
    train = SplitIndices.load(named.split).train
    with np.load(named.predictions, allow_pickle=False) as arrays:
        frame, found = arrays["frame"], arrays["nearest"]
    np.testing.assert_array_equal(found, nearest_of_each(store, frame, train))
    assert np.isfinite(found).any()
    monkeypatch.setenv("POTBENCH_DATA", str(named.path.parent / "prepared"))
    run = RunFolder(tmp_path / "run")
    shutil.copytree(named.path, run.path)
    # another split of the same frames: what was trained on stays the same
    other = named_data(named.path.parent)
    other.split = RandomSplit(4, 4, 8)
    evaluate(run, data=other)
    (elsewhere,) = run.path.rglob("test_best*/predictions.npz")
    with np.load(elsewhere, allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["nearest"], nearest_of_each(store, arrays["frame"], train))
    # other frames: nobody knows how far those that were trained on are
    evaluate(run, data=small_data(tmp_path, forces=True))
    with np.load(max(run.path.rglob("test_*/predictions.npz"), key=os.path.getmtime), allow_pickle=False) as arrays:
        assert "nearest" not in arrays


@pytest.mark.parametrize("name", ["hot", "far away"])
def test_errors_of_a_named_test_set_are_those_of_a_test_on_it_alone(
    named: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(named.path.parent / "prepared"))
    data = named_data(named.path.parent)
    data.prepare_data()
    data.setup("test")
    alone = tmp_path / "alone.npz"
    sets = data.indices
    np.savez(alone, train=sets.train, validation=sets.validation, test=sets.test_sets[name])
    other = named_data(named.path.parent)
    other.split = IndexSplit(alone)
    elsewhere = RunFolder(tmp_path / "run")
    monkeypatch.setattr("potbench.runs.evaluator.draw_figures", lambda run, record: None)
    evaluate(elsewhere, named.best, data=other)
    found = Record.load(named.path).metrics[f"test/{name}"]
    expected = Record.load(elsewhere.path).metrics["test"]
    assert found.keys() == expected.keys() - {"loss"}
    for error, quantity in found.items():
        assert quantity.unit == expected[error].unit
        assert quantity.value == pytest.approx(expected[error].value, rel=1e-6), error


def test_named_test_sets_are_in_the_record_and_have_figures(named: RunFolder) -> None:
    record = Record.load(named.path)
    assert record.metrics.keys() == {"validation", "test", "test/hot", "test/far away"}
    assert record.test_sets.keys() == record.split.test_sets.keys() == {"hot", "far away"}
    assert sum(record.split.test_sets.values()) == record.split.test
    for name in record.test_sets:
        assert named.of_test_set(name).parity_figure.read_bytes() != named.parity_figure.read_bytes()
        assert named.of_test_set(name).residuals_figure.is_file()


def test_predictions_set_aside_take_the_figures_of_test_sets_along(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    for text in ("old", "new"):
        figure = run.of_test_set("hot").parity_figure
        figure.parent.mkdir(parents=True)
        figure.write_text(text)
        run.set_aside("test_best")
    assert not run.test_sets.exists()
    assert run.evaluation("test_best").of_test_set("hot").parity_figure.read_text() == "new"


def test_a_run_that_improves_sets_the_errors_of_its_test_sets_aside(
    named: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Record.load(named.path)
    aside = Recorder(named, "", None, None, 0)
    monkeypatch.setattr("potbench.runs.recorder.sha256", lambda file: "another")
    monkeypatch.setattr(RunFolder, "set_aside", lambda self, name: None)
    after = aside._with_earlier_set_aside(record)
    assert after.metrics.keys() == {"validation"}
    (evaluation,) = after.evaluations.values()
    assert evaluation.test_sets == record.test_sets
    assert evaluation.metrics == record.metrics["test"]


@pytest.mark.parametrize(
    ("look", "counted"),
    [
        (lambda folder: evaluate(folder), 1),
        (lambda folder: evaluate(folder, folder.last), 1),
        (lambda folder: evaluate(folder, changes="precision: 16-true"), 1),
        (lambda folder: evaluate(folder, stage="validation"), 0),
        (lambda folder: fit(folder, epochs=3, checkpoint=folder.last), 0),
        (lambda folder: evaluate(folder, data=named_data(folder.path.parent)), 0),
    ],
)
def test_looks_at_the_test_frames_are_counted(
    folder: RunFolder, look: Callable[[RunFolder], object], counted: int
) -> None:
    assert Record.load(folder.path).test_looks == 1
    look(folder)
    assert Record.load(folder.path).test_looks == 1 + counted


def test_an_early_record_was_looked_at_as_often_as_it_shows(folder: RunFolder) -> None:
    early = replace(Record.load(folder.path), test_looks=None)
    early.save(folder.path)
    assert Record.load(folder.path).known_looks == 1
    evaluate(folder)
    assert Record.load(folder.path).test_looks == 2
    untested = replace(early, evaluations={"validation": Evaluation(None, early.provenance)})
    assert untested.known_looks == 0


def test_labels_that_are_not_known_have_no_errors(tmp_path: Path) -> None:
    store = Store.write(tmp_path / "store", [frames("CH4", 4, forces=True)])
    energy, forces = np.array([1.0, np.nan, 2.0, 4.0]), np.zeros((4, 15))
    forces[2] = np.nan
    predictions = {
        "frame": np.arange(4),
        "energy": energy,
        "predicted_energy": energy + KCAL_PER_MOL,
        "forces": forces.ravel(),
        "predicted_forces": forces.ravel() + 2 * KCAL_PER_MOL,
    }
    found = annotate(predictions, store, RandomSplit(1, 1, 2).divide(store), {1: 0.0, 6: 0.0})
    assert np.isnan(found["energy_error"]).tolist() == [False, True, False, False]
    assert np.isnan(found["force_absolute_error"]).tolist() == [False, False, True, False]
    measured = errors(found)
    assert measured["energy_mae"] == pytest.approx(1)
    assert measured["forces_rmse"] == pytest.approx(2)
    nothing = {**found, "energy": np.full(4, np.nan), "forces": np.full(60, np.nan)}
    assert errors(nothing) == {}
