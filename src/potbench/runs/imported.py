"""A potential that was trained elsewhere becomes a run, on data that it is tested on or trained on further."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from potbench.errors import RunError
from potbench.loading import AtomsDataModule
from potbench.potentials import MACE
from potbench.runs.checkpoint_io import write_checkpoint
from potbench.runs.ensemble import require_new
from potbench.runs.folder import RunFolder
from potbench.runs.parent import Parent
from potbench.runs.recipe import recipe_of, task_class, with_potential
from potbench.runs.record import Budget, Record
from potbench.whole_file import write_text


@dataclass(frozen=True)
class Imported:
    """A potential of another program.

    Args:
        potential: with its weights.
        arguments: that build it.
        file: where it was read.
        sha256: of the bytes of the file.
    """

    potential: MACE
    arguments: dict[str, Any]
    file: Path
    sha256: str

    @property
    def recipe(self) -> dict[str, Any]:
        """Return its class and arguments."""
        return recipe_of(type(self.potential).__name__, self.arguments)


def config_with(config: dict[str, Any], imported: Imported) -> str:
    """Return a config of fit whose potential is one that was imported, as YAML.

    Args:
        config: with every default written out.
        imported: the potential.

    Raises:
        RunError: the config is that of a potential that is solved.
    """
    task = task_class(config)
    if task.rpartition(".")[2] != "GradientTask":
        raise RunError(
            f"The config trains by {task}. Expected potbench.training.GradientTask, which trains weights step by step. "
            "Choose another config."
        )
    return yaml.safe_dump(with_potential(config, imported.recipe), sort_keys=False, allow_unicode=True)


def require_known(imported: Imported, data: AtomsDataModule) -> None:
    """Raise RunError unless the potential knows all elements of the data."""
    unknown = [symbol for symbol in data.elements if symbol not in imported.potential.elements]
    if unknown:
        raise RunError(
            f"{data.store.manifest.name} has {', '.join(unknown)}, and {imported.file} knows "
            f"{', '.join(imported.potential.elements)} alone. Expected data of these elements. Choose other data."
        )


def write_imported(run: RunFolder, imported: Imported, config: str, data: AtomsDataModule) -> Record:
    """Write the folder of a run whose potential was trained elsewhere; the config comes last.

    Args:
        run: the folder; there is no run in it.
        imported: the potential.
        config: of the run; see `config_with`.
        data: of the run, set up.

    Raises:
        RunError: there is a run already.
    """
    require_new(run)
    record = replace(
        Record.before_training(run, config, yaml.safe_load(config).get("seed_everything"), data),
        num_parameters=imported.potential.num_parameters,
        budget=Budget(0, 0, 0),
        parent=Parent(None, str(imported.file), imported.sha256, None, None, (), None),
    )
    run.create()
    write_checkpoint(run.best, imported.potential, imported.recipe)
    data.indices.save(run.split)
    record.save(run.path)
    write_text(run.config, config)
    return record
