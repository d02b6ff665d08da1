"""A dataset's files → its store, converted once."""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from potbench.datasets.dataset import Dataset
from potbench.datasets.own_file import OwnFile
from potbench.downloads.checksums import Checksums
from potbench.errors import DataFileError, RecordError
from potbench.loading.catalog import reader_of
from potbench.loading.manifest import FILE, FORMAT, Manifest, Origin, Source, Units
from potbench.loading.one_writer import one_writer
from potbench.loading.own_frames import own_frames
from potbench.loading.same_place import refuse_same_place
from potbench.loading.seal import Seal, seal_sources
from potbench.loading.store import Store
from potbench.readers.file_state import FileState, state_of
from potbench.structures import Column, Frames


def prepare(dataset: Dataset, root: Path, watch: Callable[[Iterator[Frames]], Iterator[Frames]] = iter) -> Store:
    """Open the store of a dataset; convert its files where that was not done yet.

    A store is known by the options of the dataset and its files: by their sha256, which is computed again only where
    the file system says that a file was touched. Files may be deleted once a single store has been made from them;
    those of the user's own are known by their folder then. Theory, license and citation may be given later.

    Of several processes that want the same store, also on several machines that share a file system, one converts the
    files and the others wait.

    Args:
        dataset: where the frames come from.
        root: folder of prepared datasets.
        watch: sees the chunks of frames go by, where they are converted.

    Raises:
        DataFileError: files are missing, damaged or not as expected, or were changed while they were read, or a frame
            has two atoms in one place.
        RecordError: the store of this dataset is damaged.
    """
    found = find_prepared(dataset, root)
    # before they are read: what changes from then on is refused
    seals = {file.name: seal for file in dataset.files if (seal := state_of(file))}
    folders = _folders(dataset)
    if found is not None:
        seal_sources(found, seals, folders)
        return _opened(found, dataset)
    origin = origin_of(dataset)
    folder = store_folder(origin, root)
    if (folder / FILE).is_file():
        seal_sources(folder, seals, folders)
        return _opened(folder, dataset)
    remarks: list[str] = []

    def unread() -> Mapping[str, Column]:
        found = dataset.unread()
        remarks.extend(dataset.remarks())
        _require_unchanged(dataset, origin, seals)  # no file is read any more
        return found

    with one_writer(folder):
        if (folder / FILE).is_file():
            return _opened(folder, dataset)
        print(f"Converting {origin.name} into {folder}", flush=True)
        files = ", ".join(source.file for source in origin.sources[:3])
        name = f"{origin.name} ({files})" if files else origin.name
        chunks = watch(refuse_same_place(own_frames(dataset), name))
        store = Store.write(folder, chunks, origin, dataset.official_splits, unread)
        seal_sources(folder, seals, folders)
    for remark in remarks:
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
    # first: what is read afterwards, info included, is of these bytes, or they are found to have changed
    sources = tuple(_source(dataset.require(file)) for file in dataset.files)
    info = dataset.info
    if info.name in {"", ".."} or Path(info.name).name != info.name:
        problem = f"{type(dataset).__name__} is called {info.name!r}"
        raise DataFileError(f"{problem}. Expected a name that a folder can have. Change info.name.")
    return Origin(
        name=info.name,
        theory=info.theory,
        citation=info.citation,
        license=info.license,
        units=Units(energy=dataset.label_unit),
        options=_options(dataset),
        sources=sources,
    )


def find_prepared(dataset: Dataset, root: Path) -> Path | None:
    """Return the folder of the store that was made from these very files, which are not read; None without one.

    Damaged stores are passed over: they do not concern other datasets.
    """
    seals = {file.name: state_of(file) for file in dataset.files}
    try:
        name = glob.escape(dataset.name)
    except DataFileError:
        if any(seals.values()):
            raise
        name = "*"  # in files that are gone; the options and the names of the files say which store is meant
    options, folders = _options(dataset), _folders(dataset)
    found = []
    for file in sorted(root.glob(f"{name}-*/{FILE}")):
        try:
            manifest = Manifest.load(file.parent)
        except RecordError:
            continue
        if manifest.format != FORMAT or manifest.options != options:
            continue
        same_names = [source.file for source in manifest.sources] == list(seals)
        seal = Seal.load(file.parent)
        if any(seals.values()):
            is_it = same_names and seal.sources == seals
        else:
            # which files a published dataset had can depend on what was there; another file of the user's own can have
            # the name of one that is gone, and stores of earlier versions do not know where theirs was
            is_it = bool(dataset.downloads) or (same_names and _is_of(folders, seal.folders))
        if is_it:
            found.append(file.parent)
    # of files that are gone, only the one store there is can be meant
    return found[0] if len(found) == 1 or (found and any(seals.values())) else None


def _opened(folder: Path, dataset: Dataset) -> Store:
    """Open a store that was made before; what is given of theory, license and citation holds for whoever asks."""
    store = Store(folder)
    given: dict[str, Any] = {**dataset.given_facts}
    store.manifest = replace(store.manifest, **given)  # not on disk: configs of others are read as well
    return store


def _require_unchanged(dataset: Dataset, origin: Origin, seals: Mapping[str, FileState]) -> None:
    for file, source in zip(dataset.files, origin.sources, strict=True):
        now = state_of(file)
        # one that was only touched, such as by a link to it, has the bytes that it had
        if now is None or (now != seals.get(file.name) and _sha256(file) != source.sha256):
            raise DataFileError(
                f"{file} was changed while it was read. Expected the same file until its frames are stored; prepare it "
                "again when it is finished."
            )


def _source(file: Path) -> Source:
    status = file.stat()
    sha256 = _sha256(file)
    known = Checksums(file.parent).find(file.name)
    # a published checksum that the file was verified against, when it was downloaded
    published = known.published if known and known.sha256 == sha256 else None
    return Source(file.name, sha256, status.st_size, status.st_mtime_ns, published)


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _folders(dataset: Dataset) -> dict[str, str]:
    return {file.name: str(file.parent.resolve()) for file in dataset.files}


def _is_of(folders: Mapping[str, str], seen: Mapping[str, str]) -> bool:
    """Return whether files that are gone may be those of a store; on another machine, their folder is gone as well."""
    return all(place == folders.get(name) or not Path(place).is_dir() for name, place in seen.items())


def _options(dataset: Dataset) -> dict[str, str]:
    options = {key: str(value) for key, value in dataset.options.items()}
    # a store that names no class is of the one by which such files are usually read
    if isinstance(dataset, OwnFile) and type(dataset) is not reader_of(dataset.file):
        options["reader"] = type(dataset).__name__
    return options | ({"code": dataset.code} if dataset.code else {})
