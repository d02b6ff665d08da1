"""Which data a benchmark runs on: the options, and the DataModule they stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from potbench.loading import AtomsDataModule


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a dataset; without them it is the sample inside the package."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--ani1", type=Path, metavar="FOLDER", help="folder of the ani_gdb_sNN.h5 files")
    source.add_argument("--dataset-config", type=Path, metavar="FILE", help="a YAML file such as configs/data/ani1.yaml")
    parser.add_argument(
        "--heavy-atoms", type=int, nargs="+", default=[1, 2], metavar="N", help="files of --ani1 (default: 1 2)"
    )
    parser.add_argument("--batch-size", type=int, default=2048, metavar="N", help="frames in a batch (default: 2048)")


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
        f"{store.manifest['name']}: {len(data.parts.train):,} frames to train on, "
        f"{len(store.positions) / len(store):.1f} atoms each on average, batches of up to {data.batch_size}"
    )


def _configured(file: Path, batch_size: int) -> AtomsDataModule:
    from jsonargparse import ArgumentParser

    from potbench.loading import AtomsDataModule

    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist. Expected a YAML file with class_path and init_args of the data.")
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(AtomsDataModule, "data")
    settings = parser.parse_args([f"--data={file}", f"--data.init_args.batch_size={batch_size}"])
    data: AtomsDataModule = parser.instantiate_classes(settings).data
    return data
