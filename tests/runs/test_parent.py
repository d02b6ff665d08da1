from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from potbench.errors import RecordError, RunError
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.readers.typed_json import from_plain
from potbench.runs.folder import RunFolder
from potbench.runs.parent import Parent, parent_checkpoint, parent_of
from potbench.runs.record import Record
from tests.runs.small_record import small_record
from tests.training.small_task import small_data


@pytest.fixture
def data(tmp_path: Path) -> AtomsDataModule:
    """Nineteen frames, divided by another seed than those of the parent."""
    module = small_data(tmp_path / "data")
    module.split = RandomSplit(11, 4, 4, seed=1)
    module.setup("fit")
    return module


def run(folder: Path, data: AtomsDataModule, fingerprint: str) -> RunFolder:
    """A run, trained on the frames of these data by the first seed."""
    run = RunFolder(folder)
    run.checkpoints.mkdir(parents=True)
    run.best.write_bytes(b"weights")
    record = small_record().to_json().replace('"fingerprint": "data"', f'"fingerprint": "{fingerprint}"')
    Record.from_json(record).save(run.path)
    RandomSplit(11, 4, 4).divide(data.store).save(run.split)
    return run


def test_a_parent_is_named_by_run_checkpoint_and_data(tmp_path, data):
    folder = run(tmp_path / "parent", data, "another")
    assert parent_of(folder.best, ["readout"], data) == Parent(
        run=str(folder.path),
        checkpoint=str(folder.best),
        sha256=hashlib.sha256(b"weights").hexdigest(),
        data="made",
        data_fingerprint="another",
        freeze=("readout",),
        frames_seen=None,
    )


def test_test_frames_that_the_parent_was_trained_or_validated_on_are_counted(tmp_path, data):
    folder = run(tmp_path / "parent", data, data.store.fingerprint)
    theirs = RandomSplit(11, 4, 4).divide(data.store)
    seen = set(data.indices.test.tolist()) - set(theirs.test.tolist())
    assert parent_of(folder.best, [], data).frames_seen == len(seen) > 0


def test_test_frames_that_the_parent_of_the_parent_was_trained_on_are_counted(tmp_path, data):
    first = run(tmp_path / "first", data, data.store.fingerprint)
    second = run(tmp_path / "second", data, data.store.fingerprint)
    data.indices.save(second.split)  # its own test frames are those of the fine-tuning
    seen = parent_of(first.best, [], data)
    replace(Record.load(second.path), parent=seen).save(second.path)
    assert parent_of(second.best, [], data).frames_seen == seen.frames_seen > 0
    shutil.rmtree(first.path)
    assert parent_of(second.best, [], data).frames_seen == seen.frames_seen


def test_of_a_checkpoint_in_no_run_its_bytes_alone_are_known(tmp_path, data):
    file = tmp_path / "copy.ckpt"
    file.write_bytes(b"weights")
    parent = parent_of(file, [], data)
    assert (parent.run, parent.data, parent.data_fingerprint, parent.frames_seen) == (None, None, None, None)
    assert parent.sha256 == hashlib.sha256(b"weights").hexdigest()


def test_a_damaged_record_of_the_parent_is_refused(tmp_path, data):
    folder = run(tmp_path / "parent", data, "another")
    folder.record.write_text("{")
    with pytest.raises(RecordError, match="is damaged"):
        parent_of(folder.best, [], data)


def test_a_parent_is_read_back_from_json_as_it_was_written():
    parent = Parent("runs/one", "runs/one/checkpoints/best.ckpt", "0123", "made", "data", ("readout",), 3)
    plain = {**vars(parent), "freeze": list(parent.freeze)}
    assert from_plain(Parent, plain) == parent


@pytest.fixture
def parent(tmp_path: Path) -> RunFolder:
    parent = RunFolder(tmp_path / "run")
    parent.checkpoints.mkdir(parents=True)
    parent.config.touch()
    parent.last.touch()
    return parent


def test_a_parent_is_a_run_or_a_checkpoint(parent: RunFolder) -> None:
    assert parent_checkpoint(str(parent.path)) == parent.last  # no epoch was validated
    parent.best.touch()
    assert parent_checkpoint(str(parent.path)) == parent.best
    assert parent_checkpoint(str(parent.last)) == parent.last


def test_a_parent_is_named_wherever_the_child_is_started(parent: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(parent.path)
    assert parent_checkpoint(".") == parent.last.absolute()
    assert parent_checkpoint("checkpoints/last.ckpt") == parent.last.absolute()


def test_a_parent_that_is_none_is_refused(parent: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nix is no run"):
        parent_checkpoint(str(tmp_path / "nix"))
    parent.last.unlink()
    with pytest.raises(RunError, match=r"best\.ckpt does not exist"):
        parent_checkpoint(str(parent.path))
