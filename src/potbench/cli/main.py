"""The front door: which commands there are. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import importlib
import sys
from typing import NamedTuple

from potbench import __version__


class Command(NamedTuple):
    """What a word on the command line does, and the function that does it with the words behind it."""

    help: str
    function: str


COMMANDS = {
    "fit": Command("train a potential", "potbench.cli.lightning:fit"),
    "validate": Command("errors of a run on its validation part", "potbench.cli.lightning:validate"),
    "test": Command("errors of a run on its test part, with figures", "potbench.cli.lightning:test"),
    "predict": Command("energies and forces of the structures in a file", "potbench.inference.predict:predict"),
    "check": Command("hold a run against the physical laws", "potbench.cli.check:check"),
    "data": Command("get, make and look at datasets", "potbench.cli.main:data"),
    "speed": Command("benchmarks of data and training, side by side", "potbench.cli.speed:run"),
}
DATA_COMMANDS = {
    "list": Command("which datasets there are, and which are here", "potbench.cli.data.list:list_datasets"),
    "prepare": Command("get a dataset and convert it, once", "potbench.cli.data.prepare:prepare"),
    "info": Command("what is known of a prepared dataset", "potbench.cli.data.info:info"),
    "check": Command("look at a prepared dataset as a careful scientist would", "potbench.cli.data.check:check"),
    "generate": Command("compute a dataset with any ASE calculator", "potbench.cli.data.generate:generate"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status, 2 where something was refused.

    Args:
        arguments: words of the command line; by default those the program was started with.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if words == ["--version"]:
        print(__version__)
        return 0
    title = f"potbench {__version__}: train machine-learned interatomic potentials and compare them fairly"
    try:
        return dispatch(words, COMMANDS, "python -m potbench", title)
    except (ValueError, OSError, ImportError) as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        print(f"\npotbench: {refusal}", file=sys.stderr)
        return 2


def data(words: list[str]) -> int:
    """Run a command on datasets."""
    return dispatch(words, DATA_COMMANDS, "python -m potbench data", "datasets for potbench")


def dispatch(words: list[str], commands: dict[str, Command], program: str, title: str) -> int:
    """Hand the words behind a command to its function; without a command, list those there are."""
    listing = "\n".join(f"  {name:<10}{command.help}" for name, command in commands.items())
    usage = f"{title}\n\nusage: {program} COMMAND [OPTIONS]\n\n{listing}\n\n{program} COMMAND --help says more."
    if not words or words[0] in {"-h", "--help"}:
        print(usage)
        return 0
    if words[0] not in commands:
        from difflib import get_close_matches

        near = get_close_matches(words[0], commands, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        print(f"potbench: there is no command {words[0]!r}.{hint}\n\n{usage}", file=sys.stderr)
        return 2
    module, function = commands[words[0]].function.split(":")
    return int(getattr(importlib.import_module(module), function)(words[1:]) or 0)


def _refusal(error: BaseException | None) -> BaseException | None:
    """What potbench itself refused, also where a library wrapped it; None for what deserves its traceback."""
    while error is not None:
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        if trace and str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0] == "potbench":
            return error
        error = error.__cause__
    return None
