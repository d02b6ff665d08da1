"""Which prepared datasets a command means: a name and flags that are their options, or the folder of a store."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.errors import DataFileError, SettingError, did_you_mean

if TYPE_CHECKING:
    from potbench.loading.catalog import Prepared
    from potbench.loading.manifest import Manifest


def chosen_stores(
    command: Callable[..., object], name: str, root: Path | None, options: Mapping[str, str]
) -> Iterator[Prepared]:
    """Yield the stores that are meant; after them, raise the error of one that is damaged.

    Args:
        command: whose settings name and options are.
        name: of the dataset, or the folder of a store.
        root: folder of datasets; by default that of POTBENCH_DATA.
        options: argument of the dataset → value, to choose among several stores of a name.

    Raises:
        DataFileError: no such dataset is prepared.
        SettingError: none of its stores has these options.
        RecordError: a store of the dataset is damaged.
    """
    from potbench.datasets import data_root
    from potbench.loading.catalog import prepared

    root = root or data_root()
    everywhere, damaged = prepared(Path(name).parent if Path(name).is_dir() else root)
    stores = [store for store in everywhere if store.manifest.name == name or store.folder == Path(name)]
    errors = [
        error for folder, error in damaged.items() if folder.name.rpartition("-")[0] == name or folder == Path(name)
    ]
    if not stores and not errors and Path(name).is_dir():
        raise DataFileError(
            f"{name} is no prepared dataset. Expected the folder of one; `data list` says where they are."
        )
    if not stores and not errors and Path(name).suffix:
        raise DataFileError(
            f"{name} does not exist. Expected a file of your own, or the name of a prepared dataset; `data list` names "
            "them."
        )
    if not stores and not errors:
        known = sorted({store.manifest.name for store in everywhere})
        raise DataFileError(
            f"{name} is not prepared in {root}, where there is {', '.join(known) or 'nothing'}."
            f"{did_you_mean(name, known)} Run `python -m potbench data prepare {name}`, or change --root."
        )
    for key, value in options.items():
        there = sorted({store.manifest.options[key] for store in stores if key in store.manifest.options})
        stores = [store for store in stores if _plain(store.manifest.options.get(key)) == _plain(value)]
        if not stores and not errors:
            expected = f"one of those prepared: {'; '.join(there)}" if there else f"none: {name} has no such option"
            raise SettingError(command, key, value, expected)
    yield from stores
    for error in errors:
        raise error


def options_of(manifest: Manifest) -> str:
    """Return the options of a dataset as the flags that choose them."""
    return " ".join(f"--{key} {shlex.quote(value)}" for key, value in manifest.options.items())


def _plain(value: str | None) -> str:
    return str(value).replace(" ", "")
