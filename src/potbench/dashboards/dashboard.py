"""What dashboards are told of a run beside the numbers that Lightning logs: config, units, and what came of it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from potbench.units import Quantity


@dataclass(frozen=True)
class Results:
    """What came of a training or of an evaluation.

    Args:
        step: optimizer steps that were trained.
        numbers: errors and costs, by their names.
        figures: PNG files, by their names.
        tables: by their names, each a list of its rows, in which a column is a key.
        checkpoint: the best one; None where none is to be stored.
    """

    step: int
    numbers: Mapping[str, Quantity] = field(default_factory=dict)
    figures: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, list[dict[str, Any]]] = field(default_factory=dict)
    checkpoint: Path | None = None


class Dashboard(ABC):
    """A logger that shows a run.

    Attributes:
        units: metric that is logged → its unit, which its name ends with in the dashboard.
    """

    units: Mapping[str, str]

    @abstractmethod
    def keep_in(self, run_dir: Path, steps_done: int | None) -> None:
        """Write into the folder of a run, and continue there; nothing is written before `begin`.

        Args:
            run_dir: the folder.
            steps_done: optimizer steps before this part of a training; None for an evaluation.
        """

    @abstractmethod
    def begin(self, config: dict[str, Any]) -> None:
        """Open the dashboard.

        Args:
            config: the whole configuration of the run.
        """

    @abstractmethod
    def show(self, results: Results) -> None:
        """Show what came of a training or an evaluation, and close the dashboard."""

    def named(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Return metrics with their units in their names."""
        return {with_unit(name, self.units.get(name, "1")): value for name, value in metrics.items()}


def with_unit(name: str, unit: str) -> str:
    """Return a name that ends with its unit, in characters that every dashboard takes.

    Args:
        name: of a quantity; suffixes by which records tell units apart are replaced.
        unit: its unit; "1" for none.
    """
    if unit == "1":
        return name
    name = name.removesuffix("_mev")
    if "/atom" in unit:
        name = name.removesuffix("_per_atom")
    return f"{name}_{re.sub(r'[^A-Za-z0-9_]', '_', unit.replace('/', '_per_').replace('Å', 'A'))}"
