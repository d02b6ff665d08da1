from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Trainer

from potbench.errors import RunError
from potbench.loading import RandomSplit
from potbench.runs.checkpoint import sha256
from potbench.runs.cost import Cost
from potbench.runs.folder import RunFolder
from potbench.runs.lock import RunLock
from potbench.runs.provenance import Provenance
from potbench.runs.record import Record
from potbench.runs.recorder import Recorder
from potbench.units import Quantity
from tests.runs.small_run import config, contents, evaluate, fit
from tests.training.small_task import quiet_trainer, small_data, small_task

pytestmark = pytest.mark.filterwarnings("ignore")


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
    assert record.cost.cpu_time is not None
    assert record.cost.cpu_time.value > 0
    assert record.cost.preparation == Quantity(0.0, "s")
    assert record.diverged is record.inference is record.laws is None
    assert record.num_parameters > 100
    assert record.best_epoch in {0, 1}
    assert record.metrics.keys() == {"validation", "test"}
    assert record.metrics["test"]["energy_mae_per_atom_mev"].unit == "meV/atom"
    assert record.evaluations.keys() == {"test"}
    assert record.provenance.machine.threads == torch.get_num_threads()
    assert record.parent is None


def test_the_folder_holds_what_it_should_and_nothing_else(finished: RunFolder) -> None:
    assert contents(finished.path).keys() == {
        *("config.yaml", "record.json", "metrics.csv", "split.npz", "trained_on.npz", "predictions.npz"),
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt"),
        *("figures/loss.png", "figures/parity.png", "figures/residuals.png", "figures/sensitivity.png"),
    }


def killed(folder: RunFolder, **settings) -> None:
    """Begin a training that ends before its first step."""

    class StopError(Exception):
        pass

    class Killed(Cost):
        def on_train_start(self, *arguments) -> None:
            raise StopError

    checkpoint = settings.pop("checkpoint", None)
    text = settings.pop("text", config())
    recorder = Recorder(folder, text, 5, str(checkpoint) if checkpoint else None, 6 if checkpoint else 0)
    trainer = quiet_trainer(folder.path, recorder, Killed(), **settings)
    task, data = small_task(forces=1.0), small_data(folder.path.parent, forces=True)
    with pytest.raises(StopError):
        trainer.fit(task, datamodule=data, ckpt_path=checkpoint, weights_only=True)


def test_before_the_first_step_the_record_says_what_the_run_is(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    killed(folder)
    record = Record.load(folder.path)
    assert record.split.train == 11
    assert (record.cost, record.budget, record.metrics) == (None, None, {})
    assert folder.config.read_text() == config()
    assert folder.split.is_file()
    assert folder.state == "started"


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(tmp_path: Path) -> None:
    folder, unbroken = RunFolder(tmp_path / "run"), RunFolder(tmp_path / "unbroken")
    killed(folder)
    # whatever was wrong may be mended, in the data too
    data = small_data(tmp_path, forces=True)
    data.split = RandomSplit(11, 4, 4, seed=1)
    fit(folder, text=config(trainer={"max_epochs": 2}), data=data)
    fit(unbroken, data=data)
    assert folder.metrics.read_bytes() == unbroken.metrics.read_bytes()
    assert not list(folder.path.glob("config_until*"))
    assert folder.state == "finished"
    assert Record.load(folder.path).split == Record.load(unbroken.path).split


def test_a_run_that_trains_on_is_not_finished_until_it_ends(folder: RunFolder) -> None:
    assert folder.state == "finished"
    killed(folder, epochs=3, checkpoint=folder.last)
    assert folder.state == "interrupted"
    record = Record.load(folder.path)
    assert (record.cost, record.budget, record.best_epoch) == (None, None, None)
    assert record.metrics.keys() == {"validation", "test"}


def test_a_resumed_run_keeps_its_errors_of_the_best_checkpoint(folder: RunFolder, monkeypatch) -> None:
    before, best = Record.load(folder.path), folder.best.read_bytes()
    monkeypatch.setattr("lightning.pytorch.callbacks.ModelCheckpoint.check_monitor_top_k", lambda *arguments: False)
    fit(folder, epochs=3, checkpoint=folder.last)
    assert folder.best.read_bytes() == best
    after = Record.load(folder.path)
    assert vars(after.budget) == {"epochs": 3, "steps": 9, "frames": 33}
    assert after.metrics["test"] == before.metrics["test"]
    assert after.evaluations == before.evaluations
    assert after.split == before.split
    assert folder.predictions.is_file()


def test_errors_of_a_checkpoint_that_is_the_best_no_longer_are_set_aside(folder: RunFolder, monkeypatch) -> None:
    before, predictions = Record.load(folder.path), folder.predictions.read_bytes()
    monkeypatch.setattr("lightning.pytorch.callbacks.ModelCheckpoint.check_monitor_top_k", lambda *arguments: True)
    fit(folder, epochs=3, checkpoint=folder.last)
    after = Record.load(folder.path)
    assert after.metrics.keys() == {"validation"}
    (name,) = after.evaluations
    assert name.startswith("test_best_")
    assert after.evaluations[name].metrics == before.metrics["test"]
    assert replace(after.evaluations[name], metrics=None) == before.evaluations["test"]
    aside = folder.evaluation(name)
    assert aside.predictions.read_bytes() == predictions
    assert aside.parity_figure.is_file()
    assert not folder.predictions.exists()
    evaluate(folder)
    again = Record.load(folder.path)
    assert again.evaluations.keys() == {"test", name}
    assert again.evaluations["test"].sha256 == sha256(folder.best) != again.evaluations[name].sha256


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
        before = contents(run.path)
        with pytest.raises(ValueError, match="refused"):
            fit(run, epochs=3, text=config(trainer={"max_epochs": 3}), checkpoint=checkpoint, optimizer=optimizer)
        assert contents(run.path) == before


@pytest.mark.parametrize("name", ["data", "split"])
def test_other_data_than_those_of_the_run_are_refused_when_it_resumes(folder: RunFolder, name: str) -> None:
    data = small_data(folder.path.parent, forces=True)
    if name == "split":
        data.split = RandomSplit(11, 4, 4, seed=1)
    else:
        record = Record.load(folder.path)
        replace(record, data=replace(record.data, fingerprint="of others")).save(folder.path)
    before = contents(folder.path)
    with pytest.raises(RunError) as caught:
        fit(folder, epochs=3, checkpoint=folder.last, data=data)
    assert str(caught.value).startswith(f"{folder.path} was made with another {name}: fingerprint ")
    assert contents(folder.path) == before


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (lambda now: now, None),
        (
            lambda now: replace(now, machine=replace(now.machine, threads=7)),
            "{run} was trained with 7 threads, torch {torch} until now, and is resumed with 1 thread, torch {torch}: "
            "its numbers may differ in their last digits from those of an unbroken run.",
        ),
        (
            lambda now: replace(now, machine=replace(now.machine, accelerator="NVIDIA H100")),
            "{run} was trained with NVIDIA H100, torch {torch} until now, and is resumed with 1 thread, torch {torch}:",
        ),
        (
            lambda now: replace(now, versions={**now.versions, "torch": "2.0"}),
            "{run} was trained with 1 thread, torch 2.0 until now, and is resumed with 1 thread, torch {torch}:",
        ),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="with a GPU the number of threads does not matter")
