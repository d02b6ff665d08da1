"""The front door: which commands there are. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from potbench import __version__
from potbench.cli import speed
from potbench.cli.check import check
from potbench.cli.compare import compare
from potbench.cli.completion import completion
from potbench.cli.configs import configs
from potbench.cli.cost import cost
from potbench.cli.data.check import check as check_data
from potbench.cli.data.generate import generate
from potbench.cli.data.info import info
from potbench.cli.data.label import label
from potbench.cli.data.list import list_datasets
from potbench.cli.data.prepare import prepare
from potbench.cli.ensemble import ensemble
from potbench.cli.environment import check_environment
from potbench.cli.examine import examine
from potbench.cli.export import export
from potbench.cli.import_run import import_mace
from potbench.cli.md import md
from potbench.cli.new import new
from potbench.cli.output import go_on_without_reader, show_what_can_be_shown
from potbench.cli.predict import predict
from potbench.cli.refusals import message_of
from potbench.cli.relax import relax
from potbench.cli.report import report
from potbench.cli.schema import schema
from potbench.cli.speed_minutes import minutes
from potbench.cli.tune import tune
from potbench.errors import PotbenchError, did_you_mean
from potbench.shipped.configs import with_shipped

PROGRAM = "python -m potbench"
INTERRUPTED = 130
Command = Callable[..., Any]


def fit(arguments: list[str]) -> int:
    """Train a potential; `fit RUN` resumes a run."""
    from potbench.cli.lightning_process import run

    go_on_without_reader()
    return run("fit", arguments)


def validate(arguments: list[str]) -> int:
    """Report the errors of a run on its validation set."""
    from potbench.cli.lightning_process import run

    return run("validate", arguments)


def test(arguments: list[str]) -> int:
    """Report the errors of a run on its test set, with figures."""
    from potbench.cli.lightning_process import run

    return run("test", arguments)


DATA: dict[str, Command] = {
    "list": list_datasets,
    "prepare": prepare,
    "info": info,
    "check": check_data,
    "generate": generate,
    "label": label,
}
SPEED: dict[str, Command] = {
    "data": speed.data,
    "prepare": speed.prepare,
    "train": speed.train,
    "inference": speed.inference,
    "minutes": minutes,
}
IMPORT: dict[str, Command] = {"mace": import_mace}
COMMANDS: dict[str, Command | dict[str, Command]] = {
    "fit": fit,
    "validate": validate,
    "test": test,
    "predict": predict,
    "relax": relax,
    "md": md,
    "export": export,
    "check": check,
    "examine": examine,
    "ensemble": ensemble,
    "compare": compare,
    "cost": cost,
    "tune": tune,
    "report": report,
    "import": IMPORT,
    "data": DATA,
    "speed": SPEED,
    "new": new,
    "configs": configs,
    "schema": schema,
    "completion": completion,
}
GROUPS = {
    "import": "Make runs of potentials that were trained elsewhere",
    "data": "Get, make and look at datasets",
    "speed": "Measure speed side by side with other libraries",
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status, 2 where something was refused.

    Args:
        arguments: of the command line; by default those the program was started with.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in given
    show_what_can_be_shown()
    try:
        check_environment()
        status = dispatch([with_shipped(one) for one in given if one != "--debug"], COMMANDS, PROGRAM)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # whoever read the output has gone; Python would complain once more when it closes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt as stop:
        said, status = str(stop) or "stopped.", INTERRUPTED
    except Exception as error:
        message = message_of(error)
        if debug or message is None:
            raise
        said, status = message, 2
    print(f"\npotbench: {said}", file=sys.stderr)
    return status


def dispatch(arguments: list[str], commands: Mapping[str, Any], program: str) -> int:
    """Hand the arguments behind a command to its function; without a command, list those there are."""
    if arguments == ["--version"]:
        print(__version__)
        return 0
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(usage(commands, program))
        return 0
    name, *rest = arguments
    if name not in commands:
        hint = did_you_mean(name, commands)
        raise PotbenchError(f"There is no command {name!r}.{hint} Expected one of {', '.join(commands)}.")
    program = f"{program} {name}"
    if isinstance(commands[name], Mapping):
        return dispatch(rest, commands[name], program)
    if list(inspect.signature(commands[name]).parameters) == ["arguments"]:  # it reads them itself
        return int(commands[name](rest) or 0)
    from potbench.cli.command import run

    return run(commands[name], rest, program)


def usage(commands: Mapping[str, Any], program: str) -> str:
    """Return a line on each command."""
    lines = {
        name: GROUPS[name] if isinstance(command, Mapping) else str(command.__doc__).splitlines()[0].rstrip(".")
        for name, command in commands.items()
    }
    listing = "\n".join(f"  {name:<11}{line}" for name, line in lines.items())
    title = f"potbench {__version__}: train machine-learned interatomic potentials and compare them fairly"
    ends = f"{program} COMMAND --help says more; --debug shows where an error came from."
    return f"{title}\n\nusage: {program} COMMAND [ARGUMENTS]\n\n{listing}\n\n{ends}"
