"""Where a setting is changed: the flag of a command, or the key path in a config."""

from __future__ import annotations

import inspect
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, cast, get_args

from jsonargparse import Namespace
from typing_extensions import override

from potbench.cli import known
from potbench.cli.parse_errors import in_yaml
from potbench.cli.parsing import Parser
from potbench.errors import SettingError


@dataclass(frozen=True)
class Places(ABC):
    """The settings of a command, as they were given.

    Args:
        settings: what was parsed.
    """

    settings: Namespace

    @abstractmethod
    def of(self, error: SettingError) -> str | None:
        """Return where the setting of an error is changed; None where it is none of these settings."""

    @abstractmethod
    def leaves(self) -> Iterator[tuple[str, object]]:
        """Yield each setting: where it is changed, and its value."""

    def of_message(self, said: str) -> str | None:
        """Return the setting that a message of Lightning names between backquotes; None where it names none."""
        return None

    def of_path(self, path: str) -> str | None:
        """Return the setting that a path comes from: the one with the most of it; None where none does."""
        from potbench.datasets.dataset import data_root  # with the libraries that read files; errors alone need it

        near = []
        for place, given in [("POTBENCH_DATA", data_root()), *self.leaves()]:
            if isinstance(given, str | os.PathLike) and str(given):
                one, other = str(Path(path).absolute()), str(Path(given).absolute())
                if one.startswith(other) or other.startswith(f"{one}/"):
                    near.append((min(len(one), len(other)), place))
        return max(near)[1] if near else None

    def named(self, *endings: str) -> list[str]:
        """Return the settings that were given and whose names end so, in the order of the endings."""
        return [place for end in endings for place, value in self.leaves() if value and place.endswith(end)]


@dataclass(frozen=True)
class Flags(Places):
    """The arguments of a command.

    Args:
        settings: what was parsed.
        parser: that read them.
    """

    parser: Parser

    @override
    def of(self, error: SettingError) -> str | None:
        return self.parser.place(error.setting)

    @override
    def leaves(self) -> Iterator[tuple[str, object]]:
        for name, value in self.settings.items():
            yield self.parser.place(name) or name, value


@dataclass(frozen=True)
class Keys(Places):
    """The settings of a config.

    Args:
        settings: what was parsed.
        file: where the config is, where the user did not name it.
    """

    file: Path | None = None

    @override
    def of(self, error: SettingError) -> str | None:
        best, place, other = 0, None, cast(Any, error.owner)
        for path, owner, arguments in _nodes(self.settings):
            if error.setting and error.setting not in arguments:
                continue
            # the class itself, or a class that it is derived from or that is derived from it
            same = owner is other or path == getattr(other, "__name__", "").lower()
            both = isinstance(owner, type) and isinstance(other, type)
            near = 4 if same else 2 * (both and (issubclass(owner, other) or issubclass(other, owner)))
            near += near > 0 and str(arguments.get(error.setting)) == str(error.value)
            if near > best:
                inside = f"{'.init_args' if owner else ''}.{error.setting}" if error.setting else ""
                best, place = near, f"{path}{inside}"
        return place and (f"{place} in {self.file}" if self.file else place)

    @override
    def of_message(self, said: str) -> str | None:
        quoted = [name for part in re.findall(r"`([^`]+)`", said) for name in re.findall(r"[\w/.]+", part)]
        trainer = self.settings.get("trainer", {})
        for path, owner, arguments in _nodes(trainer, "trainer"):
            named = [name for name, value in arguments.items() if str(value) in quoted]
            if getattr(owner, "__name__", "") in quoted and named:
                return f"{path}.init_args.{named[0]}"
        return next((f"trainer.{name}" for name in quoted if name in trainer), None)

    @override
    def leaves(self) -> Iterator[tuple[str, object]]:
        yield from ((key, value) for key, value in self.settings.items() if not key.endswith("class_path"))


def require_values(settings: Namespace, linked: str) -> None:
    """Raise SettingError where a setting is null that must have a value; jsonargparse takes null for a default.

    Args:
        settings: what was parsed.
        linked: key of the setting that gets its value later.
    """
    for path, owner, arguments in _nodes(settings):
        if not inspect.isclass(owner):
            continue
        hints = known.hints(owner)
        for name, parameter in inspect.signature(owner).parameters.items():
            hint = hints.get(name, Any)
            may_be_null = parameter.default is None or hint is Any or NoneType in get_args(hint)
            if f"{path}.init_args.{name}" != linked and arguments.get(name, 0) is None and not may_be_null:
                raise SettingError(owner, name, None, in_yaml([str(hint)]))


def _nodes(value: object, path: str = "") -> Iterator[tuple[str, Any, Mapping[str, object]]]:
    """Yield every object that a config describes: its key path, its class (or None) and its arguments."""
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item, path)
    if isinstance(value, Namespace):
        arguments = vars(value.get("init_args") or value) if "class_path" in value else vars(value)
        yield path, known.find(str(value.get("class_path", ""))), arguments
        inside = f"{path}.init_args" if "class_path" in value else path
        for key, item in arguments.items():
            yield from _nodes(item, f"{inside}.{key}".lstrip("."))
