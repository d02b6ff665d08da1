"""Kills this process at a place that a test names, by SIGKILL: nothing is tidied up, as when memory runs out.

A place is one of
- `module:function#number`, the call before which the process dies; with @after behind it, it dies behind the call; with
  the name of another signal, this is sent; with @full, the disk is full from then on;
- `file#number` of the files that are written whole, by the beginning of its name: with @half when a half of it is
  written, @whole when it is not yet renamed, @renamed when it is;
- `half a row#number`, in the midst of that row of metrics.csv.
"""

from __future__ import annotations

import functools
import importlib
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

PLACE = "KILL_AT"
"""Environment variable with the place."""


def install() -> None:
    """Prepare the death that the environment asks for."""
    place = os.environ.get(PLACE)
    if not place:
        return
    name, _, rest = place.partition("#")
    number, _, mode = rest.partition("@")
    if name == "half a row":
        _in_a_row(int(number))
    elif ":" in name:
        module, function = name.split(":")
        _at_a_call(module, function, _countdown(int(number)), mode)
    else:
        _at_a_file(name, _countdown(int(number)), mode)


def die() -> None:
    """End at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def _countdown(number: int) -> Callable[[], bool]:
    left = iter(range(number - 1, -1, -1))
    return lambda: next(left, None) == 0


def _fill_disk() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def _at_a_call(module: str, function: str, is_now: Callable[[], bool], mode: str) -> None:
    owner: Any = importlib.import_module(module)
    *path, name = function.split(".")
    for part in path:
        owner = getattr(owner, part)
    original = getattr(owner, name)

    @functools.wraps(original)
    def killing(*arguments: Any, **named: Any) -> Any:
        now = is_now()
        if now and mode.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, mode))
        elif now and mode == "full":
            _fill_disk()
        elif now and not mode:
            die()
        result = original(*arguments, **named)
        if now and mode == "after":
            die()
        return result

    setattr(owner, name, killing)


def _at_a_file(name: str, is_now: Callable[[], bool], mode: str) -> None:
    from potbench import whole_file

    def killing_sync(descriptor: int) -> None:
        written = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if mode != "renamed" and written.startswith(name) and is_now():
            if mode == "half":
                os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            die()

    def killing_replace(self: Path, target: Path) -> Path:
        result = replace(self, target)
        if mode == "renamed" and target.name.startswith(name) and is_now():
            die()
        return result

    replace = Path.replace
    whole_file.os.fsync = killing_sync  # type: ignore[assignment]
    Path.replace = killing_replace  # type: ignore[assignment,method-assign]


def _in_a_row(number: int) -> None:
    from potbench.training.csv_logger import CSVLogger

    log_metrics = CSVLogger.log_metrics
    is_now = _countdown(number)

    def killing(self: CSVLogger, *arguments: Any, **named: Any) -> None:
        if is_now():
            with self.file.open("a") as stream:
                stream.write("1,0.1")
            die()
        log_metrics(self, *arguments, **named)

    CSVLogger.log_metrics = killing  # type: ignore[method-assign]
