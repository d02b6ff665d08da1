"""The configs inside the package: an installed potbench needs no repository."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePath

from potbench.errors import SettingError

CONFIGS = Path(__file__).parents[1] / "configs"
"""In the repository a link to its folder `configs`, in an installed package the folder itself."""


def shipped(path: Path | str, folder: Path | None = None) -> Path | None:
    """Return the file in the package that a path means; None where it means another one.

    A path means a file in the package if it begins with `configs`, and names nothing where it is written.

    Args:
        path: as a user has written it.
        folder: what it is relative to; by default the current folder.
    """
    parts = PurePath(path).parts
    found = CONFIGS.joinpath(*parts[1:])
    if parts[:1] != (CONFIGS.name,) or ".." in parts or not found.is_file() or Path(folder or "", path).exists():
        return None
    return found


def with_shipped(argument: str) -> str:
    """Return an argument of the command line, of which a config in the package is named by its whole path."""
    flag, equals, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    return f"{flag}{equals}{shipped(value) or value}"


def copy_configs(folder: Path) -> Path:
    """Copy all configs to a new folder, where they may be changed.

    Args:
        folder: the new one.

    Raises:
        SettingError: it exists.
    """
    if folder.exists():
        raise SettingError(copy_configs, "folder", str(folder), "a folder that is not there yet", f"{folder} exists")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a copy that was interrupted
    shutil.copytree(CONFIGS, partial)
    return partial.rename(folder)
