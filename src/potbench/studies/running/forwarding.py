"""Signals that ask a study to end are handed on to the commands that it runs, each once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from potbench.runs.signals import NAMES

HANGUP = getattr(signal, "SIGHUP", None)  # Windows has none


@contextmanager
def forwarded(hand_on: Callable[[int], None]) -> Iterator[None]:
    """Have a function called with the number of each signal that asks to end, in place of ending.

    The end of a terminal asks in the same way as SIGTERM. Signals that the process was told to ignore, as nohup does,
    stay ignored. Outside the main thread, where Python handles no signals, nothing changes.

    Args:
        hand_on: is called between any two steps of the main thread, so that it must not wait.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        hand_on(signal.SIGTERM if number == HANGUP else number)

    earlier = {}
    if threading.current_thread() is threading.main_thread():
        numbers = [*NAMES, *([] if HANGUP is None else [HANGUP])]
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                earlier[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


class Forwarder:
    """Hands signals on to a command, also those that came while it was started.

    A handler comes between any two steps of the main thread, and commands are started in threads of their own: a signal
    waits in a list, and whoever takes it from there sends it. A training that is asked twice does not save.

    Attributes:
        signal: number of the first signal; 0 before.
    """

    def __init__(self) -> None:
        self.signal = 0
        self._waiting: list[int] = []
        self._send: Callable[[int], None] | None = None

    def add(self, number: int) -> None:
        """Hand a signal on, now or as soon as there is a command."""
        self.signal = self.signal or number
        self._waiting.append(number)
        self._hand_on()

    def use(self, send: Callable[[int], None] | None) -> None:
        """Send what comes, and what waits, in this way from now on; None when the command has ended."""
        self._send = send
        self._hand_on()

    def _hand_on(self) -> None:
        while self._waiting and (send := self._send) is not None:
            with suppress(IndexError):  # taken by somebody else
                send(self._waiting.pop(0))
