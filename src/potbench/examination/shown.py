"""What the terminal shows of an examination: how far it is, and what it found."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from potbench.examination.examine import Planned
from potbench.runs.findings import Examined

STYLES = {"pass": "[green]", "FAIL": "[bold red]", "refused": "[yellow]", "": ""}


class ExaminationBar:
    """One bar for all protocols and molecules, in planned seconds; without a terminal, a line for each of them.

    Args:
        planned: what they will take.
        console: where it is shown.
    """

    def __init__(self, planned: Planned, console: Console) -> None:
        self.ends = [0.0]
        self.of_molecule: list[float] = []
        for seconds, each in zip(planned.seconds, planned.of_molecule, strict=True):
            self.of_molecule += each
            for one in seconds:
                self.ends.append(self.ends[-1] + one)
        self.console = console
        columns = (
            BarColumn(24),
            TimeElapsedColumn(),
            TextColumn("of about {task.fields[total_text]}  {task.description}"),
        )
        self.bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self.task = self.bar.add_task("", total=self.ends[-1], total_text=duration(planned.total))
        self.place, self.done = -1, 0.0

    def __enter__(self) -> Self:
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self.bar.stop()

    def __call__(self, name: str, molecules: int) -> None:
        """Show that molecules were computed; none where a protocol begins."""
        if not molecules:
            self.place, self.done = self.place + 1, self.ends[self.place + 1]
            if self.bar.disable:
                self.console.print(f"{name} …", highlight=False, markup=False)
        # searches can take longer than planned
        self.done = min(self.done + molecules * self.of_molecule[self.place], self.ends[self.place + 1])
        self.bar.update(self.task, completed=self.done, description=name)


def duration(seconds: float) -> str:
    """Return a time as people say it: 40 s, 12 min, 3.4 h."""
    if seconds < 100:
        return f"{max(1.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def table(findings: Sequence[Examined]) -> Table:
    """Return what was found, a line for each value; molecules are named where there are several."""
    several = len({each.molecule for each in findings}) > 1
    columns = ("Protocol", *(["Molecule"] if several else []), "What", "Value", "Limit", "Unit", "")
    found = Table(*columns, box=None, header_style="bold")
    before = ("", "")
    for each in findings:
        here = (each.protocol, each.molecule)
        named = ("", "") if here == before else here
        before = here
        value = "" if each.verdict == "refused" else "not finite" if each.value is None else f"{each.value:.3g}"
        verdict = STYLES[each.verdict] + each.verdict
        found.add_row(*named[: 1 + several], each.quantity, value, each.allowed, each.unit, verdict)
    return found


def remarks(findings: Sequence[Examined]) -> list[str]:
    """Return what readers should know of values that fail, and of protocols that do not apply: each once."""
    said = [
        f"{each.protocol}, {each.molecule}: {each.note}" for each in findings if each.verdict in {"FAIL", "refused"}
    ]
    return list(dict.fromkeys(one for one in said if not one.endswith(": ")))
