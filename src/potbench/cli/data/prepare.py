"""python -m potbench data prepare NAME: gets a dataset and converts it, once."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.cli.data.catalog import few, named
from potbench.cli.data.options import KEY, Choice, choose
from potbench.datasets import Published, data_root
from potbench.downloads.address import Download
from potbench.errors import DataFileError
from potbench.structures import Frames

if TYPE_CHECKING:
    from potbench.loading import Store

PROGRAM = "python -m potbench data prepare"


def prepare(words: list[str]) -> None:
    """Run the command.

    What was done stays: after an interruption, at whatever moment, the same command goes on from there.

    Args:
        words: its options.

    Raises:
        DataFileError: files cannot be had, or are not as expected.
        ValueError: there is no such dataset, or option of it.
    """
    if not words or words[0] in {"-h", "--help"}:
        print(f"{__doc__}\n\nusage: {PROGRAM} NAME [OPTIONS]\n")
        for name, kind in named().items():
            print(f"  {name:<10}{str(kind.__doc__).splitlines()[0]}")
        print(f"\n{PROGRAM} NAME --help lists the options of a dataset.")
        return
    choice = choose(words, PROGRAM)
    try:
        store = get(choice)
    except KeyboardInterrupt:
        raise SystemExit("potbench data prepare: stopped. Give the same command again to go on from here.") from None
    show(choice, store)


def get(choice: Choice) -> Store:
    """Bring the files of a dataset here, where they are not, and convert them, where that was not done."""
    from potbench.downloads.disk_space import full_disk_in_words
    from potbench.downloads.download import fetch, say
    from potbench.loading import Store
    from potbench.loading.preparation import find_prepared
    from potbench.loading.preparation import prepare as convert

    dataset = choice.make()
    if isinstance(dataset, Published) and choice.source:
        bring(choice, dataset, choice.source)
        dataset = choice.make()
    found = find_prepared(dataset, choice.root)
    if found:
        say(f"{choice.kind.name} is prepared already; nothing was done.")
        return Store(found)
    if isinstance(dataset, Published) and not choice.source:
        for download in needed(dataset):
            fetch(download, dataset.folder)
        # which files there are is asked once
        dataset = choice.make()
    with full_disk_in_words(choice.root):
        store = convert(dataset, choice.root, counted)
    look_at(store)
    return store


def bring(choice: Choice, dataset: Published, source: Path) -> None:
    """Take the files of a dataset from where the user has them.

    Raises:
        DataFileError: not all of them are there.
    """
    from potbench.downloads.download import say
    from potbench.downloads.local_files import take

    others = [file.name for file in choice.make(source).files] if source.is_dir() else []
    take(source, dataset.folder, needed(dataset), others)
    missing = [file.name for file in choice.make().files if not file.is_file()]
    if missing:
        raise DataFileError(
            f"{source} holds no {', '.join(missing)}. Expected all files that {dataset.name} is read from; put them "
            "there, or drop --from, and they are downloaded."
        )
    left_out = [name for name in names(needed(dataset)) if not (dataset.folder / name).is_file()]
    if left_out:
        say(f"Published as well, but not in {source}: {few(left_out)}.")


def needed(dataset: Published) -> list[Download]:
    """The downloads of a dataset; of archives, only the members that its options ask for."""
    read = {file.name for file in dataset.files}
    plain = [download for download in dataset.downloads if not download.members]
    archives = [
        replace(download, members=tuple((end, name) for end, name in download.members if name in read))
        for download in dataset.downloads
    ]
    return [*plain, *(download for download in archives if download.members)]


def names(downloads: list[Download]) -> list[str]:
    """Names of the files that come of downloads."""
    return [name for download in downloads for name in (dict(download.members).values() or [download.file])]


def counted(blocks: Iterator[Frames]) -> Iterator[Frames]:
    """The same blocks; shows how many frames went by."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as progress:
        task = progress.add_task("Converting")
        num_frames = 0
        for frames in blocks:
            yield frames
            num_frames += len(frames.energy)
            progress.update(task, description=f"Converting: {num_frames:,} frames")


def look_at(store: Store) -> None:
    """Inspect a new store as far as that takes a moment only."""
    from potbench.cli.data import check
    from potbench.data_quality import Verdict, cheap
    from potbench.downloads.download import say

    findings = cheap(store)
    if any(finding.verdict is not Verdict.FINE for finding in findings):
        check.show(store.folder, findings)
    else:
        say(f"A first look finds nothing wrong; a closer one: python -m potbench data check {store.manifest['name']}")


def show(choice: Choice, store: Store) -> None:
    """Print what was prepared, where it is, and how to train on it."""
    from potbench.downloads.download import say
    from potbench.structures import SYMBOLS

    facts = store.manifest
    symbols = " ".join(SYMBOLS[number] for number in facts["atomic_numbers"])
    labels = "energies and forces" if facts["has_forces"] else "energies"
    count = f"{facts['num_molecules']:,} molecule{'s' if facts['num_molecules'] > 1 else ''}"
    say(f"{facts['name']}: {facts['num_frames']:,} frames of {count} of {symbols}, {labels}, {facts['theory']}")
    if issubclass(choice.kind, Published):
        verified = sum(source["published"] is not None for source in facts["sources"])
        say(f"Verified against published checksums: {verified} of {len(facts['sources'])} files")
    say(f"Licence: {facts['licence']}. Cite: {facts['citation']}")
    say(f"Store: {store.folder}")
    say(f"\nTrain on it:\n  {training(choice, store)}")


def training(choice: Choice, store: Store) -> str:
    """The command that trains on a dataset."""
    defaults = inspect.signature(choice.kind).parameters
    chosen = {key: value for key, value in choice.options.items() if value != defaults[key].default}
    words = ["--config", "configs/quickstart.yaml"]
    if not store.manifest["has_forces"]:
        words += ["--model", "configs/model/ani_feed_forward.yaml"]
    words += ["--data.dataset", f"potbench.datasets.{choice.kind.__name__}"]
    for key, value in chosen.items():
        words += [f"--{KEY}{key}".replace("data.init_args.", "data."), str(value)]
    if choice.root != data_root():
        words += ["--data.root", str(choice.root)]
    return f"python -m potbench fit {shlex.join(words)}"
