"""Calculators in processes of other environments, for libraries whose pins exclude those of potbench."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ase import Atoms

from potbench.errors import SettingError
from potbench.speed import rival


class Rival:
    """A calculator in another process, which waits while nobody asks it.

    Attributes:
        package: its name and version.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.package = str(self._answer())

    def time_calls(self, molecule: Atoms, calls: int) -> float:
        """Return CPU milliseconds of a call; see `rival.time_calls`."""
        assert self._process.stdin is not None
        question = [molecule.numbers.tolist(), molecule.positions.tolist(), calls]
        with suppress(BrokenPipeError):  # of a process that has ended; the answer is then why
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        return float(self._answer())

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(rival.MARK):
                return json.loads(line.removeprefix(rival.MARK))
        assert self._process.stderr is not None
        said = self._process.stderr.read().strip().splitlines() or ["it said nothing"]
        raise RuntimeError(said[-1])


@contextmanager
def started(network: str, python: Path, owner: object, setting: str, threads: int) -> Iterator[Rival]:
    """Start a process that has a calculator, and end it behind the block.

    Args:
        network: one that `rival.calculator_of` knows.
        python: interpreter of an environment that has its library.
        owner: what the interpreter is an argument of.
        setting: the name of that argument.
        threads: of torch.

    Raises:
        SettingError: there is no such interpreter, or it lacks the library.
    """
    command = [str(python), "-I", str(Path(rival.__file__)), network, str(threads)]
    expected = "the python of an environment that has the library"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        process = subprocess.Popen(command, text=True, **pipes)  # type: ignore[call-overload]
    except OSError as error:
        raise SettingError(owner, setting, str(python), expected, f"{python} cannot be run ({error})") from error
    try:
        try:
            found = Rival(process)
        except RuntimeError as error:
            raise SettingError(owner, setting, str(python), expected, f"{python} has no {network} ({error})") from error
        yield found
    finally:
        process.kill()
        process.communicate()
