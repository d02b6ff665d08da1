"""python -m potbench data prepare: gets a dataset and converts it, once."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from potbench.errors import DataFileError, PotbenchError, did_you_mean

if TYPE_CHECKING:
    from jsonargparse import Namespace

    from potbench.cli.parsing import Parser
    from potbench.datasets import Dataset, Download
    from potbench.loading import Store
    from potbench.structures import Frames

PROGRAM = "python -m potbench data prepare"


class Choice(NamedTuple):
    """What the arguments of the command choose: class and options of the dataset, its folder, --from, --fetch_again."""

    kind: type[Dataset]
    options: dict[str, Any]
    root: Path
    source: Path | None
    again: bool = False

    def make(self, **folder: Path) -> Dataset:
        """Make the dataset; its files are in a folder, or where they are downloaded to."""
        dataset = self.kind(**self.options, **folder)
        dataset.root = self.root
        return dataset


def prepare(arguments: list[str]) -> None:
    """Get a dataset and convert it, once.

    What was done is not lost: after an interruption, at whatever moment, the same command resumes from there.

    Args:
        arguments: name of the dataset or a file of the user's own, and its options.
    """
    from potbench.cli.parsing import positional_in
    from potbench.cli.places import Flags
    from potbench.cli.refusals import refusals
    from potbench.loading.catalog import named

    name = positional_in(arguments)
    if name is None:
        print(f"{str(prepare.__doc__).partition('    Args')[0]}\nusage: {PROGRAM} NAME [OPTIONS]\n")
        for known, kind in named().items():
            print(f"  {known:<10}{str(kind.__doc__).splitlines()[0]}")
        print(f"\nNAME may be a file of your own as well. {PROGRAM} NAME --help lists the options.")
        return
    choice, found, parser = chosen(name, arguments)
    with refusals(lambda: Flags(found, parser)):
        try:
            show(choice, get(choice))
        except KeyboardInterrupt:
            raise KeyboardInterrupt("stopped. Give the same command again to resume.") from None


def chosen(name: str, arguments: list[str], program: str = PROGRAM) -> tuple[Choice, Namespace, Parser]:
    """Return the dataset that is meant, and the settings and the parser that said so.

    Args:
        name: of a dataset, or a file of the user's own.
        arguments: among them the name.
        program: the command, for messages.
    """
    from potbench.cli.parsing import Parser
    from potbench.datasets import Dataset, data_root
    from potbench.loading.catalog import named, reader_of

    file = Path(name)
    if name not in named() and not file.is_file():
        raise PotbenchError(
            f"There is no dataset {name!r}.{did_you_mean(name, named())} Expected one of {', '.join(named())}: "
            f"{program} NAME; or a file of your own."
        )
    kind = named()[name] if name in named() else reader_of(file)
    parser = Parser(prog=f"{program} {name}", usage="%(prog)s [OPTIONS]")
    parser.description = str(kind.__doc__).partition("\n\n")[0]
    own = {} if name in named() else {"file": name}
    options = parser.add_class_arguments(kind, skip={"folder", *own}, as_group=False)
    if "folder" in inspect.signature(kind).parameters:
        parser.add_argument("--from", type=Path | None, help="Folder, archive or file: the files, if you have them.")
    if kind.downloads is not Dataset.downloads:
        fetch_again = "Download the files, or take them, even where they are there, such as damaged ones."
        parser.add_argument("--fetch_again", type=bool, default=False, help=fetch_again)
    parser.add_argument("--root", type=Path | None, help="Folder of datasets; else POTBENCH_DATA, or the user's own.")
    rest = list(arguments)
    rest.remove(name)
    found = parser.parse_args(rest)
    settings = {**own, **{key: found[key] for key in options}}
    again = bool(found.get("fetch_again"))
    return Choice(kind, settings, found["root"] or data_root(), found.get("from"), again), found, parser


def get(choice: Choice) -> Store:
    """Bring the files of a dataset here, where they are not, and convert them, where that was not done."""
    from potbench.downloads.disk_space import full_disk_in_words
    from potbench.downloads.download import fetch, say
    from potbench.loading.manifest import Manifest
    from potbench.loading.preparation import find_prepared
    from potbench.loading.preparation import prepare as convert

    dataset = choice.make()
    taken: Mapping[Path, Path] = {}
    if choice.source:
        taken = bring(choice, dataset, choice.source)
        dataset = choice.make()
    found = find_prepared(dataset, choice.root)
    if found and not choice.again:
        store = convert(dataset, choice.root)
        noted = store.manifest != Manifest.load(found)
        if noted:
            store.manifest.save(found)
        done = "theory, license and citation were noted" if noted else "nothing was done"
        say(f"{dataset.name} is prepared already; {done}.")
        return store
    if not choice.source:
        for download in needed(dataset):
            fetch(download, dataset.files[0].parent, choice.again)
        # which files there are is asked once
        dataset = choice.make()
    with full_disk_in_words(choice.root), not_kept(taken):
        store = convert(dataset, choice.root, counted)
    from potbench.cli.data.check import show as show_findings
    from potbench.data_quality import Verdict, first_look  # scipy, which takes longer than all before

    findings = first_look(store)
    if any(finding.verdict is not Verdict.FINE for finding in findings):
        show_findings(store.folder, findings)
    else:
        closer = f"python -m potbench data check {shlex.quote(store.manifest.name)}"
        say(f"A first look finds nothing wrong; a closer one: {closer}")
    return store


@contextmanager
def not_kept(taken: Mapping[Path, Path]) -> Iterator[None]:
    """Remove files that were taken from the user where they cannot be read, and name them as the user does."""
    from potbench.downloads.local_files import give_back

    try:
        yield
    except DataFileError as error:
        give_back(taken)
        text = str(error)
        for target, source in taken.items():
            text = text.replace(str(target), str(source))
        if text == str(error):
            raise
        raise DataFileError(text) from error


def bring(choice: Choice, dataset: Dataset, source: Path) -> dict[Path, Path]:
    """Take the files of a dataset from where the user has them.

    Returns:
        As `take` does.

    Raises:
        DataFileError: not all of them are there.
    """
    from potbench.downloads.download import say
    from potbench.downloads.local_files import take
    from potbench.loading.catalog import few

    folder = dataset.files[0].parent
    others = [file.name for file in choice.make(folder=source).files] if source.is_dir() else []
    taken = take(source, folder, needed(dataset), others, choice.again)
    missing = [file.name for file in choice.make().files if not file.is_file()]
    if missing:
        raise DataFileError(
            f"{source} holds no {', '.join(missing)}. Expected all files that {dataset.info.name} is read from; put "
            "them there, or drop --from, and they are downloaded."
        )
    published = [name for one in needed(dataset) for name in (dict(one.members).values() or [one.file])]
    left_out = [name for name in published if not (folder / name).is_file()]
    if left_out:
        say(f"Published as well, but not in {source}: {few(left_out)}.")
    return taken


def needed(dataset: Dataset) -> list[Download]:
    """Return the downloads of a dataset; of archives, only the members that its options ask for."""
    read = {file.name for file in dataset.files}
    plain = [download for download in dataset.downloads if not download.members]
    archives = [
        replace(download, members=tuple((end, name) for end, name in download.members if name in read))
        for download in dataset.downloads
    ]
    return [*plain, *(download for download in archives if download.members)]


def counted(chunks: Iterator[Frames]) -> Iterator[Frames]:
    """Yield the same chunks, and show how many frames went by."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console()
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("Converting")
        num_frames = 0
        for frames in chunks:
            yield frames
            num_frames += len(frames.energy)
            progress.update(task, description=f"Converting: {num_frames:,} frames")


