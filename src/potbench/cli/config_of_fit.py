"""The config that fit would train with: read by its own parser, so that what it refuses is refused in its words."""

from __future__ import annotations

import os
import warnings
from contextlib import ExitStack
from typing import Any

import yaml
from jsonargparse import Namespace
from typing_extensions import override

from potbench.cli.environment import variable
from potbench.cli.fit import FitCLI
from potbench.cli.parsing import ConfigParser


class _Found(Exception):  # noqa: N818 — nothing is wrong
    """What was wanted of fit is known: the whole config, or the parser."""

    def __init__(self, found: Any) -> None:
        self.found = found


class _ConfigOfFit(FitCLI):
    """fit up to where it would claim the folder of its run."""

    @override
    def begin(self, settings: Namespace) -> None:
        raise _Found(yaml.safe_load(self.config_of_the_run(settings)))


class _Parser(FitCLI):
    """fit, validate or test up to where it would parse its arguments."""

    @override
    def parse_arguments(self, *_: object) -> None:
        raise _Found(self._parser(self.command))


def config_of_fit(arguments: list[str]) -> dict[str, Any]:
    """Return the config that fit would train with, every default written out, and make nothing.

    Args:
        arguments: of fit, without the folder of a run.

    Raises:
        PotbenchError: fit would refuse them.
    """
    with ExitStack() as at_the_end, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LightningCLI's args parameter is intended.*")
        at_the_end.callback(os.environ.pop, variable("fit", "run_dir"), None)
        try:
            # named, so that none is made; not to be found, so that nothing is read there
            _ConfigOfFit("fit", [*arguments, "--run_dir", os.devnull], at_the_end)
        except _Found as found:
            config: dict[str, Any] = found.found
            return config
    raise AssertionError("fit has not asked where to begin")


def parser_of(command: str) -> ConfigParser:
    """Return the parser of fit, validate or test."""
    try:
        _Parser(command, [], ExitStack())
    except _Found as found:
        parser: ConfigParser = found.found
        return parser
    raise AssertionError(f"{command} has not parsed its arguments")
