"""Frames that a run has seen before its training: runs that its weights come from saw them, however far back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from potbench.loading import SplitIndices
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.structures import IntArray


@dataclass(frozen=True, eq=False)
class SeenFrames:
    """Frames of a dataset that some runs, or runs that their weights come from, were trained or validated on.

    Args:
        frames: shape (frames,): those of all runs that could be looked at; frames may occur twice.
        counted: of each run, its test frames, shape (frames,), and how many of these earlier runs saw, by its record:
            that is still known where the earlier ones are gone.
        is_known: whether one of the runs had the dataset.
        is_whole: whether all that had it could be looked at.
    """

    frames: IntArray
    counted: Sequence[tuple[IntArray, int]]
    is_known: bool
    is_whole: bool

    def count(self, frames: IntArray) -> int | None:
        """Return how many frames were seen, at least; None where that is not known.

        Args:
            frames: shape (frames,), each once.
        """
        others = frames[~np.isin(frames, self.frames)]
        # of the test frames of a run, those that were seen may first of all be those that are not among the others
        further = [number - int(np.isin(tested, others, invert=True).sum()) for tested, number in self.counted]
        seen = len(frames) - len(others) + max([0, *further])
        return seen if seen or (self.is_known and self.is_whole) else None

    def unseen(self, frames: IntArray) -> IntArray:
        """Return those of some frames, shape (frames,), that are known not to be seen: none where a run is gone."""
        if not self.is_whole:
            return frames[:0]
        others: IntArray = frames[~np.isin(frames, self.frames)]
        return others


def seen_by(runs: Sequence[tuple[RunFolder, Record]], fingerprint: str) -> SeenFrames:
    """Find the frames of a dataset that runs have seen, they and all that their weights come from.

    Args:
        runs: each with its record.
        fingerprint: of the dataset.

    Raises:
        RecordError: a record or a split is damaged.
    """
    frames: list[IntArray] = [np.empty(0, dtype=np.int32)]
    counted: list[tuple[IntArray, int]] = []
    is_known, is_whole = False, True
    waiting, visited = list(runs), set[str]()
    while waiting:
        run, record = waiting.pop()
        if record.data.fingerprint == fingerprint and not record.is_imported:
            is_known = True
            is_whole = is_whole and run.split.is_file()
            if run.split.is_file():
                split = SplitIndices.load(run.split)
                frames += [split.train, split.validation]
                counted.append((split.test, record.seen_before or 0))
        for folder, dataset in _sources(record):
            if folder in visited:
                continue
            visited.add(folder)
            source = RunFolder(folder)
            found = Record.load(source.path) if source.record.is_file() else None
            if found is not None and found.data.fingerprint == dataset:
                waiting.append((source, found))
            elif dataset == fingerprint:  # it was deleted, or another run is in its place
                is_whole = False
    return SeenFrames(np.concatenate(frames), counted, is_known, is_whole)


def _sources(record: Record) -> Iterator[tuple[str, str | None]]:
    """Yield the folders of the runs that weights come from, and the fingerprint of their dataset."""
    if record.parent is not None and record.parent.run is not None:
        yield record.parent.run, record.parent.data_fingerprint
    for member in record.ensemble.members if record.ensemble is not None else ():
        yield member.run, record.data.fingerprint
