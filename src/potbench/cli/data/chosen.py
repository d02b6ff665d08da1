"""Which prepared datasets a command means: a name and flags that are their options, or the folder of a store."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from potbench.cli.data.catalog import Prepared, near, prepared
from potbench.datasets import data_root


def chosen_stores(parser: argparse.ArgumentParser, words: Sequence[str]) -> tuple[argparse.Namespace, list[Prepared]]:
    """Read the words of a command; return its options, and the stores that fit.

    Args:
        parser: with the command's own options; NAME, --root and the options of the dataset are added to it.
        words: what stands behind the command.

    Raises:
        ValueError: no such dataset is prepared.
    """
    parser.add_argument("name", metavar="NAME", help="name of the dataset, or folder of a prepared one")
    parser.add_argument("--root", type=Path, default=data_root(), help="folder of datasets (default: %(default)s)")
    found, _ = parser.parse_known_args(words)
    stores = _of_name(found.name, found.root)
    keys = sorted({key for store in stores for key in store.manifest["options"]})
    for key in keys:
        parser.add_argument(f"--{key}")
    options = parser.parse_args(words)
    asked = {key: getattr(options, key) for key in keys if getattr(options, key) is not None}
    chosen = [store for store in stores if all(_same(store, key, value) for key, value in asked.items())]
    if not chosen:
        there = "; ".join(options_of(store.manifest) for store in stores)
        flags = " ".join(f"--{key} {value}" for key, value in asked.items())
        raise ValueError(
            f"No prepared {found.name} has {flags}. Expected one of: {there}. Prepare it, or change the flags."
        )
    return options, chosen


def options_of(manifest: Mapping[str, Any]) -> str:
    """The options of a dataset as the flags that choose them."""
    return " ".join(f"--{key} {shlex.quote(value)}" for key, value in manifest["options"].items())


def _of_name(name: str, root: Path) -> list[Prepared]:
    from potbench.loading.preparation import FORMAT

    everywhere = prepared(Path(name).parent) if Path(name).is_dir() else prepared(root)
    there = [store for store in everywhere if store.manifest.get("format") == FORMAT]
    found = [store for store in there if store.manifest["name"] == name or store.folder == Path(name)]
    if not found:
        known = sorted({store.manifest["name"] for store in there})
        raise ValueError(
            f"{name} is not prepared in {root}, where there is {', '.join(known) or 'nothing'}.{near(name, known)} Run "
            f"`python -m potbench data prepare {name}`, or change --root."
        )
    return found


def _same(store: Prepared, key: str, value: str) -> bool:
    return str(store.manifest["options"].get(key, "")).replace(" ", "") == value.replace(" ", "")
