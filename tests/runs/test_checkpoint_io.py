from __future__ import annotations

import errno
import os
import resource
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from potbench.runs.checkpoint_io import WholeFileCheckpointIO

CHECKPOINT = {"weights": torch.arange(100_000.0)}


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    file = tmp_path / "checkpoints" / "last.ckpt"
    WholeFileCheckpointIO().save_checkpoint(CHECKPOINT, file)
    assert torch.equal(
        WholeFileCheckpointIO().load_checkpoint(file, weights_only=True)["weights"], CHECKPOINT["weights"]
    )
    assert files(file.parent) == ["last.ckpt"]


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file can become larger than so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("size", [0, 1000, 399_000])
def test_a_full_disk_leaves_the_earlier_checkpoint_whole_and_is_said(tmp_path, size):
    file = tmp_path / "last.ckpt"
    WholeFileCheckpointIO().save_checkpoint(CHECKPOINT, file)
    before = file.read_bytes()
    with full_disk(size), pytest.raises(OSError, match="File too large") as refused:
        WholeFileCheckpointIO().save_checkpoint({"weights": torch.zeros(100_000)}, file)
    assert refused.value.errno == errno.EFBIG
    assert file.read_bytes() == before
    assert files(tmp_path) == ["last.ckpt"]
    assert refused.value.filename == str(file), "the door says which file"


def test_the_folder_of_temporary_files_is_not_used(tmp_path, monkeypatch):
    # on another file system, files could not be renamed from there
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("TMPDIR", str(elsewhere))
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    renamed: list[Path] = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: renamed.append(self) or replace(self, target))
    WholeFileCheckpointIO().save_checkpoint(CHECKPOINT, tmp_path / "run" / "last.ckpt")
    assert [file.parent for file in renamed] == [tmp_path / "run"]
    assert files(elsewhere) == []


def test_a_process_that_is_killed_while_it_writes_leaves_the_earlier_checkpoint_whole(tmp_path):
    file = tmp_path / "last.ckpt"
    WholeFileCheckpointIO().save_checkpoint(CHECKPOINT, file)
    before = file.read_bytes()
    process = os.fork()
    if process == 0:
        os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
        WholeFileCheckpointIO().save_checkpoint({"weights": torch.zeros(5)}, file)
        os._exit(0)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL
    assert file.read_bytes() == before
