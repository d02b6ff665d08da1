"""Which settings, classes and blocks of configs there are: what "did you mean" chooses from."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from argparse import Action
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args, get_type_hints

from jsonargparse import ArgumentParser

from potbench.errors import did_you_mean

ROOMS = ("datasets", "loading", "potentials", "readouts", "representations", "training")
LIBRARIES = (
    "torch.nn",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "lightning.pytorch.callbacks",
    "lightning.pytorch.loggers",
)
BLOCKS = {"data", "model", "trainer"}


def own_settings(parser: ArgumentParser) -> list[str]:
    """Return the settings that a parser knows; not its positional arguments, which are no settings."""
    return [action.dest for action in _actions(parser) if action.option_strings]


def settings(parser: ArgumentParser) -> list[str]:
    """Return the settings that a parser knows, and those of the classes that these are of."""
    return own_settings(parser) + [key for key, _ in _typed(parser)]


def key_for(class_path: str, parser: ArgumentParser) -> str | None:
    """Return the key that takes an object of a class, such as model.potential; None where none does."""
    given = find(class_path)
    return next((key for key, kind in _typed(parser) if inspect.isclass(given) and issubclass(given, kind)), None)


def find(path: str) -> Any:
    """Import a class or function by its path; None where there is none."""
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        return None


def hints(kind: Any) -> dict[str, Any]:
    """Return argument → type of a class; nothing of a class whose types cannot be found out."""
    try:
        return get_type_hints(kind.__init__)
    except (NameError, TypeError, AttributeError):
        return {}


def like_class(path: str) -> str:
    """Return a hint at the public class that is nearest to one that cannot be imported."""
    modules = [importlib.import_module(f"potbench.{room}") for room in ROOMS]
    modules += [sys.modules[name] for name in LIBRARIES if name in sys.modules]
    names = [(module.__name__, name) for module in modules for name in getattr(module, "__all__", dir(module))]
    paths = [f"{module}.{name}" if "." in path else name for module, name in names]
    same = [one for one in paths if one.lower() == path.lower()]
    return did_you_mean(same[0], same) if same else did_you_mean(path, paths)


def config_files(arguments: Sequence[str]) -> list[Path]:
    """Return the files behind --config."""
    return [Path(file) for flag, file in pairwise(arguments) if flag in {"-c", "--config"}]


def whole_config_as_block(arguments: Sequence[str]) -> tuple[str, str] | None:
    """Return a flag of a block, such as --model, and the file behind it, if that is no single block."""
    separate = [part for one in arguments for part in one.split("=", 1)]
    for flag, file in pairwise(separate):
        if re.fullmatch(rf"--({'|'.join(BLOCKS)})(\.\w+)*", flag) and file.endswith((".yaml", ".yml")):
            found = content(Path(file))
            keys = {str(key).partition(".")[0] for key in found} if isinstance(found, dict) else set()
            if keys & BLOCKS:
                return flag, file
    return None


def content(file: Path) -> object:
    """Return what a YAML file holds; None where it cannot be read."""
    try:
        return plain(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def plain(text: str) -> object:
    """Return what YAML holds; None where it is none."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return None


def _actions(parser: ArgumentParser) -> list[Action]:
    """Return the arguments of a parser; where it has commands, those of the first."""
    nested = [one for action in parser._actions if isinstance(action.choices, dict) for one in action.choices.values()]
    actions = (nested or [parser])[0]._actions
    return [action for action in actions if not re.search(r"help$|^print_", action.dest)]


def _typed(parser: ArgumentParser) -> Iterator[tuple[str, type]]:
    """Yield the settings that are objects, and the settings of these, each with its class."""
    for action in _actions(parser):
        for kind in _classes(getattr(action, "_typehint", None)):
            yield action.dest, kind
            if "." in action.dest:
                continue
            types = hints(kind)
            for name in inspect.signature(kind).parameters.keys() & types:
                yield from ((f"{action.dest}.{name}", part) for part in [*_classes(types[name])] or [int])


def _classes(hint: Any) -> Iterator[type]:
    """Yield the classes in a type, such as Split in `Split | None`; not those of Python itself."""
    if inspect.isclass(hint) and not get_args(hint) and hint.__module__ not in {"builtins", "pathlib"}:
        yield hint
    for part in get_args(hint):
        yield from _classes(part)
