"""A dataset's files → its store, converted once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from potbench.datasets.dataset import Dataset
from potbench.datasets.published import Published
from potbench.downloads.checksums import Checksums
from potbench.errors import DataFileError
from potbench.loading.store import MANIFEST, Store
from potbench.structures import Frames

FORMAT = 2
"""Of stores; raised when what they hold changes, so that older ones are made again."""


def prepare(dataset: Dataset, root: Path, watch: Callable[[Iterator[Frames]], Iterator[Frames]] = iter) -> Store:
    """Open the store of a dataset; convert its files where that was not done yet.

    A store is known by the options of the dataset and its files: by their size and time of change, or where these
    differ by their sha256. Files may be deleted once a single store stands for them.

    Args:
        dataset: where the frames come from.
        root: folder of prepared datasets.
        watch: sees the blocks of frames go by, where they are converted.

    Raises:
        DataFileError: files are missing, damaged or not as expected.
    """
    found = find_prepared(dataset, root)
    if found is not None:
        return Store(found)
    manifest = origin(dataset)
    folder = store_folder(manifest, root)
    if not (folder / MANIFEST).is_file():
        print(f"Converting {manifest['name']} into {folder}", flush=True)
        Store.write(folder, watch(dataset.read()), manifest, dataset.official_splits)
    return Store(folder)


def store_folder(manifest: dict[str, Any], root: Path) -> Path:
    """Where the store of a dataset stands: its name, and a key of its options and files."""
    files = [[source["file"], source["sha256"]] for source in manifest["sources"]]
    facts = json.dumps([manifest["format"], manifest["options"], files], sort_keys=True)
    return root / f"{manifest['name']}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"


def origin(dataset: Dataset) -> dict[str, Any]:
    """What the manifest of a store says of where it comes from; reads every file once, for its sha256."""
    description = dataset.description
    return {
        "format": FORMAT,
        "name": description.name,
        "theory": description.theory,
        "citation": description.citation,
        "licence": description.licence,
        "units": {"positions": "Å", "energy": dataset.label_unit, "forces": "eV/Å"},
        "options": _options(dataset),
        "sources": [_source(file, dataset) for file in dataset.files],
    }


def find_prepared(dataset: Dataset, root: Path) -> Path | None:
    """Folder of the store that was made from these very files, without reading them; None where there is none."""
    seals = {file.name: _seal(file) for file in dataset.files}
    found = []
    for file in sorted(root.glob(f"{dataset.description.name}-*/{MANIFEST}")):
        manifest: dict[str, Any] = json.loads(file.read_text())
        sources = manifest.get("sources", [])
        if manifest.get("format") != FORMAT or manifest["options"] != _options(dataset):
            continue
        kept = {source["file"]: {key: source[key] for key in ("bytes", "changed")} for source in sources}
        # which files a published dataset had can depend on what was there
        gone = not any(seals.values()) and (kept.keys() == seals.keys() or isinstance(dataset, Published))
        if gone or kept == seals:
            found.append(file.parent)
    # of files that are gone, only the one store there is can be meant
    return found[0] if len(found) == 1 or (found and any(seals.values())) else None


def _seal(file: Path) -> dict[str, int]:
    if not file.is_file():
        return {}
    status = file.stat()
    return {"bytes": status.st_size, "changed": status.st_mtime_ns}


def _source(file: Path, dataset: Dataset) -> dict[str, Any]:
    if isinstance(dataset, Published):
        dataset.require(file)
    if not file.is_file():
        raise DataFileError(
            f"{file} does not exist. Expected a file of the dataset {dataset.description.name}. "
            "Change data.init_args.dataset.init_args."
        )
    seal = _seal(file)
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    known = Checksums(file.parent).find(file.name)
    # a published checksum that the file was held against, when it was fetched
    published = known.published if known and known.sha256 == sha256 else None
    return {"file": file.name, "sha256": sha256, "published": published, **seal}


def _options(dataset: Dataset) -> dict[str, str]:
    return {key: str(value) for key, value in dataset.options.items()}
