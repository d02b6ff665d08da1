"""The data of a run, as its config describes them."""

from __future__ import annotations

import numpy as np
import yaml

from potbench.cli.known import content, plain
from potbench.cli.parsing import ConfigParser
from potbench.cli.places import Keys
from potbench.cli.refusals import refusals
from potbench.errors import RunError
from potbench.loading import AtomsDataModule, SplitIndices, Store
from potbench.runs.allowed import Allowed
from potbench.runs.folder import RunFolder
from potbench.runs.written_places import require_root
from potbench.structures import IntArray


def data_of(config: object, folder: RunFolder, allowed: Allowed) -> AtomsDataModule:
    """Return the data that a config describes, set up for evaluation.

    Args:
        config: as YAML holds it, or as text.
        folder: of the run that it is of.
        allowed: packages and folders.

    Raises:
        RunError: the config describes no data.
        SettingError: the data are not there, or what builds them is not allowed.
    """
    found = yaml.safe_load(config) if isinstance(config, str) else config
    if not isinstance(found, dict) or "data" not in found:
        raise RunError(f"{folder.config} describes no data. Expected the config of the run; restore it.")
    allowed.require(found["data"], folder.config, folder.path)
    parser = ConfigParser()
    parser.add_subclass_arguments(AtomsDataModule, "data")
    settings = parser.parse_object({"data": found["data"]})
    allowed.require(plain(parser.dump(settings)), folder.config)
    with refusals(lambda: Keys(settings, folder.config)):
        data: AtomsDataModule = parser.instantiate(settings).data
        require_root(data, folder.path, allowed)
        data.prepare_data()
        data.setup("test")
    return data


def test_frames_by_size(folder: RunFolder, allowed: Allowed) -> tuple[Store, IntArray]:
    """Return the frames of a run, and which it is tested on, from the smallest molecule to the largest.

    Raises:
        RunError, SettingError: see `data_of_run`.
    """
    store = data_of_run(folder, allowed).store
    frames = SplitIndices.load(folder.split).test
    return store, frames[np.argsort(store.atoms_of(frames).atoms_per_frame, kind="stable")]


def data_of_run(folder: RunFolder, allowed: Allowed) -> AtomsDataModule:
    """Return the data of a run, set up.

    Raises:
        RunError: the config of the run describes no data.
        SettingError: the data are not there, or what builds them is not allowed.
    """
    return data_of(content(folder.config), folder, allowed)
