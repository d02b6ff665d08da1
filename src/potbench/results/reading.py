"""One run as it lies there: whether it can be compared, and why not."""

from __future__ import annotations

from potbench.errors import PotbenchError
from potbench.results.member import Outcome
from potbench.runs.choices import Choices
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record


class Reading:
    """What the files of a run say, read once.

    Args:
        folder: of the run.

    Attributes:
        record: None where there is none, or it cannot be read.
        choices: None likewise.
        outcome: what came of it.
        reason: why it has no numbers; empty where it has.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.record: Record | None = None
        self.choices: Choices | None = None
        self.outcome, self.reason = self._judge()

    def _judge(self) -> tuple[Outcome, str]:
        if not self.folder.config.is_file():
            return Outcome.MISSING, f"it is no run: it has no {self.folder.config.name}"
        try:
            self.choices = Choices.load(self.folder)
            if not self.folder.record.is_file():
                return Outcome.MISSING, "its training has not begun"
            self.record = Record.load(self.folder.path)
        except (PotbenchError, OSError) as error:
            # the file is named by the label already, and what to do is another matter
            said = str(error).replace(f"{self.folder.path}/", "").split(". Expected")[0].removesuffix(".")
            return Outcome.FAILED, said
        if self.record.diverged is not None:
            diverged = self.record.diverged
            return Outcome.DIVERGED, f"diverged in epoch {diverged.epoch + 1}, step {diverged.step}"
        if self.record.budget is None:
            return Outcome.MISSING, "its training has not ended; fit resumes it"
        test = self.record.evaluations.get("test")
        if "test" not in self.record.metrics or test is None:
            return Outcome.MISSING, "it was not tested; test measures its errors"
        if not self.folder.predictions.is_file():
            return Outcome.MISSING, f"it has no {self.folder.predictions.name}; test writes it again"
        return Outcome.FINISHED, ""
