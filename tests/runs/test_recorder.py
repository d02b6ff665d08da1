from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from potbench.errors import RecordError, RunError
from potbench.loading import RandomSplit
from potbench.runs.cost import Cost
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.runs.recorder import Recorder
from potbench.training.csv_logger import CSVLogger
from potbench.units import KCAL_PER_MOL
from tests.training.small_task import quiet_trainer, small_data, small_task

pytestmark = pytest.mark.filterwarnings("ignore")
RULE = {"class_path": "potbench.loading.RandomSplit", "init_args": {"train": 11}}


def config(**changes: object) -> str:
    return yaml.safe_dump({"data": {"init_args": {"split": RULE}}, **changes})


def fit(
    folder: RunFolder,
    epochs: int = 2,
    text: str = config(),
    checkpoint: Path | None = None,
    optimizer=torch.optim.Adam,
    **settings,
) -> Trainer:
    """Train, or resume, as the command line does."""
    steps = 0 if checkpoint is None else torch.load(checkpoint, weights_only=True)["global_step"]
    recorder = Recorder(folder, text, 5, str(checkpoint) if checkpoint else None, steps)
    saved = ModelCheckpoint(folder.checkpoints, "best", "validation/loss", save_last=True, enable_version_counter=False)
    dry = settings.get("fast_dev_run", False)
    trainer = quiet_trainer(
        folder.path,
        *(recorder, Cost(), *([] if dry else [saved])),
        epochs=epochs,
        logger=not dry and CSVLogger(folder.path, steps),
        enable_checkpointing=not dry,
        **settings,
    )
    data = small_data(folder.path.parent, forces=True)
    task = small_task(forces=1.0)
    task.optimizer = optimizer
    trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    recorder.finish_fit(trainer)
    return trainer


def evaluate(folder: RunFolder, data=None, **settings) -> Trainer:
    """Test the best checkpoint, as the command line does."""
    recorder = Recorder(folder, config(), 5, str(folder.best), 0)
    trainer = quiet_trainer(folder.path, recorder, **settings)
    task = small_task(forces=1.0)
    data = data or small_data(folder.path.parent, forces=True)
    trainer.test(task, datamodule=data, ckpt_path=folder.best, weights_only=True, verbose=False)
    recorder.save_predictions(trainer, task)
    recorder.report(trainer, "test")
    return trainer


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was trained and tested; read, never changed."""
    folder = RunFolder(tmp_path_factory.mktemp("finished") / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTBENCH_DATA", str(folder.path.parent / "prepared"))
        fit(folder)
        evaluate(folder)
    return folder


@pytest.fixture
def folder(finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A copy of it that may be changed; figures, which take seconds, are not drawn again."""
    monkeypatch.setattr("potbench.runs.recorder.draw_figures", lambda run, record: None)
    shutil.copytree(finished.path.parent, tmp_path / "copy")
    return RunFolder(tmp_path / "copy" / "run")


def test_the_record_of_a_run_says_everything(finished: RunFolder) -> None:
    record = Record.load(finished.path)
    assert record.name == str(finished.path)
    assert record.command.startswith("python -m potbench ")
    assert (record.seeds.everything, record.seeds.batches) == (5, 0)
    assert record.split.rule == "potbench.loading.RandomSplit(train=11)"
    assert (record.split.train, record.split.validation, record.split.test) == (11, 4, 4)
    assert record.split.leakage is not None
    assert record.data.num_frames == 19
    assert record.statistics.num_frames == 11
    assert vars(record.budget) == {"epochs": 2, "steps": 6, "frames": 22}
    assert record.cost is not None
    assert record.cost.throughput.unit == "frames/s"
    assert record.cost.wall_time.value > 0
    assert record.num_parameters > 100
    assert record.best_epoch in {0, 1}
    assert record.metrics.keys() == {"validation", "test"}
    assert record.metrics["test"]["energy_mae_per_atom_mev"].unit == "meV/atom"
    assert record.evaluations.keys() == {"test"}
    assert record.evaluations["test"].checkpoint == str(finished.best)


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


def test_the_folder_holds_what_it_should_and_nothing_else(finished: RunFolder) -> None:
    files = {str(file.relative_to(finished.path)) for file in finished.path.rglob("*") if file.is_file()}
    assert files == {
        *("config.yaml", "record.json", "metrics.csv", "split.npz", "predictions.npz"),
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
        *("figures/loss.png", "figures/parity.png", "figures/residuals.png"),
    }


