"""The folder of a search: where each of its files is."""

from __future__ import annotations

from pathlib import Path

from potbench.runs.folder import RunFolder


class SearchFolder:
    """Names of the files of a search; nothing else knows them.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.search = self.path / "search.json"
        self.journal = self.path / "journal.log"
        self.lock = self.path / "search.lock"
        self.best = self.path / "best.yaml"
        self.table = self.path / "trials.csv"
        self.figures = self.path / "figures"

    def config(self, number: int) -> Path:
        """Return the config that a trial is trained with."""
        return self.path / "configs" / f"{number:04}.yaml"

    def run(self, number: int) -> RunFolder:
        """Return the run of a trial."""
        return RunFolder(self.path / "trials" / f"{number:04}")

    def stopped(self, number: int) -> Path:
        """Return the file in the run of a trial that says why it was stopped early; there is none where it was not."""
        return self.run(number).path / "pruned.txt"

    def log(self, number: int) -> Path:
        """Return what the training of a trial has printed."""
        return self.path / "logs" / f"{number:04}.log"

    def claim(self, number: int) -> Path:
        """Return the lock of the process that works on a trial."""
        return self.path / "locks" / f"{number:04}.lock"