def test_what_the_last_digits_depend_on_is_said_where_a_resumed_run_has_another(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], then, said: str | None
) -> None:
    record = Record.load(folder.path)
    assert isinstance(record.provenance, Provenance)
    replace(record, provenance=then(record.provenance)).save(folder.path)
    fit(folder, epochs=3, checkpoint=folder.last)
    printed = capsys.readouterr().out
    if said:
        assert said.format(run=folder.path, torch=record.provenance.versions["torch"]) in printed
    else:
        assert "last digits" not in printed
    assert Record.load(folder.path).provenance.machine.threads == torch.get_num_threads()


def test_a_run_names_its_parent_also_after_it_was_resumed(
    folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = RunFolder(tmp_path / "copy" / "child")
    fit(child, recording={"parent": folder.best, "freeze": ["readout.*"]})
    parent = Record.load(child.path).parent
    assert parent is not None
    assert (parent.run, parent.checkpoint) == (str(folder.path), str(folder.best))
    assert (parent.sha256, parent.freeze, parent.frames_seen) == (sha256(folder.best), ("readout.*",), 0)
    assert "trained or validated the parent" not in capsys.readouterr().out
    folder.best.unlink()
    fit(child, epochs=3, checkpoint=child.last)
    assert Record.load(child.path).parent == parent


def test_a_test_set_that_trained_the_parent_is_named(
    folder: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small_data(tmp_path / "copy", forces=True)
    data.split = RandomSplit(11, 4, 4, seed=1)
    fit(RunFolder(tmp_path / "copy" / "child"), recording={"parent": folder.best}, data=data)
    said = " ".join(capsys.readouterr().out.split())
    assert "of the 4 test frames were trained or validated on by the parent, or by a run that its weights" in said


def test_a_training_whose_folder_was_taken_over_stops(folder: RunFolder) -> None:
    lock = RunLock(folder)
    lock.claim()
    lock._is_lost = True
    with pytest.raises(RunError, match="was taken over by another process"):
        fit(folder, epochs=3, checkpoint=folder.last, recording={"lock": lock})
    assert Record.load(folder.path).budget is None
    lock.release()


def test_a_training_that_ended_within_an_epoch_is_recorded_anew_as_it_was(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    fit(folder, epochs=-1, max_steps=5)
    before = Record.load(folder.path)
    assert vars(before.budget) == {"epochs": 2, "steps": 5, "frames": 18}
    folder.record.unlink()
    fit(folder, epochs=-1, max_steps=5, checkpoint=folder.last)
    assert Record.load(folder.path).budget == before.budget


def test_a_training_of_no_epochs_is_recorded(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    fit(folder, epochs=0)
    assert vars(Record.load(folder.path).budget) == {"epochs": 0, "steps": 0, "frames": 0}
    assert folder.config.is_file()


def test_a_dry_run_leaves_the_folder_as_it_is(folder: RunFolder, tmp_path: Path) -> None:
    before = contents(folder.path)
    fit(folder, fast_dev_run=True)
    assert contents(folder.path) == before
    fit(RunFolder(tmp_path / "new" / "run"), fast_dev_run=True)
    assert not (tmp_path / "new" / "run").exists()


def test_without_validation_no_epoch_is_the_best(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    trainer: Trainer = fit(folder, limit_val_batches=0)
    assert trainer.current_epoch == 2
    record = Record.load(folder.path)
    assert record.best_epoch is None
    assert record.metrics == {"validation": {}}


@pytest.mark.parametrize(("seed", "recorded"), [(0, 0), (False, None), (None, None), (7, 7)])
def test_a_run_without_a_seed_says_so(tmp_path: Path, seed: int | None, recorded: int | None) -> None:
    data = small_data(tmp_path)
    data.setup("fit")
    record = Record.before_training(RunFolder(tmp_path / "run"), config(), seed, data)
    assert record.seeds.everything == recorded
    assert Record.from_json(record.to_json()) == record
