"""Whether the run in the place of a cell is that of the cell, and not one that was copied there."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from potbench.errors import RunError
from potbench.runs.recipe import flat, read_config
from potbench.studies.cells import Cell
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.cell_config import facts_of

MOST_SHOWN = 3


def require_own_runs(folder: StudyFolder, cells: Iterable[Cell]) -> None:
    """Refuse runs of other trainings, which would be taken for those of the cells.

    Raises:
        RunError: the configs of some runs are not those that the cells are trained with.
    """
    strangers = [f"{cell.label} in {folder.run(cell).path} ({why})" for cell in cells if (why := not_own(folder, cell))]
    if strangers:
        more = f" and {len(strangers) - MOST_SHOWN:,} more" if len(strangers) > MOST_SHOWN else ""
        raise RunError(
            f"The run of {'; '.join(strangers[:MOST_SHOWN])}{more} is that of another training. Expected runs of the "
            f"configs in {folder.configs}. Move it elsewhere: then the cell is trained."
        )


def not_own(folder: StudyFolder, cell: Cell) -> str:
    """Say in which settings a run differs from its cell; empty for its own run, for none, and for a damaged config."""
    try:
        meant, found = (flat(facts_of(read_config(file))) for file in (folder.config(cell), folder.run(cell).config))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, yaml.YAMLError):
        return ""
    names = [name for name in {**meant, **found} if meant.get(name) != found.get(name)]
    said = [f"{name} is {found.get(name)} and not {meant.get(name)}" for name in names[:MOST_SHOWN]]
    return "; ".join([*said, *(["…"] if len(names) > MOST_SHOWN else [])])
