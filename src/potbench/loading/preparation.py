"""A dataset's files → its store, converted once."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from potbench.datasets.dataset import Dataset
from potbench.downloads.checksums import Checksums
from potbench.errors import DataFileError, RecordError
from potbench.loading.manifest import FILE, FORMAT, Manifest, Origin, Source, Units
from potbench.loading.one_writer import one_writer
from potbench.loading.same_place import refuse_same_place
from potbench.loading.seal import Seal, seal_sources
from potbench.loading.store import UNREAD, Store
from potbench.structures import Frames
from potbench.whole_file import whole_file


def prepare(dataset: Dataset, root: Path, watch: Callable[[Iterator[Frames]], Iterator[Frames]] = iter) -> Store:
    """Open the store of a dataset; convert its files where that was not done yet.

    A store is known by the options of the dataset and its files: by their sha256, which is computed again only where
    the file system says that a file was touched. Files may be deleted once a single store has been made from them. Of
    several processes that want the same store, also on several machines that share a file system, one converts the
    files and the others wait.

    Args:
        dataset: where the frames come from.
        root: folder of prepared datasets.
        watch: sees the chunks of frames go by, where they are converted.

    Raises:
        DataFileError: files are missing, damaged or not as expected, or a frame has two atoms in one place.
        RecordError: the store of this dataset is damaged.
    """
    found = find_prepared(dataset, root)
    if found is not None:
        return Store(found)
    # before they are read: what changes from then on is not sealed
    seals = {file.name: seal for file in dataset.files if (seal := _seal(file))}
    origin = origin_of(dataset)
    folder = store_folder(origin, root)
    if (folder / FILE).is_file():
        seal_sources(folder, seals)
        return Store(folder)
    with one_writer(folder):
        if (folder / FILE).is_file():
            return Store(folder)
        print(f"Converting {origin.name} into {folder}", flush=True)
        files = ", ".join(source.file for source in origin.sources[:3])
        chunks = watch(refuse_same_place(dataset.read(), f"{origin.name} ({files})" if files else origin.name))
        store = Store.write(folder, chunks, origin, dataset.official_splits)
        seal_sources(folder, seals)
    unread = dataset.unread()
    if unread:
        with whole_file(folder / UNREAD) as partial, partial.open("wb") as stream:
            np.savez(stream, **unread)  # type: ignore[arg-type]
    for remark in dataset.remarks():
        print(remark, flush=True)
    return store


def store_folder(origin: Origin, root: Path) -> Path:
    """Return where the store of a dataset is: its name, and a key of its options and files."""
    files = [[source.file, source.sha256] for source in origin.sources]
    facts = json.dumps([origin.format, origin.options, files], sort_keys=True)
    return root / f"{origin.name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"


def origin_of(dataset: Dataset) -> Origin:
    """Describe where the frames of a dataset come from; read every file once, for its sha256.

    Raises:
        DataFileError: a file is missing.
    """
    info = dataset.info
    return Origin(
        name=info.name,
        theory=info.theory,
        citation=info.citation,
        license=info.license,
        units=Units(energy=dataset.label_unit),
        options=_options(dataset),
        sources=tuple(_source(dataset.require(file)) for file in dataset.files),
    )


def find_prepared(dataset: Dataset, root: Path) -> Path | None:
    """Return the folder of the store that was made from these very files, which are not read; None without one.

    Damaged stores are passed over: they do not concern other datasets.
    """
    seals = {file.name: _seal(file) for file in dataset.files}
    try:
        name = glob.escape(dataset.name)
    except DataFileError:
        if any(seals.values()):
            raise
        name = "*"  # in files that are gone; the options and the names of the files say which store is meant
    found = []
    for file in sorted(root.glob(f"{name}-*/{FILE}")):
        try:
            manifest = Manifest.load(file.parent)
        except RecordError:
            continue
        if manifest.format != FORMAT or manifest.options != _options(dataset):
            continue
        had = [source.file for source in manifest.sources]
        # which files a published dataset had can depend on what was there
        gone = not any(seals.values()) and (had == list(seals) or bool(dataset.downloads))
        if gone or (had == list(seals) and Seal.load(file.parent).sources == seals):
            found.append(file.parent)
    # of files that are gone, only the one store there is can be meant
    return found[0] if len(found) == 1 or (found and any(seals.values())) else None


def _seal(file: Path) -> tuple[int, int, int, int] | None:
    """Return what tells a file from others without reading it; whoever replaces a file cannot set all of these."""
    if not file.is_file():
        return None
    status = file.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _source(file: Path) -> Source:
    status = file.stat()
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    known = Checksums(file.parent).find(file.name)
    # a published checksum that the file was verified against, when it was downloaded
    published = known.published if known and known.sha256 == sha256 else None
    return Source(file.name, sha256, status.st_size, status.st_mtime_ns, published)


def _options(dataset: Dataset) -> dict[str, str]:
    return {key: str(value) for key, value in dataset.options.items()}
