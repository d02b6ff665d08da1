"""Reads which dataset is meant: a name, and flags that are the options of its class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentParser

from potbench.cli.data.catalog import named, near
from potbench.datasets import Published, Sample, data_root

KEY = "data.init_args.dataset.init_args."
WRONG_VALUE = re.compile(r'Parser key "(?P<key>\w+)".*(?:Got value|Given value): (?P<value>.*)', re.DOTALL)
WRONG_FLAG = re.compile(r"unrecognized arguments: (?P<flag>\S+)")
MISSING = re.compile(r"arguments are required: (?P<key>\w+)")

Kind = type[Published] | type[Sample]


class Choice(NamedTuple):
    """The dataset that the words of a command choose.

    Attributes:
        kind: its class.
        options: what the class is made with, besides the folder.
        root: folder of datasets.
        source: where the user has the files already, or None.
    """

    kind: Kind
    options: dict[str, Any]
    root: Path
    source: Path | None

    def make(self, folder: Path | None = None) -> Published | Sample:
        """Make the dataset.

        Args:
            folder: where its files are; by default where they are downloaded to.

        Raises:
            ValueError: options that do not go together.
        """
        if not issubclass(self.kind, Published):
            return self.kind()
        try:
            dataset = self.kind(folder=folder, **self.options)
        except ValueError as error:
            # here the keys of a config are flags
            raise ValueError(str(error).replace(KEY, "--")) from error
        dataset.root = self.root
        return dataset


def choose(words: Sequence[str], program: str) -> Choice:
    """Read a name and flags.

    Args:
        words: what stands behind the command.
        program: the command, for messages.

    Raises:
        ValueError: a name, a flag or a value that there is not; the message says which there are.
    """
    known = named()
    if words[0] not in known:
        raise ValueError(
            f"There is no dataset {words[0]!r}.{near(words[0], known)} Expected one of {', '.join(known)}: "
            f"{program} NAME."
        )
    kind = known[words[0]]
    parser = OptionsParser(kind, prog=f"{program} {kind.name}", usage="%(prog)s [OPTIONS]", allow_abbrev=False)
    parser.description = str(kind.__doc__).partition("\n\n")[0]
    options = parser.add_class_arguments(kind, skip={"folder"}, as_group=False)
    if issubclass(kind, Published):
        parser.add_argument("--from", type=Path | None, help="Folder, archive or file: the files, if you have them.")
    parser.add_argument("--root", type=Path | None, help="Folder of datasets; else POTBENCH_DATA, or the user's own.")
    found = parser.parse_args(list(words[1:]))
    return Choice(kind, {name: found[name] for name in options}, found["root"] or data_root(), found.get("from"))


class OptionsParser(ArgumentParser):
    """Says what is wrong with a flag in a sentence, with the flags or values that there are.

    Args:
        kind: the class whose options the flags are.
        settings: of jsonargparse.
    """

    def __init__(self, kind: Kind, **settings: Any) -> None:
        super().__init__(**settings)
        self.kind = kind

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise ValueError with the message, in other words."""
        raise ValueError(self._explain(message)) from ex

    def _explain(self, message: str) -> str:
        if flag := WRONG_FLAG.search(message):
            word = flag["flag"]
            flags = [flag for action in self._actions for flag in action.option_strings]
            return f"There is no flag {word!r} of {self.kind.name}.{near(word, flags)} {self.prog} --help lists them."
        if missing := MISSING.search(message):
            return f"--{missing['key']} is missing. Expected {self._expected(missing['key'])}."
        if wrong := WRONG_VALUE.search(message):
            key, value = wrong["key"], wrong["value"]
            return f"--{key} is {value!r}, expected {self._expected(key)}.{near(value, self._choices(key))}"
        return f"{message}. {self.prog} --help lists all flags."

    def _expected(self, key: str) -> str:
        return f"one of {', '.join(self._choices(key))}" if self._choices(key) else f"{self._hint(key)}"

    def _choices(self, key: str) -> list[str]:
        hint = self._hint(key)
        return [str(value) for value in get_args(hint)] if get_origin(hint) is Literal else []

    def _hint(self, key: str) -> Any:
        return get_type_hints(self.kind.__init__).get(key, Path)
