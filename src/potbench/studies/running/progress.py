"""One display for a whole study: cells done, cells running with their step, time left."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.commands import STAGES, Stage
from potbench.studies.running.state import next_stage, state_of

INTERVAL = 1.0
"""Seconds between two looks at the files of a study."""
LARGEST_SHARE = 0.05
"""Of its time that a study may spend with looking; large ones are looked at less often."""
LONGEST_SILENCE = 120.0
"""Without a terminal, a line is due after so many seconds."""
END = 4096
"""Bytes at the end of metrics.csv, which hold the last step."""
SHOWN = (CellState.FINISHED, CellState.DIVERGED, CellState.FAILED)
"""States that a cell comes to, each worth a line where there is no terminal."""


class Progress:
    """Shows how far the cells of a study are, whoever works on them: it looks at their files alone.

    Args:
        folder: of the study.
        plan: of the study.
        cells: those that are run.
        at_once: how many of them.
        stages: the commands of each cell.
        console: where it is shown; by default the terminal.
    """

    def __init__(
        self,
        folder: StudyFolder,
        plan: Plan,
        cells: Sequence[Cell],
        at_once: int = 1,
        stages: Sequence[Stage] = STAGES,
        console: Console | None = None,
    ) -> None:
        self.folder = folder
        self.cells = cells
        self.at_once = at_once
        self.stages = stages
        self.console = console or Console()
        self.interval = INTERVAL
        self.states = dict.fromkeys(cells, CellState.PLANNED)
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._began = self._last_done = self._last_line = time.monotonic()
        self._done_before: set[Cell] = set()

    def __enter__(self) -> Self:
        self._look()
        self._done_before = {cell for cell, state in self.states.items() if state.is_final}
        if self.console.is_terminal:
            self._live.start()
        else:
            self._say(f"{self._counts()}{self._left()}")
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def update(self) -> None:
        """Look at the files, and show what has changed."""
        changed = self._look()
        if self.console.is_terminal:
            self._live.update(self._picture(), refresh=True)
        for cell in changed:
            if self.states[cell] in SHOWN:
                self._say(f"{cell.label}: {self.states[cell]}{self._why(cell)}. {self._counts()}{self._left()}")
        if not self.console.is_terminal and time.monotonic() - self._last_line >= LONGEST_SILENCE:
            running = "; ".join(f"{cell.label}: {self._doing(cell)}" for cell in self._running())
            self._say(f"{running}. {self._counts()}{self._left()}" if running else f"{self._counts()}{self._left()}")

    def _look(self) -> list[Cell]:
        """Read the states of cells that are not done; return those that have changed."""
        begin = time.monotonic()
        changed = []
        for cell, earlier in self.states.items():
            if not earlier.is_final:
                state = state_of(self.folder, cell, self.stages)
                if state != earlier:
                    self.states[cell] = state
                    changed.append(cell)
        now = time.monotonic()
        if any(self.states[cell].is_final for cell in changed):
            self._last_done = now
        self.interval = max(INTERVAL, (now - begin) / LARGEST_SHARE)
        return changed

    def _say(self, text: str) -> None:
        self._last_line = time.monotonic()
        self.console.print(
            f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {text}", highlight=False, soft_wrap=True, markup=False
        )

    def _picture(self) -> Group:
        done = sum(state.is_final for state in self.states.values())
        rows = Table.grid(padding=(0, 2))
        for cell in self._running():
            rows.add_row(Text(cell.label), Text(self._doing(cell), style="dim"))
        bar = ProgressBar(total=max(len(self.cells), 1), completed=done, width=24)
        head = Table.grid(padding=(0, 1))
        head.add_row(bar, Text(f"{self._counts()}{self._left()}"))
        return Group(head, rows)

    def _running(self) -> Iterable[Cell]:
        return (cell for cell, state in self.states.items() if state is CellState.RUNNING)

    def _doing(self, cell: Cell) -> str:
        """Return the command that a cell is at, and the step of its training."""
        stage = next_stage(self.folder, cell, self.stages)
        if stage is None:
            return "done"
        step = last_step(self.folder.run(cell).metrics) if stage.name == "fit" else None
        if step is None:
            return stage.name
        return f"{stage.name}, step {step:,}" + ("" if cell.steps is None else f" of {cell.steps:,}")

    def _why(self, cell: Cell) -> str:
        if self.states[cell] is not CellState.FAILED:
            return ""
        try:
            first = self.folder.error(cell).read_text(encoding="utf-8").partition("\n")[0]
        except OSError:
            return ""
        return f" ({first.removeprefix(f'{cell.label} failed ').removesuffix('.')}; see {self.folder.error(cell)})"

    def _counts(self) -> str:
        counts = Counter(self.states.values())
        done = sum(number for state, number in counts.items() if state.is_final)
        parts = [f"{done} of {len(self.cells)} cells done"]
        for state in (CellState.DIVERGED, CellState.FAILED, CellState.RUNNING):
            parts += [f"{counts[state]} {state}"] if counts[state] else []
        return ", ".join(parts)

    def _left(self) -> str:
        """Return the time left, by the pace at which cells were done since the beginning, or the plan before that."""
        known = all(cell.seconds is not None for cell in self.cells)
        weights = {cell: (cell.seconds or 0.0) if known else 1.0 for cell in self.cells}
        left = sum(weights[cell] for cell, state in self.states.items() if not _is_settled(state))
        done = sum(
            weights[cell] for cell, state in self.states.items() if state.is_final and cell not in self._done_before
        )
        if not left:
            return ""
        if done:
            seconds = left * (self._last_done - self._began) / done - (time.monotonic() - self._last_done)
        elif known:
            seconds = left / self.at_once - (time.monotonic() - self._began)
        else:
            return ""
        return f", about {timedelta(seconds=int(max(seconds, 0)))} left"


def last_step(metrics: Path) -> int | None:
    """Return the optimizer step of the last whole row of a metrics.csv; None without one."""
    try:
        with metrics.open("rb") as stream:
            names = next(csv.reader([stream.readline().decode()]), [])
            stream.seek(max(stream.tell(), stream.seek(0, 2) - END))
            rows = [row for row in stream.read().decode(errors="replace").splitlines(keepends=True) if row[-1] == "\n"]
        return int(next(csv.reader([rows[-1]]))[names.index("step")])
    except (OSError, ValueError, IndexError):
        return None


def _is_settled(state: CellState) -> bool:
    return state.is_final or state is CellState.FAILED
