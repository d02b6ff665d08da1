"""Trainings of several architectures in the same time of the processors, side by side, and their errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table
from typing_extensions import override

from potbench.reporting.rounding import three_digits
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.speed.report import Report
from potbench.speed.turns import Job, take_turns
from potbench.studies.running.commands import environment
from potbench.units import Quantity
from potbench.whole_file import write_text

MARKDOWN = "minutes.md"
COLUMNS = ("E (meV)", "F (meV/Å)", "CPU s", "Steps", "Parameters")


@dataclass(frozen=True)
class Row:
    """An architecture.

    Args:
        name: of its config.
        energy: mean absolute error of the energies of the test set, in meV; None where they were not measured.
        forces: of the force components, in meV/Å.
        cpu_seconds: of the training, validations included.
        steps: of the optimizer.
        parameters: how many numbers training found.
        failure: why there are no errors; None where there are.
    """

    name: str
    energy: float | None = None
    forces: float | None = None
    cpu_seconds: float | None = None
    steps: int | None = None
    parameters: int | None = None
    failure: str | None = None

    @property
    def cells(self) -> list[str]:
        """Return what stands in the columns."""
        numbers = [three_digits(value) if value is not None else "" for value in (self.energy, self.forces)]
        numbers.append("" if self.cpu_seconds is None else f"{self.cpu_seconds:.0f}")
        numbers += ["" if value is None else f"{value:,}" for value in (self.steps, self.parameters)]
        return [self.name if self.failure is None else f"{self.name} (failed)", *numbers]


@dataclass(frozen=True, kw_only=True)
class MinutesReport(Report):
    """Errors of trainings that took the same time.

    Args:
        minutes: of the processors, that each training was planned for.
        threads: of each training.
        rows: of the architectures.
    """

    minutes: float
    threads: int
    rows: list[Row]

    @override
    def tables(self) -> Iterator[Table]:
        table = Table(f"Test errors after {self.minutes:g} CPU min", box=box.SIMPLE)
        for name in COLUMNS:
            table.add_column(name, justify="right")
        for row in self.rows:
            table.add_row(*row.cells)
        yield table

    def markdown(self) -> str:
        """Return the table and where its figures come from, as Markdown."""
        lines = [["Architecture", *COLUMNS], ["---", *["---:"] * len(COLUMNS)], *(row.cells for row in self.rows)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        return (
            f"# Test errors after {self.minutes:g} CPU minutes\n\n{self.data}. Mean absolute errors of one training "
            f"each, on {self.threads} {'thread' if self.threads == 1 else 'threads'}.\n\n{table}\n\n"
            f"{self.machine.processor}; {versions}\n"
        )


def measure(
    commands: Mapping[str, Sequence[Sequence[str]]], folder: Path, minutes: float, threads: int
) -> MinutesReport:
    """Let trainings and tests take turns.

    Args:
        commands: name → commands that train and test, in this order, in a run of this name in the folder.
        folder: of the runs.
        minutes: of the processors, that each training was planned for.
        threads: of each.
    """
    jobs = {name: Job(words, folder / f"{name}.log", environment(threads)) for name, words in commands.items()}

    def say(job: Job) -> None:
        name = next(name for name, each in jobs.items() if each is job)
        print(f"{name} is tested." if job.failure is None else f"{name} failed: {job.failure}", flush=True)

    take_turns([*jobs.values()], say)
    rows = [_row(name, folder / name, job.failure) for name, job in jobs.items()]
    records = [Record.load(folder / row.name) for row in rows if row.failure is None]
    data = f"{records[0].data.name}: {records[0].split.text}" if records else "no training came to its end"
    report = MinutesReport(data=data, minutes=minutes, threads=threads, rows=rows)
    write_text(folder / MARKDOWN, report.markdown())
    return report


def is_tested(run: Path) -> bool:
    """Return whether a folder holds a run that was tested."""
    return RunFolder(run).record.is_file() and "test" in Record.load(run).metrics


def _row(name: str, run: Path, failure: str | None) -> Row:
    if failure is not None:
        return Row(name, failure=failure)
    record = Record.load(run)
    assert record.budget is not None
    assert record.cost is not None
    test = record.metrics["test"]
    taken = record.cost.cpu_time
    return Row(
        name,
        _value(test.get("energy_mae_mev")),
        _value(test.get("forces_mae_mev")),
        taken.value if taken else None,
        record.budget.steps,
        record.num_parameters,
    )


def _value(error: Quantity | None) -> float | None:
    return error.value if error else None
