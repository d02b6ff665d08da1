"""What the terminal shows while molecules move."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from potbench.inference.simulation import Progress
from potbench.units import MEV

LONGEST_SILENCE = 120.0
"""Seconds after which, without a terminal, a line is due."""


class DynamicsBar:
    """A bar with temperature, drift and speed; without a terminal, ten lines, or one in two minutes.

    Args:
        end: time in ps at which the simulation ends.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self.console = Console()
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(24),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[shown]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=end, shown="")
        self._tenth = 0
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        """Show the bar."""
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it is."""
        self.bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show how far a simulation is."""
        at = f"{progress.time:.4g}/{self.end:g} ps"
        shown = described(progress)
        if not self.bar.disable:
            self.bar.update(self.task, completed=progress.time, description=at, shown=shown)
            return
        tenth = int(10 * progress.time / self.end + 1e-9)
        if tenth > self._tenth or time.monotonic() - self._last_line > LONGEST_SILENCE:
            self._tenth, self._last_line = tenth, time.monotonic()
            self.console.print(f"{at}: {shown}", highlight=False, soft_wrap=True)


def described(progress: Progress) -> str:
    """Return temperature, drift and speed in a line."""
    return f"{progress.temperature:.0f} K, drift {progress.drift / MEV:.3g} meV/atom/ps, {progress.speed:.3g} ns/day"
