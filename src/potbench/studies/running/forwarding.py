"""Signals that ask a study to end are handed on to the commands that it runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
