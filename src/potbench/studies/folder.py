"""The folder of a study: where each of its files is."""

from __future__ import annotations

import json
from pathlib import Path

from potbench.errors import RecordError, RunError
from potbench.readers.typed_json import from_plain, to_json
from potbench.runs.folder import RunFolder
from potbench.studies.cells import Cell, Plan
from potbench.whole_file import write_text


class StudyFolder:
    """Names of the files of a study; nothing else knows them.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.study = self.path / "study.yaml"
        self.plan = self.path / "plan.json"
        self.configs = self.path / "configs"
        self.runs = self.path / "runs"
        self.logs = self.path / "logs"
        self.errors = self.path / "errors"
        self.locks = self.path / "locks"
        self.timings = self.path / "timings"
        self.tuning = self.path / "tuning"
        self.jobs = self.path / "jobs"
        self.report = self.path / "report"

    def trials(self, architecture: str, dataset: str) -> Path:
        """Return the table of the trials of an architecture on a dataset; their searches are beside it."""
        return self.tuning / architecture / dataset / "trials.csv"

    def earlier_trials(self, architecture: str, dataset: str) -> Path:
        """Return where that table was in earlier versions, of which other names may come to the same."""
        return self.tuning / f"{architecture}-{dataset}" / "trials.csv"

    def config(self, cell: Cell) -> Path:
        """Return the config that a cell is trained with."""
        return self.configs / f"{cell.name}.yaml"

    def run(self, cell: Cell) -> RunFolder:
        """Return the run of a cell."""
        return RunFolder(self.runs / cell.name)

    def log(self, cell: Cell) -> Path:
        """Return what the commands of a cell have printed."""
        return self.logs / f"{cell.name}.log"

    def error(self, cell: Cell) -> Path:
        """Return the file that says why a cell failed; there is none where it did not."""
        return self.errors / f"{cell.name}.txt"

    def lock(self, cell: Cell) -> Path:
        """Return the lock that the process holds which works on a cell."""
        return self.locks / f"{cell.name}.lock"

    def save_plan(self, plan: Plan) -> None:
        """Write the plan."""
        write_text(self.plan, to_json(plan))

    def load_plan(self) -> Plan:
        """Read the plan.

        Raises:
            RunError: there is none.
            RecordError: it is damaged.
        """
        if not self.plan.is_file():
            raise RunError(
                f"{self.path} is no study: it has no {self.plan.name}. Expected a folder that "
                "`python -m potbench compare` made. Choose another folder."
            )
        try:
            return from_plain(Plan, json.loads(self.plan.read_bytes()))
        except ValueError as error:
            raise RecordError(
                f"{self.plan} is damaged: {error}. Expected what potbench wrote. Run the comparison again."
            ) from error
