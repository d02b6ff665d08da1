"""Commands whose first values stand without a flag, as many as there are: RUN RUN --output PAGE."""

from __future__ import annotations

from collections.abc import Callable

from potbench.cli.command import run
from potbench.errors import PotbenchError

PROGRAM = "python -m potbench"


def run_several(
    command: Callable[..., int | None], arguments: list[str], called: str, name: str, expected: str, example: str
) -> int:
    """Run a function with the arguments of the command line; return the exit status.

    Args:
        command: the function; its argument of several values is called as one of them, in small letters and with an s.
        arguments: what is behind the command.
        called: what the command is called.
        name: of one value, such as RUN.
        expected: what the values are.
        example: of arguments.

    Raises:
        PotbenchError: there are none.
    """
    one = f"--{name.lower()}"
    values, flags = _split(arguments, {one, f"{one}s"})
    if not values and not {"-h", "--help"}.intersection(flags):
        raise PotbenchError(f"{name} is missing. Expected {expected}, as in `{PROGRAM} {called} {example}`.")
    return run(command, [*([f"{one}s", *values] if values else []), *flags], f"{PROGRAM} {called} {name}...")


def _split(arguments: list[str], of_values: set[str]) -> tuple[list[str], list[str]]:
    """Return the values and the flags, each flag with its own value."""
    values: list[str] = []
    flags: list[str] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("-"):
            values.append(argument)
            continue
        flags.append(argument)
        if argument in of_values:
            flags.pop()
        elif "=" not in argument and argument not in {"-h", "--help"} and rest:
            flags.append(rest.pop(0))
    return values, flags
