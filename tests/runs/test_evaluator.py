from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from potbench.errors import RecordError
from potbench.loading import AtomsDataModule, RandomSplit, SplitIndices
from potbench.runs.checkpoint import sha256
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.units import KCAL_PER_MOL
from tests.native_files.made import Made, blocks
from tests.runs.small_run import contents, evaluate, fit
from tests.training.small_task import small_data

pytestmark = pytest.mark.filterwarnings("ignore")


def beside(folder: RunFolder, before: dict[str, str]) -> tuple[str, Record]:
    """Check that an evaluation changed no number of the run and no file but the record; give its name."""
    record = Record.load(folder.path)
    after = contents(folder.path)
    changed = {name for name in after if after[name] != before.get(name)}
    (name,) = record.evaluations.keys() - {"test"}
    assert changed <= {"record.json", f"evaluations/{name}/predictions.npz"}
    assert before.keys() <= after.keys()
    return name, record


def test_the_best_checkpoint_gives_the_errors_of_the_run(finished: RunFolder) -> None:
    evaluation = Record.load(finished.path).evaluations["test"]
    assert evaluation.checkpoint == str(finished.best)
    assert evaluation.sha256 == sha256(finished.best)
    assert evaluation.command.startswith("python -m potbench ")
    assert evaluation.is_of_the_run
    assert evaluation.metrics is None


def test_errors_in_the_record_are_those_of_the_predictions(finished: RunFolder) -> None:
    errors = Record.load(finished.path).metrics["test"]
    with np.load(finished.predictions) as arrays:
        error = (arrays["predicted_energy"] - arrays["energy"]) / KCAL_PER_MOL
        force_error = (arrays["predicted_forces"] - arrays["forces"]) / KCAL_PER_MOL
        learned = (arrays["energy"] - arrays["offset"]) / KCAL_PER_MOL
    assert errors["energy_mae"].value == pytest.approx(np.abs(error).mean(), rel=1e-9)
    assert errors["energy_rmse"].value == pytest.approx(np.sqrt((error**2).mean()), rel=1e-9)
    assert errors["forces_mae"].value == pytest.approx(np.abs(force_error).mean(), rel=1e-5)
    r2 = 1 - (error**2).sum() / ((learned - learned.mean()) ** 2).sum()
    assert errors["energy_r2"].value == pytest.approx(r2, rel=1e-6)


@pytest.mark.parametrize("which", ["last", "of another run", "copy of the best"])
def test_another_checkpoint_is_evaluated_beside_the_run(
    folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], which: str
) -> None:
    if which == "last":
        checkpoint = folder.last
    elif which == "copy of the best":
        checkpoint = tmp_path / "copy.ckpt"
        checkpoint.write_bytes(folder.best.read_bytes())
    else:
        other = RunFolder(tmp_path / "copy" / "other")
        fit(other, epochs=1)
        checkpoint = other.best
    earlier, before = Record.load(folder.path), contents(folder.path)
    capsys.readouterr()
    evaluate(folder, checkpoint)
    name, record = beside(folder, before)
    evaluation = record.evaluations[name]
    assert name == f"test_{checkpoint.stem}_{name[-8:]}"
    assert replace(record, evaluations=earlier.evaluations, test_looks=1) == earlier
    assert (evaluation.checkpoint, evaluation.sha256) == (str(checkpoint), sha256(checkpoint))
    assert evaluation.metrics["energy_mae"].unit == "kcal/mol"
    assert folder.evaluation(name).predictions.is_file()
    said = capsys.readouterr().out.splitlines()
    assert f"Checkpoint: {checkpoint}" in said
    assert said[-1] == str(folder.evaluation(name).path)
    # the same again has the same name
    evaluate(folder, checkpoint)
    assert Record.load(folder.path).evaluations.keys() == {"test", name}


def test_a_validation_of_another_checkpoint_is_stored_beside_the_run_too(folder: RunFolder) -> None:
    earlier, before = Record.load(folder.path), contents(folder.path)
    evaluate(folder, folder.last, stage="validation")
    name, record = beside(folder, before)
    assert name.startswith("validation_last_")
    assert record.metrics == earlier.metrics
    evaluate(folder, stage="validation")
    assert Record.load(folder.path).evaluations.keys() == {"test", name, "validation"}