def show(choice: Choice, store: Store) -> None:
    """Print what was prepared, where it is, and how to train on it."""
    from potbench.downloads.download import say
    from potbench.structures import SYMBOLS

    facts = store.manifest
    symbols = " ".join(SYMBOLS[number] for number in facts.atomic_numbers)
    labels = "energies and forces" if facts.has_forces else "energies"
    count = f"{facts.num_molecules:,} molecule{'s' if facts.num_molecules > 1 else ''}"
    say(f"{facts.name}: {facts.num_frames:,} frames of {count} of {symbols}, {labels}, {facts.theory}")
    if any(source.published for source in facts.sources) or choice.kind(**choice.options).downloads:
        verified = sum(source.published is not None for source in facts.sources)
        say(f"Verified against published checksums: {verified} of {len(facts.sources)} files")
    say(f"License: {facts.license}. Cite: {facts.citation}")
    say(f"Store: {store.folder}")
    say(f"\nTrain on it:\n  {training(choice, store)}")


def training(choice: Choice, store: Store) -> str:
    """Return the command that trains on a dataset."""
    from potbench.datasets import data_root

    defaults = inspect.signature(choice.kind).parameters
    arguments = ["--config", "configs/quickstart.yaml"]
    if not store.manifest.has_forces:
        arguments += ["--config", "configs/training/energies.yaml"]
    arguments += ["--data.dataset", f"potbench.datasets.{choice.kind.__name__}"]
    for key, value in choice.options.items():
        if value != defaults[key].default:
            arguments += [f"--data.dataset.init_args.{key}", str(value)]
    if store.official_splits:
        arguments += ["--data.split", "potbench.loading.OfficialSplit"]
        arguments += ["--data.split.init_args.name", next(iter(store.official_splits))]
    if choice.root != data_root():
        arguments += ["--data.root", str(choice.root)]
    return f"python -m potbench fit {shlex.join(arguments)}"
