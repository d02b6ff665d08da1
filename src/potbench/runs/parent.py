"""The run whose weights a fine-tuning starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from potbench.loading import AtomsDataModule
from potbench.runs.checkpoint import sha256
from potbench.runs.folder import RunFolder


@dataclass(frozen=True)
class Parent:
    """Where the weights of a fine-tuning come from.

    Args:
        run: the folder of the other run; None for a checkpoint that is in none.
        checkpoint: the file whose weights were taken.
        sha256: of its bytes.
        data: name of the dataset that it was trained on; None where no record says it, as where it was imported.
        data_fingerprint: of that dataset.
        freeze: weights that are not trained, as they were named.
        frames_seen: test frames that the parent, or a run that its own weights come from, was trained or validated on;
            at least, where one of them is gone. None where none had the dataset, or that is not known.
    """

    run: str | None
    checkpoint: str
    sha256: str
    data: str | None
    data_fingerprint: str | None
    freeze: tuple[str, ...]
    frames_seen: int | None


def parent_checkpoint(named: str) -> Path:
    """Return the checkpoint that a fine-tuning starts from.

    Args:
        named: a run, or a checkpoint.

    Raises:
        RunError: there is none.
    """
    path = Path(named)
    if path.is_file():
        return path.resolve()
    run = RunFolder(path)
    run.require()
    return run.checkpoint(str(run.result)).resolve()


def parent_of(checkpoint: Path, freeze: Sequence[str], data: AtomsDataModule) -> Parent:
    """Return where the weights of a fine-tuning come from.

    Args:
        checkpoint: the file whose weights are taken.
        freeze: weights that are not trained, as they were named.
        data: of the fine-tuning; has been set up.

    Raises:
        RecordError: record or split of the other run, or of one that its weights come from, are damaged.
    """
    # they import this file
    from potbench.runs.ancestors import seen_by
    from potbench.runs.record import Record

    run = RunFolder(checkpoint.parent.parent)
    record = Record.load(run.path) if run.record.is_file() and checkpoint.parent == run.checkpoints else None
    trained = None if record is None or record.is_imported else record
    return Parent(
        run=str(run.path) if record else None,
        checkpoint=str(checkpoint),
        sha256=sha256(checkpoint),
        data=trained.data.name if trained else None,
        data_fingerprint=trained.data.fingerprint if trained else None,
        freeze=tuple(freeze),
        frames_seen=seen_by([(run, record)], data.store.fingerprint).count(data.indices.test) if record else None,
    )