def test_other_data_are_evaluated_beside_the_run(folder: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "other.h5"
    file.write_text("others")
    data = AtomsDataModule(Made(file, lambda: [blocks(True)[0]]), RandomSplit(1, 1, 1), batch_size=4)
    earlier, before = Record.load(folder.path), contents(folder.path)
    evaluate(folder, data=data)
    name, record = beside(folder, before)
    assert name.startswith(f"test_{data.store.manifest.name}_best_")
    assert replace(record, evaluations=earlier.evaluations) == earlier
    evaluation = record.evaluations[name]
    assert evaluation.data == data.store.manifest
    assert evaluation.split.test == 1
    assert evaluation.frames_seen is None


def test_another_split_is_evaluated_beside_the_run_with_how_many_frames_it_has_seen(
    folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small_data(folder.path.parent, forces=True)
    data.split = RandomSplit(4, 4, 11, seed=1)
    before = contents(folder.path)
    evaluate(folder, data=data)
    name, record = beside(folder, before)
    split = SplitIndices.load(folder.split)
    seen = len({*data.indices.test} & {*split.train, *split.validation})
    assert 7 <= seen <= 11
    evaluation = record.evaluations[name]
    assert evaluation.frames_seen == seen
    assert evaluation.data is None
    assert evaluation.split.fingerprint == data.indices.fingerprint
    assert f"{seen} of these frames trained or validated the run, so errors are too small." in capsys.readouterr().out


def test_other_settings_are_evaluated_beside_the_run(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    earlier, before = Record.load(folder.path), contents(folder.path)
    evaluate(folder, changes="precision: 16-true")
    name, record = beside(folder, before)
    assert record.evaluations[name].settings == "precision: 16-true"
    assert replace(record, evaluations=earlier.evaluations, test_looks=1) == earlier
    assert "Settings: precision: 16-true" in capsys.readouterr().out


def test_predictions_of_an_evaluation_beside_the_run_are_drawn(finished: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "copy" / "run")
    fit(run)
    evaluate(run, run.last)
    (name,) = Record.load(run.path).evaluations
    assert contents(run.evaluation(name).path).keys() == {
        *("predictions.npz", "figures/parity.png", "figures/residuals.png", "figures/sensitivity.png")
    }
    assert Record.load(run.path).metrics.keys() == {"validation"}


def test_a_run_of_which_no_epoch_was_validated_stands_for_its_last_checkpoint(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    fit(run, limit_val_batches=0).save_checkpoint(run.last)
    evaluate(run, run.last)
    assert Record.load(run.path).metrics.keys() == {"validation", "test"}


def test_a_folder_without_a_run_is_that_of_its_first_evaluation(folder: RunFolder, tmp_path: Path) -> None:
    new, other = RunFolder(tmp_path / "copy" / "new"), RunFolder(tmp_path / "copy" / "other")
    fit(other, epochs=1)
    evaluate(new, folder.best)
    first = Record.load(new.path)
    assert first.evaluations.keys() == first.metrics.keys() == {"test"}
    evaluate(new, folder.best)
    assert Record.load(new.path).metrics == first.metrics
    evaluate(new, other.best)
    second = Record.load(new.path)
    assert second.metrics == first.metrics
    assert len(second.evaluations) == 2


def test_a_damaged_record_is_named_before_anything_is_computed(folder: RunFolder) -> None:
    folder.record.write_text("{")
    with pytest.raises(RecordError, match=r"record.json is damaged: .* Delete it, and `fit` and `test` of this run"):
        evaluate(folder)
    assert folder.record.read_text() == "{"


def test_a_record_that_was_deleted_is_written_anew_by_a_test(folder: RunFolder) -> None:
    before = Record.load(folder.path)
    folder.record.unlink()
    evaluate(folder)
    after = Record.load(folder.path)
    assert after.metrics == {"test": before.metrics["test"]}
    assert (after.split, after.statistics) == (before.split, before.statistics)
    assert (after.cost, after.budget) == (None, None)
    assert after.num_parameters == before.num_parameters


def test_a_record_of_format_1_is_updated(folder: RunFolder) -> None:
    record = Record.load(folder.path)
    old = (Path(__file__).parent / "format_1.json").read_text()
    replace(Record.from_json(old), data=record.data, split=record.split).save(folder.path)
    evaluate(folder)
    assert Record.load(folder.path).metrics["test"] == record.metrics["test"]
    assert Record.load(folder.path).metrics["validation"] == Record.from_json(old).metrics["validation"]


def test_an_evaluation_while_the_run_is_trained_is_not_lost(folder: RunFolder) -> None:
    """The record is read again before it is written, by both."""
    record = Record.load(folder.path)
    evaluator = evaluate(folder)
    replace(record, num_parameters=7, command="another").save(folder.path)
    assert evaluator._record.command != "another"
    evaluate(folder, folder.last)
    assert Record.load(folder.path).command == "another"


def test_a_dry_run_leaves_the_folder_as_it_is(folder: RunFolder) -> None:
    before = contents(folder.path)
    evaluate(folder, fast_dev_run=True)
    assert contents(folder.path) == before
