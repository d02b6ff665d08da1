"""What potbench refuses, by kind.

PotbenchError
├── SettingError            an argument, a key of a config or a flag has a value that cannot work
│   └── MissingDataError    a setting names no file of its dataset (a DataFileError too)
├── DataFileError           a file of data is damaged, or is not what it should be
│   └── ArchiveError        an archive is damaged, or does not hold what it should
├── RunError                a folder is no run, or holds another one
├── RecordError             a record or a manifest is damaged
├── CheckpointError         a checkpoint is damaged, or was not written by potbench
├── UnknownMoleculeError    a potential is asked about a molecule that it was not made for
├── UnstableError           a molecule breaks or explodes while it moves
├── DivergedError           a training has diverged
├── GenerationError         a dataset cannot be generated
└── MissingPackageError     an optional package is not installed (an ImportError too)

Each message says what is wrong with which value, what was expected, and what to change. All but the last are
ValueErrors as well. The command line shows them as one paragraph; whatever is not among them, and no error of the
system, is a defect of potbench.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path


class PotbenchError(Exception):
    """Something that potbench refuses; the message is meant for its user."""


class SettingError(PotbenchError, ValueError):
    """A setting has a value that cannot work.

    Where it is raised, nobody knows whether the setting came from a config, a flag or Python: `text` is told.

    Args:
        owner: whose setting it is: an object, its class, or a function.
        setting: name of the argument.
        value: what was given.
        expected: what was expected, as the end of a sentence.
        problem: what is wrong, a sentence without its period; by default the value itself.
    """

    def __init__(self, owner: object, setting: str, value: object, expected: str, problem: str | None = None) -> None:
        self.owner: object = owner if inspect.isclass(owner) or inspect.isroutine(owner) else type(owner)
        self.setting = setting
        self.value = value
        self.expected = expected
        self.problem = problem
        super().__init__(self.text(f"the argument {setting} of {getattr(self.owner, '__name__', self.owner)}"))

    def text(self, place: str) -> str:
        """Return the message.

        Args:
            place: where the setting is changed: an argument, the key of a config, or a flag.
        """
        if self.problem is None:
            return f"{self.setting} is {self.value!r}, expected {self.expected}. Change {place}."
        return f"{self.problem}. Expected {self.expected}. Change {place}."


class DataFileError(PotbenchError, ValueError):
    """A file of data cannot be used; the message names the file, what is wrong, and what to do."""


class MissingDataError(SettingError, DataFileError):
    """A file of a dataset is not where its settings say.

    Args:
        owner: the dataset.
        setting: the argument that names the file or its folder.
        file: the file.
        name: name of the dataset, where `potbench data prepare` can get it; else None.
        options: what else chooses the files: argument → value.
    """

    def __init__(
        self, owner: object, setting: str, file: Path, name: str | None, options: Mapping[str, object] | None = None
    ) -> None:
        self.file = file
        self.name = name
        self.options = dict(options or {})
        super().__init__(
            owner, setting, str(file), f"a file of {name or 'the dataset'} there", f"{file} does not exist"
        )


class ArchiveError(DataFileError):
    """An archive is damaged, or does not hold what it should."""


class RunError(PotbenchError, ValueError):
    """A folder is no run, or is that of another one."""


class RecordError(PotbenchError, ValueError):
    """A record or a manifest cannot be read; the message names the file and what to do."""


class CheckpointError(PotbenchError, ValueError):
    """A checkpoint cannot be read; the message names the file and what to do."""


class UnknownMoleculeError(PotbenchError, ValueError):
    """A potential is asked about a molecule that it was not made for."""


class UnstableError(PotbenchError, ValueError):
    """A molecule breaks or explodes while it moves; the message says which, when and how."""


class DivergedError(PotbenchError, ValueError):
    """A training has diverged; the message says when, and what to lower.

    Args:
        message: what is said of it.
        epoch: in which it did, from 0.
        step: at which optimizer step, from 1; of a validation the last before it.
    """

    def __init__(self, message: str, epoch: int, step: int) -> None:
        super().__init__(message)
        self.epoch = epoch
        self.step = step


class GenerationError(PotbenchError, ValueError):
    """A dataset cannot be generated as asked for."""


class MissingPackageError(PotbenchError, ImportError):
    """An optional package is not installed.

    Args:
        package: name of the package.
        purpose: what needs it, as the beginning of a sentence.
        extra: potbench's extra that installs it.
    """

    def __init__(self, package: str, purpose: str, extra: str) -> None:
        super().__init__(
            f"{purpose} the package {package}, which is not installed. Install it: pip install 'potbench[{extra}]'."
        )


def require_positive(owner: object, **settings: float | None) -> None:
    """Raise SettingError unless sizes and lengths are above zero; None is a setting left out.

    Args:
        owner: whose settings they are.
        settings: name → value.
    """
    for name, value in settings.items():
        if value is not None and not value > 0:  # so put, NaN is refused too
            raise SettingError(owner, name, value, "more than 0")


def require_not_negative(owner: object, **settings: float) -> None:
    """Raise SettingError unless seeds, counts and rates are 0 or more; else like `require_positive`."""
    for name, value in settings.items():
        if not value >= 0:  # not a number is neither
            raise SettingError(owner, name, value, "0 or more")


def require_fraction(owner: object, **settings: float) -> None:
    """Raise SettingError unless every value is in [0, 1); else like `require_positive`."""
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise SettingError(owner, name, value, "at least 0 and less than 1")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint at the nearest of the known words, with a space before it; empty where none is near."""
    nearest = get_close_matches(word, list(known), n=1)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def require_new_file(owner: object, **files: Path | None) -> None:
    """Raise SettingError where a file that is to be written exists, or cannot be: before its content is computed.

    Args:
        owner: function that will write them, and make the folders that they are to be in.
        files: by name; None for none.
    """
    for name, file in files.items():
        if file is None:
            continue
        if file.exists():
            raise SettingError(owner, name, str(file), "a new file", f"{file} exists, and nothing is overwritten")
        there = next(folder for folder in file.absolute().parents if folder.exists())
        if not there.is_dir():
            raise SettingError(owner, name, str(file), "a file in a folder", f"{there} is no folder")
        if not os.access(there, os.W_OK):
            raise SettingError(owner, name, str(file), "a file that you may write", f"{there} cannot be written")
