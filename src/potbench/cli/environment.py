"""Settings from environment variables: one that is misspelled is refused, not ignored."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from potbench.errors import PotbenchError, did_you_mean

PREFIX = "POTBENCH_"
OWN = ("POTBENCH_DATA", "POTBENCH_TEST_DATA")
INSIDE = re.compile("__(DATA|MODEL)__")
CONFIGURED = ("fit", "validate", "test")
"""Commands whose settings may come from the environment."""


def check_environment(command: str | None = None, settings: Iterable[str] = ()) -> None:
    """Raise PotbenchError where a variable that begins with POTBENCH_ is none that potbench reads.

    Args:
        command: whose settings are known; others are not looked at more closely.
        settings: its key paths, such as trainer.max_epochs.
    """
    read = [*OWN, *(variable(command, key) for key in settings if command)]
    others = tuple(variable(name, "") for name in CONFIGURED if name != command or not settings)
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in read and not name.startswith(others):
            inside = " Settings inside data and model are flags or keys of a config." if INSIDE.search(name) else ""
            raise PotbenchError(
                f"The environment variable {name} is none that potbench reads.{did_you_mean(name, read)} Expected "
                f"{', '.join(OWN)} or a setting, such as POTBENCH_FIT__TRAINER__MAX_EPOCHS.{inside} Correct it, or "
                "remove it."
            )


def drop_settings() -> None:
    """Take settings of fit, validate and test out of the environment, and say so: files alone say what is compared."""
    found = [name for name in sorted(os.environ) if is_setting(name)]
    for name in found:
        del os.environ[name]
    if found:
        print(f"Not used, since the file alone says how its trainings are: {', '.join(found)}.")


def is_setting(name: str) -> bool:
    """Return whether a variable is a setting of fit, validate or test."""
    return name.startswith(tuple(variable(command, "") for command in CONFIGURED))


def variable(command: str, key: str) -> str:
    """Return the name of the environment variable of a setting."""
    return f"{PREFIX}{command}__{key.replace('.', '__')}".upper()
