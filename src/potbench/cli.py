"""The front door: which commands there are. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import importlib
import sys
from typing import NamedTuple

from potbench import __version__


class Command(NamedTuple):
    """A word on the command line, what it does, and the function that does it."""

    help: str
    function: str


COMMANDS = {
    "fit": Command("train a potential", "potbench.lightning_cli:run"),
    "validate": Command("errors of a run on its validation part", "potbench.lightning_cli:run"),
    "test": Command("errors of a run on its test part, with figures", "potbench.lightning_cli:run"),
    "predict": Command("energies and forces of structures in a file", "potbench.predict:run"),
    "data": Command("make and look at datasets", "potbench.data:run"),
    "speed": Command("benchmarks of data and training, side by side", "potbench.speed:run"),
}


def usage() -> str:
    """The list of commands, a line each."""
    lines = [f"  {name:<10}{command.help}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            f"potbench {__version__}: train machine-learned interatomic potentials and compare them fairly",
            "",
            "usage: python -m potbench COMMAND [OPTIONS]",
            "",
            *lines,
            "",
            "python -m potbench COMMAND --help says more of each.",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status.

    Args:
        arguments: words of the command line; by default those the program was started with.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in {"-h", "--help"}:
        print(usage())
        return 0
    if words[0] == "--version":
        print(__version__)
        return 0
    if words[0] not in COMMANDS:
        from difflib import get_close_matches

        near = get_close_matches(words[0], COMMANDS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(f"potbench: there is no command {words[0]!r}.{hint}\n\n{usage()}", file=sys.stderr)
        return 2
    module, function = COMMANDS[words[0]].function.split(":")
    try:
        getattr(importlib.import_module(module), function)(words)
    except (ValueError, FileNotFoundError, FileExistsError, ModuleNotFoundError) as error:
        if not _raised_here(error):
            raise
        print(f"\npotbench: {error}", file=sys.stderr)
        return 2
    return 0


def _raised_here(error: BaseException) -> bool:
    """Whether potbench itself refused something; anything else keeps its traceback."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return bool(trace and str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0] == "potbench")
