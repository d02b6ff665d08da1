"""Signals that ask a training to end; imported by the front door, and so without torch."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

NAMES = {
    number: name
    for name, number in {
        "Ctrl-C": signal.SIGINT,
        "SIGTERM": signal.SIGTERM,
        # Windows has none
        "SIGUSR1": getattr(signal, "SIGUSR1", None),
    }.items()
    if number is not None
}


class Stopped(Exception):  # noqa: N818  nothing went wrong
    """A training has ended before its end; its last checkpoint is whole.

    Args:
        message: why, in which epoch, and how to resume.
        status: exit status of the process.
        lost: whether another process of the training is gone, so that none can be waited for.
    """

    def __init__(self, message: str, status: int, lost: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.lost = lost


class Signals:
    """Remembers that a signal came; the training ends where a checkpoint can be saved.

    Saving within the handler would save a state in the middle of a step, and other processes another one.

    Attributes:
        received: number of the first signal; 0 before.
    """

    def __init__(self) -> None:
        self.received = 0
        self._earlier: dict[int, Callable[[int, FrameType | None], Any] | int | None] = {}

    def install(self) -> None:
        """Remember signals from now on, but for those that the process was told to ignore."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in NAMES:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._earlier[number] = signal.signal(number, self._remember)

    def remove(self) -> None:
        """Leave signals to those who had them before."""
        while self._earlier:
            number, handler = self._earlier.popitem()
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or number
        if number == signal.SIGINT:
            # whoever asks twice does not want to wait
            signal.signal(number, signal.default_int_handler)


def end_at_once(number: int, frame: FrameType | None) -> None:
    """Handle a signal as a process does that has no handler."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