def test_before_the_first_step_the_record_says_what_the_run_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")

    class StopError(Exception):
        pass

    class Killed(Cost):
        def on_train_start(self, *arguments) -> None:
            raise StopError

    trainer = quiet_trainer(folder.path, Recorder(folder, config(), 5, None, 0), Killed())
    with pytest.raises(StopError):
        trainer.fit(small_task(), datamodule=small_data(tmp_path))
    record = Record.load(folder.path)
    assert record.split.train == 11
    assert (record.cost, record.budget, record.metrics) == (None, None, {})
    assert folder.config.read_text() == config()
    assert folder.split.is_file()


def test_a_resumed_run_keeps_what_its_record_says_of_earlier_tests(folder: RunFolder) -> None:
    before = Record.load(folder.path)
    fit(folder, epochs=3, checkpoint=folder.last)
    after = Record.load(folder.path)
    assert vars(after.budget) == {"epochs": 3, "steps": 9, "frames": 33}
    assert after.metrics["test"] == before.metrics["test"]
    assert after.evaluations == before.evaluations
    assert after.split == before.split


def test_the_config_that_was_in_force_is_kept_when_a_run_resumes_with_another(folder: RunFolder) -> None:
    fit(folder, epochs=3, text=config(trainer={"max_epochs": 3}), checkpoint=folder.last)
    assert folder.config_until(6).read_text() == config()
    assert folder.config.read_text() == config(trainer={"max_epochs": 3})


def test_a_training_that_is_refused_before_its_first_step_leaves_nothing(folder: RunFolder, tmp_path: Path) -> None:
    def refused(parameters) -> None:
        raise ValueError("refused")

    class Refusing(torch.optim.Adam):
        def load_state_dict(self, state_dict) -> None:
            raise ValueError("refused")

    new = RunFolder(tmp_path / "new" / "run")
    for run, checkpoint, optimizer in ((new, None, refused), (folder, folder.last, Refusing)):
        before = {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()}
        with pytest.raises(ValueError, match="refused"):
            fit(run, epochs=3, text=config(trainer={"max_epochs": 3}), checkpoint=checkpoint, optimizer=optimizer)
        assert {file: file.read_bytes() for file in run.path.rglob("*") if file.is_file()} == before


def test_a_training_of_no_epochs_is_recorded(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    fit(folder, epochs=0)
    assert vars(Record.load(folder.path).budget) == {"epochs": 0, "steps": 0, "frames": 0}
    assert folder.config.is_file()


@pytest.mark.parametrize("name", ["data", "split"])
def test_other_data_than_those_of_the_run_are_refused(folder: RunFolder, name: str) -> None:
    data = small_data(folder.path.parent, forces=True)
    if name == "split":
        data.split = RandomSplit(11, 4, 4, seed=1)
    else:
        record = Record.load(folder.path)
        replace(record, data=replace(record.data, fingerprint="of others")).save(folder.path)
    before = folder.record.read_text()
    with pytest.raises(RunError) as caught:
        evaluate(folder, data)
    assert str(caught.value).startswith(f"{folder.path} was made with another {name}: fingerprint ")
    assert folder.record.read_text() == before


def test_a_damaged_record_is_named_before_anything_is_computed(folder: RunFolder) -> None:
    folder.record.write_text("{")
    with pytest.raises(RecordError, match=r"record.json is damaged: .* Delete it, and `python -m potbench test"):
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


def test_a_dry_run_leaves_the_folder_as_it_is(folder: RunFolder, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    evaluate(folder, fast_dev_run=True)
    assert {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()} == before
    fit(RunFolder(tmp_path / "new" / "run"), fast_dev_run=True)
    assert not (tmp_path / "new" / "run").exists()


def test_the_last_epoch_is_validated_however_seldom_others_are(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    fit(folder, epochs=3, check_val_every_n_epoch=2)
    lines = folder.metrics.read_text().splitlines()
    column = lines[0].split(",").index("validation/loss")
    assert [line.split(",")[0] for line in lines[1:] if line.split(",")[column]] == ["1", "2"]


def test_without_validation_no_epoch_is_the_best(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    fit(folder, limit_val_batches=0)
    record = Record.load(folder.path)
    assert record.best_epoch is None
    assert record.metrics == {"validation": {}}


@pytest.mark.parametrize(("seed", "recorded"), [(0, 0), (False, None), (None, None), (7, 7)])
def test_a_run_without_a_seed_says_so(tmp_path: Path, seed: int | None, recorded: int | None) -> None:
    data = small_data(tmp_path)
    data.setup("fit")
    record = Recorder(RunFolder(tmp_path / "run"), config(), seed, None, 0)._description(data)
    assert record.seeds.everything == recorded
    assert Record.from_json(record.to_json()) == record
