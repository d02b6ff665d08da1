"""Which datasets there are, and which of them are prepared: found by looking, not kept in a list."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from potbench import datasets
from potbench.datasets import Dataset, Published, Sample

FEW = 5


class Prepared(NamedTuple):
    """A store that stands.

    Attributes:
        folder: where.
        manifest: what it says of itself.
    """

    folder: Path
    manifest: dict[str, Any]


def named() -> dict[str, type[Published] | type[Sample]]:
    """Name → dataset that anyone can have: those that are published, and the sample."""
    return {kind.name: kind for kind in _classes() if issubclass(kind, (Published, Sample))}


def unnamed() -> list[type[Dataset]]:
    """Datasets that read a file of the user's."""
    return [kind for kind in _classes() if not issubclass(kind, (Published, Sample))]


def prepared(root: Path) -> list[Prepared]:
    """The stores in a folder of datasets.

    Raises:
        ValueError: a manifest is damaged.
    """
    found = []
    for file in sorted(root.glob("*/manifest.json")):
        try:
            found.append(Prepared(file.parent, json.loads(file.read_text())))
        except ValueError as error:
            raise ValueError(
                f"{file} is damaged ({error}). Expected what preparing the dataset wrote. Delete its folder; the "
                "dataset is then prepared again."
            ) from error
    return found


def near(word: str, known: Iterable[str]) -> str:
    """A hint at the nearest of the known words; empty where none is near."""
    nearest = get_close_matches(word, list(known), n=1)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def few(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def _classes() -> list[type[Dataset]]:
    exported = [getattr(datasets, name) for name in datasets.__all__]
    kinds = [kind for kind in exported if inspect.isclass(kind) and issubclass(kind, Dataset)]
    return [kind for kind in kinds if not inspect.isabstract(kind)]
