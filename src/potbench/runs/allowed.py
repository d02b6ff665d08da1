"""What runs of other people may name: classes that are known, checked before anything is imported."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import yaml

from potbench.errors import SettingError
from potbench.runs.current_folder import import_packages_from_here

POTBENCH = ("dashboards", "datasets", "loading", "potentials", "readouts", "representations", "training")
LIGHTNING = ("accelerators", "callbacks", "loggers", "plugins", "profilers", "strategies")
KNOWN = (
    *(f"potbench.{room}" for room in POTBENCH),
    *("torch.nn", "torch.optim"),
    *(f"{name}.{part}" for part in LIGHTNING for name in ("lightning.pytorch", "lightning.fabric")),
)
"""Packages whose classes configs and checkpoints may name; what else torch has can start programs."""
DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
CLASS = re.compile(r"(.*\.)?class_path")
FILE = re.compile(r"file|path|root|dir|folder")
"""Names of settings that hold a file, which may look like a class: test.xyz."""


@dataclass(frozen=True)
class Allowed:
    """What the user allows beside what potbench knows.

    Args:
        allow: packages, whose classes may be built, and folders, into which may be written; a folder is written with a
            slash, or is the dot.
        own: dotted paths that the user names himself; they are not looked at.
    """

    allow: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in self.allow:
            if not _is_folder(name) and not all(part.isidentifier() for part in name.split(".")):
                raise SettingError(Allowed, "allow", name, "the name of a package, such as mypackage, or ./folder")

    @classmethod
    def by_flag(cls, names: Sequence[str]) -> Allowed:
        """Return what a user allows; its packages may be in the current folder, and are found there from now on."""
        allowed = cls(tuple(names))
        import_packages_from_here(allowed.packages)
        return allowed

    @property
    def packages(self) -> tuple[str, ...]:
        """Dotted names of packages."""
        return tuple(name for name in self.allow if not _is_folder(name))

    def with_those_of(self, content: object) -> Allowed:
        """Return these and all that a config of the user's own names."""
        return replace(self, own=self.own | set(_named(content)))

    def with_typed(self, words: Sequence[str]) -> Allowed:
        """Return these and all that the user typed, which may be in the current folder."""
        typed = {*_named(words), *(word for word in words if DOTTED.fullmatch(word))}
        import_packages_from_here([path for path in typed if not self._knows(path)])
        return replace(self, own=self.own | typed)

    def require(self, content: object, source: object, folder: Path | None = None) -> None:
        """Compare the classes that plain data name with those that may be built; import none before all are known.

        Args:
            content: as YAML or a checkpoint has it. What could be imported counts, whatever the key: jsonargparse takes
                text for a class where one is expected, and for YAML, and for the name of a file of YAML.
            source: what holds it, for the message.
            folder: where files that it names may be, beside the current folder.

        Raises:
            SettingError: something else is named, or a function.
        """
        named = [path for path in dict.fromkeys(_named(content, folder=folder)) if path not in self.own]
        foreign = [path for path in named if not self._knows(path)]
        if foreign:
            self._refuse(source, foreign, "of a package that is not allowed")
        for path in named:
            found = _find(path)
            if found is None:
                continue  # nothing that could be run; whoever builds it says which name is nearest
            if not inspect.isclass(found):
                self._refuse(source, [path], "no class")
            defined: str = found.__module__
            if not self._knows(f"{defined}."):
                self._refuse(source, [path], f"of {defined}, which is not allowed", defined)

    def require_places(self, content: object, run: Path) -> None:
        """Compare the places that the Trainer of a run writes to with its folder.

        Args:
            content: settings of the Trainer, as YAML has them.
            run: the folder.

        Raises:
            SettingError: it would write elsewhere.
        """
        for place in _places(content):
            if "://" in place or not self.has_folder(Path(place), run):
                raise SettingError(
                    Allowed,
                    "allow",
                    place,
                    "a folder inside the run, or one that is allowed by name",
                    f"The config of {run} would write to {place}",
                )

    def has_folder(self, folder: Path, *others: Path) -> bool:
        """Return whether a folder is within others, or within one that is allowed."""
        allowed = [*others, *(Path(name) for name in self.allow if _is_folder(name))]
        place = folder.expanduser().resolve()
        return any(place.is_relative_to(one.expanduser().resolve()) for one in allowed)

    def _knows(self, path: str) -> bool:
        return any(path.startswith(f"{package}.") for package in (*KNOWN, *self.packages))

    def _refuse(self, source: object, paths: list[str], why: str, defined: str = "") -> None:
        named = ", ".join(paths)
        package = (defined or paths[0]).partition(".")[0]
        raise SettingError(
            Allowed,
            "allow",
            named,
            "classes of potbench, torch.nn, torch.optim and Lightning, or of a package that you trust and allow by its "
            f"name: {package}",
            f"{source} names {named}, {why}; nothing of it was run",
        )


NOTHING_ELSE = Allowed()


def _named(
    content: object, key: str = "", folder: Path | None = None, seen: dict[object, object] | None = None
) -> Iterator[str]:
    """Yield each path by which something of plain data could be imported."""
    seen = {} if seen is None else seen
    if isinstance(content, Mapping | list | tuple | set | frozenset):
        if id(content) in seen:  # YAML may refer to a part again, also from within it
            return
        seen[id(content)] = content
        parts = content.items() if isinstance(content, Mapping) else ((key, part) for part in content)
        for name, part in parts:
            yield from _named(part, str(name), folder, seen)
    elif isinstance(content, str):
        if DOTTED.fullmatch(content) and (CLASS.fullmatch(key) or (not FILE.search(key) and _is_importable(content))):
            yield content
        elif CLASS.fullmatch(key) or not FILE.search(key):
            for nested, beside in _nested(content, folder, seen):
                yield from _named(nested, key, beside, seen)


def _nested(text: str, folder: Path | None, seen: dict[object, object]) -> Iterator[tuple[object, Path | None]]:
    """Yield what text holds as YAML, and what the files do that it may name, each with the folder of the file."""
    for place in (Path(text), *([folder / text] if folder else [])):
        with suppress(OSError, ValueError, RecursionError, yaml.YAMLError):
            if re.search(r"[./]", text) and place.is_file() and place.resolve() not in seen:
                seen[place.resolve()] = None
                yield yaml.safe_load(place.read_text(encoding="utf-8")), place.parent
    with suppress(ValueError, RecursionError, yaml.YAMLError):
        found = yaml.safe_load(text)
        if found != text:
            yield found, folder


def _places(content: object, key: str = "") -> Iterator[str]:
    """Yield what a Trainer may write to; its own default folder is that of the run in any case."""
    if isinstance(content, Mapping):
        for name, part in content.items():
            yield from _places(part, str(name))
    elif isinstance(content, list):
        for part in content:
            yield from _places(part, key)
    elif isinstance(content, str) and not CLASS.fullmatch(key) and key != "default_root_dir":
        leads_away = content.startswith(("/", "~")) or ".." in content.split("/") or "://" in content
        if leads_away or re.search(r"path|root|dir|folder", key):
            yield content


def _is_importable(path: str) -> bool:
    try:
        return find_spec(path.partition(".")[0]) is not None
    except (ImportError, ValueError):  # it is imported already, such as __main__
        return True


def _find(path: str) -> object:
    """Return what a path names, as jsonargparse would find it; None for nothing."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: object = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            found = getattr(found, name, None)
        return found
    return None


def _is_folder(name: str) -> bool:
    return os.sep in name or name in {".", "..", "~"}
