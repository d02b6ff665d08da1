"""Options that the benchmarks share, and the data they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potbench.loading import AtomsDataModule


def at_least(smallest: int) -> Callable[[str], int]:
    """A kind of option: a whole number, no smaller than this."""

    def number(text: str) -> int:
        value = int(text)
        if value < smallest:
            raise argparse.ArgumentTypeError(f"{value} is too small, expected at least {smallest}")
        return value

    return number


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a dataset; without them it is the sample inside the package."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--ani1", type=Path, metavar="FOLDER", help="folder of the ani_gdb_sNN.h5 files")
    source.add_argument("--dataset-config", type=Path, metavar="FILE", help="a file such as configs/data/ani1.yaml")
    parser.add_argument(
        "--heavy-atoms", type=int, nargs="+", default=[1, 2], metavar="N", help="files of --ani1 (default: 1 2)"
    )
    parser.add_argument(
        "--batch-size", type=at_least(1), default=2048, metavar="N", help="frames in a batch (default: 2048)"
    )


def chosen_data(options: argparse.Namespace) -> AtomsDataModule:
    """The DataModule of the options, set up."""
    from potbench.datasets import ANI1, Sample
    from potbench.loading import AtomsDataModule

    if options.dataset_config is not None:
        data = _configured(options.dataset_config, options.batch_size)
    else:
        dataset = ANI1(options.ani1, options.heavy_atoms) if options.ani1 else Sample()
        data = AtomsDataModule(dataset, batch_size=options.batch_size)
    data.prepare_data()
    data.setup("fit")
    return data


def describe(data: AtomsDataModule) -> str:
    """A line on the data: name, frames of the training part, and the size of molecules."""
    store = data.store
    return (
        f"{store.manifest['name']}: {len(data.indices.train):,} frames to train on, "
        f"{len(store.positions) / len(store):.1f} atoms each on average, batches of up to {data.batch_size}"
    )


def _configured(file: Path, batch_size: int) -> AtomsDataModule:
    from jsonargparse import ArgumentError, ArgumentParser

    from potbench.loading import AtomsDataModule

    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist. Expected a file such as configs/data/ani1.yaml.")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(AtomsDataModule, "data")
    try:
        settings = parser.parse_args([f"--data={file}", f"--data.init_args.batch_size={batch_size}"])
    except ArgumentError as error:
        raise ValueError(
            f"{file} does not describe data: {error}\nExpected a file such as configs/data/ani1.yaml."
        ) from error
    data: AtomsDataModule = parser.instantiate(settings).data
    return data
