"""Cells run on this machine, a few at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Protocol

from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_run import CellRun
from potbench.studies.running.commands import STAGES, Stage
from potbench.studies.running.state import state_at_rest, state_of

PAUSE = 1.0
"""Seconds after which a cell that another process works on is looked at again."""


class Runner(Protocol):
    """Runs cells, here or elsewhere.

    Attributes:
        signal: that asked it to end; 0 before.
        left_behind: what becomes of the commands when it ends early, a sentence.
    """

    signal: int
    left_behind: str

    def begin(self, cells: Sequence[Cell]) -> None:
        """Start working on cells."""

    def wait(self, seconds: float) -> bool:
        """Wait for so long at most; return whether all cells are done, or the runner has ended.

        Raises:
            Exception: whatever kept it from working.
        """

    def stop(self, number: int) -> None:
        """End early; called by the handler of a signal, so that it must not wait.

        Args:
            number: of the signal.
        """


class LocalWorkers:
    """Runs cells on this machine, each with its threads and, where there are GPUs, one of its own.

    Other processes may run the same study: each cell is worked on by one of them, and all end when all cells are done.

    Args:
        folder: of the study.
        plan: the cells, in the order in which they are run.
        at_once: how many cells.
        retry_failed: whether cells that failed earlier are run again.
        stages: the commands of each cell.
        devices: GPUs, of which each cell that runs has one; no more cells run at once. Empty for none.
    """

    left_behind = "Commands that ran have saved what they had."

    def __init__(
        self,
        folder: StudyFolder,
        plan: Plan,
        at_once: int = 1,
        retry_failed: bool = False,
        stages: Sequence[Stage] = STAGES,
        devices: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.retry_failed = retry_failed
        self.stages = stages
        self.signal = 0
        self._devices: list[str | None] = [*devices[:at_once]] or [None] * at_once
        self._pool = ThreadPoolExecutor(len(self._devices), thread_name_prefix="cell")
        self._futures: list[Future[None]] = []
        self._left: list[Cell] = []
        self._choosing = threading.Lock()
        self._is_broken = False  # what cannot go on: a log that cannot be written
        self._running: dict[str, CellRun] = {}

    def begin(self, cells: Sequence[Cell]) -> None:
        """Start working on cells."""
        self._left = list(cells)
        self._futures = [self._pool.submit(self._work, device) for device in self._devices]
        self._pool.shutdown(wait=False)

    def wait(self, seconds: float) -> bool:
        """Wait for so long at most; return whether nothing is left to do.

        Raises:
            OSError: a log or an error file could not be written.
        """
        done, running = wait(self._futures, seconds, FIRST_EXCEPTION)
        if any(future.exception() for future in done):
            self._is_broken = True  # the others end with their cells
        if running:
            return False
        for future in done:
            future.result()
        return True

    def stop(self, number: int) -> None:
        """End early: hand a signal on to all commands."""
        self.signal = self.signal or number
        for run in list(self._running.values()):
            run.send_signal(number)

    def _work(self, device: str | None) -> None:
        """Work on one cell after another until none is left, all on one device."""
        while not self.signal and not self._is_broken:
            with self._choosing:
                run = self._next(device)
            if run is None:
                if not self._left:
                    return
                time.sleep(PAUSE)  # for those that others work on
                continue
            self._running[run.cell.name] = run
            try:
                if not self.signal:  # one that came before it was known here
                    run.run()
            finally:
                del self._running[run.cell.name]
                run.release()

    def _next(self, device: str | None) -> CellRun | None:
        """Return the first cell that nobody works on, claimed; forget those that are done or have failed."""
        for cell in list(self._left):
            if self._is_settled(cell):
                self._left.remove(cell)
                continue
            run = CellRun(self.folder, self.plan, cell, self.stages, device)
            if not run.claim():
                continue
            self._left.remove(cell)
            # another process may have worked on it in the meantime
            if not self._is_settled(cell, mine=True):
                return run
            run.release()
        return None

    def _is_settled(self, cell: Cell, mine: bool = False) -> bool:
        state = (state_at_rest if mine else state_of)(self.folder, cell, self.stages)
        return state.is_final or (state is CellState.FAILED and not self.retry_failed)
