"""Runs a command that is a plain function: its signature says which arguments there are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from potbench.cli.parsing import Parser, flags_in
from potbench.cli.places import Flags
from potbench.cli.refusals import refusals


def run(command: Callable[..., int | None], arguments: list[str], program: str) -> int:
    """Run a function with the arguments of the command line; return the exit status.

    Args:
        command: the function; one with **options takes any other flag as text.
        arguments: what is behind the command.
        program: the command, for messages.
    """
    parser = Parser.of(command, program)
    if any(one.kind is one.VAR_KEYWORD for one in inspect.signature(command).parameters.values()):
        for flag in flags_in(arguments):
            if flag != "help" and not parser.place(flag):
                parser.add_argument(f"--{flag}", type=str)
    settings = parser.parse_args(arguments)
    given: dict[str, Any] = {name: value for name, value in vars(settings).items() if value is not None}
    with refusals(lambda: Flags(settings, parser)):
        return int(command(**given) or 0)
