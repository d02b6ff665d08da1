"""The one family of parsers: commands made from signatures, and the configs of fit, validate and test."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Sequence
from contextlib import chdir
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentParser, Namespace
from typing_extensions import override

from potbench.cli.foreign import Maker
from potbench.cli.parse_errors import explain, unknown_key
from potbench.errors import PotbenchError

WITHOUT_VALUE = {"-h", "--help", "--print_config"}
RENAMED = {"licence": "license"}
"""Arguments of classes that had another name in earlier versions."""


class Parser(ArgumentParser):
    """A parser that says in a sentence what is wrong, and still understands how arguments used to be written.

    Flags may have hyphens in place of underscores, a positional argument may be given as a flag, lists may be written
    as several words, and a flag that is true or false may stand alone.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        # an abbreviated key would be guessed at in silence
        super().__init__(*args, allow_abbrev=False, **settings)
        self.folder = Path.cwd()

    @property
    def usage_hint(self) -> str:
        """Where all arguments are listed."""
        return f"{self.prog.replace(' [options]', '')} --help lists all."

    @classmethod
    def of(cls, command: Callable[..., Any], program: str) -> Parser:
        """Return the parser of a command: arguments that must be given are positional unless they are keyword-only."""
        parser = cls(prog=program, description=inspect.getdoc(command).partition("\n\nArgs:")[0])  # type: ignore[union-attr]
        # or jsonargparse would import what is there for type checkers alone, torch among it
        command.__annotations__.update(get_type_hints(command))
        parameters = inspect.signature(command).parameters.values()
        flags = {
            one.name for one in parameters if one.kind is not one.POSITIONAL_OR_KEYWORD or one.default is not one.empty
        }
        positional = {one.name for one in parameters} - flags
        parser.add_function_arguments(command, skip=flags, as_group=False, as_positional=True)  # type: ignore[arg-type]
        parser.add_function_arguments(command, skip=positional, as_group=False)  # type: ignore[arg-type]
        return parser

    noun = "argument"
    args: list[str] = []  # noqa: RUF012 — as jsonargparse has it; never changed

    @property
    def positional(self) -> list[str]:
        """Names of the positional arguments."""
        return [action.dest for action in self._actions if not action.option_strings]

    def written(self, setting: str) -> str:
        """Return how a setting that is not positional is written."""
        return f"--{setting}"

    def place(self, setting: str) -> str | None:
        """Return how an argument of this command is written: --batch_size, or RUN; None where it has none."""
        if setting in self.positional:
            return setting.upper()
        return self.written(setting) if f"--{setting}" in self._option_string_actions else None

    @override
    def parse_args(self, args: Sequence[str] | None = None, *more: Any, **settings: Any) -> Namespace:  # type: ignore[override]
        found: Namespace = super().parse_args(None if args is None else self._as_today(args), *more, **settings)
        return found

    @override
    def parse_path(self, path: Any, *more: Any, **settings: Any) -> Namespace:
        try:
            found: Namespace = super().parse_path(path, *more, **settings)
        except UnicodeDecodeError as error:
            self.error(f"Problems parsing config: {error}", error)
        return found

    @override
    def parse_object(self, obj: Any, *more: Any, **settings: Any) -> Namespace:
        for old, new in RENAMED.items():
            if old in obj and self.place(new):
                obj[new] = obj.pop(old)
        found: Namespace = super().parse_object(obj, *more, **settings)
        return found

    @override
    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        if self.exit_on_error:
            with chdir(self.folder):  # not that of the config at which jsonargparse stopped
                raise PotbenchError(explain(message, self)) from ex
        # of a class inside a config, what it is called there is known to the parser around this one only
        super().error(unknown_key(message, self) or message, ex)

    @override
    def format_help(self, *args: Any, **settings: Any) -> str:
        return re.sub(r"<class\s+'(?:\w+\.)*(\w+)'>", r"\1", super().format_help(*args, **settings))

    def _as_today(self, args: Sequence[str]) -> list[str]:
        """Rewrite arguments as they are written today."""
        positional: list[str] = []
        flags: list[str] = []
        rest = list(args)
        while rest:
            argument = rest.pop(0)
            if not argument.startswith("--") or argument == "--":
                flags.append(argument)
                continue
            name, equals, value = argument[2:].partition("=")
            name = name.replace("-", "_")
            if not self.exit_on_error and value == "None":
                value = "null"  # a class inside a config is given its arguments as Python writes them
            if RENAMED.get(name) and self.place(RENAMED[name]):
                name = RENAMED[name]
            kind = getattr(self._option_string_actions.get(f"--{name}"), "_typehint", None)
            if name in self.positional and (equals or rest):
                positional.append(value if equals else rest.pop(0))
            elif kind is bool and not equals and (not rest or rest[0].startswith("--")):
                flags.append(f"--{name}=true")
            elif _is_list(kind) and not equals and rest and not rest[0].startswith(("[", "null")):
                values = []
                while rest and not rest[0].startswith("--"):
                    values.append(rest.pop(0))
                flags.append(f"--{name}={json.dumps(values)}")
            else:
                flags.append(f"--{name}{equals}{value}")
        return [*positional, *flags]


class ConfigParser(Parser):
    """A parser whose arguments are the keys of a config, and not flags of a command."""

    noun = "setting"

    @override
    def instantiate(self, *args: Any, **settings: Any) -> Namespace:
        maker = Maker()
        if self.exit_on_error:  # else it is the parser of a class inside a config
            settings["instantiators"] = [(maker, object, True)]
        try:
            made: Namespace = super().instantiate(*args, **settings)
        except ValueError as error:
            raise maker.refused or error from error
        return made

    @override
    def written(self, setting: str) -> str:
        return setting


def _is_list(kind: Any) -> bool:
    """Return whether a type is that of a list, which may be left out."""
    kinds = get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
    return all(one is NoneType or get_origin(one) in {list, tuple} for one in kinds)


def flags_in(arguments: Sequence[str]) -> list[str]:
    """Return the flags among arguments, as Python would name them."""
    return [argument[2:].partition("=")[0].replace("-", "_") for argument in arguments if re.match(r"--\w", argument)]


def positional_in(arguments: Sequence[str]) -> str | None:
    """Return the first argument that is no flag and no value of one."""
    for previous, argument in zip(["", *arguments], arguments, strict=False):
        takes_it = re.match(r"--?\w[^=]*$", previous) and previous not in WITHOUT_VALUE
        if not argument.startswith("-") and not takes_it:
            return argument
    return None
