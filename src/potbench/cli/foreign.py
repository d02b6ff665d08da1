"""Objects that a config describes: what other libraries raise when they are made is about their settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from potbench.errors import PotbenchError, SettingError

Made = TypeVar("Made")


class Maker:
    """Makes the objects that a config describes.

    Attributes:
        refused: what was refused last; jsonargparse hides it where a setting may be of several types.
    """

    def __init__(self) -> None:
        self.refused: PotbenchError | None = None

    def __call__(self, kind: type[Made], *args: Any, **settings: Any) -> Made:
        """Make an object.

        Raises:
            SettingError: it is of another library, which refuses its settings.
        """
        try:
            with refused_settings(kind, settings):
                return kind(*args, **settings)
        except PotbenchError as error:
            self.refused = error
            raise


@contextmanager
def refused_settings(kind: type, settings: Mapping[str, Any]) -> Iterator[None]:
    """Raise SettingError where a class of another library refuses its settings; errors of potbench's own pass."""
    try:
        yield
    except (PotbenchError, OSError, MemoryError):
        raise
    except Exception as error:
        if kind.__module__.partition(".")[0] == "potbench":
            raise
        said = " ".join(str(error).split()).rstrip(".!")
        setting = "" if isinstance(error, ImportError) else _named_in(said, settings)
        expected = "a package that is installed" if isinstance(error, ImportError) else "what it accepts"
        raise SettingError(kind, setting, settings.get(setting), expected, f"{kind.__name__}: {said}") from error


def _named_in(said: str, settings: Mapping[str, Any]) -> str:
    """Return the argument that a message is about: most libraries name it or its value; empty where none is found."""
    signs = [(rf"\b{name}=|`{name}`", name) for name in settings]
    told = {name: value for name, value in settings.items() if value not in (None, "", True, False)}
    signs += [(rf"(?<![\w.-]){re.escape(str(value))}(?![\w.])", name) for name, value in told.items()]
    signs += [(rf"\b{name}\b", name) for name in settings]
    return next((name for sign, name in signs if re.search(sign, said)), "")
