"""Where the config of a run has its dataset prepared."""

from __future__ import annotations

from pathlib import Path

from potbench.datasets.dataset import data_root
from potbench.errors import DataFileError, RecordError, SettingError
from potbench.loading import AtomsDataModule, Store
from potbench.loading.manifest import FILE, Manifest
from potbench.loading.preparation import find_prepared, origin_of, store_folder
from potbench.runs.allowed import Allowed


def require_root(data: AtomsDataModule, run: Path, allowed: Allowed) -> None:
    """Refuse to prepare the dataset of a run in a folder that its user has not chosen; one that is there is read.

    Args:
        data: of the run.
        run: the folder.
        allowed: folders that the user allows.

    Raises:
        SettingError: the dataset would be written elsewhere.
        DataFileError: a file of the dataset is missing.
    """
    if allowed.has_folder(data.root, data_root(), run) or find_prepared(data.dataset, data.root):
        return
    if (store_folder(origin_of(data.dataset), data.root) / FILE).is_file():
        return
    raise SettingError(
        data,
        "root",
        str(data.root),
        f"{data_root()}, a folder inside the run, or one that is allowed by name",
        f"The config of {run} would have its dataset prepared in {data.root}",
    )


def stored(manifest: Manifest, root: str | None) -> Store | None:
    """Return the store that a run was trained on, where it still lies there unchanged; None elsewhere.

    Args:
        manifest: of the store, as the record has it.
        root: folder of prepared datasets in the config of the run; None for that of the user.
    """
    for folder in [*([Path(root)] if root else []), data_root()]:
        try:
            store = Store(store_folder(manifest, folder))
        except (RecordError, DataFileError, OSError):
            continue
        if store.fingerprint == manifest.fingerprint:
            return store
    return None
