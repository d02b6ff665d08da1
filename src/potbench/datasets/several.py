"""Several datasets as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo, Trajectory
from potbench.downloads.address import Download
from potbench.errors import SettingError
from potbench.structures import SYMBOLS, Frames

COLUMN = "file"


class Several(Dataset):
    """Several datasets as one, such as the files of a benchmark; the column `file` says which one a frame comes from.

    Where only some of them have forces, errors of forces are those of their frames.

    ColumnSplit can train on one of them and test on others. Frames have no places in a trajectory, since they may come
    from several.

    Args:
        datasets: name of each → the dataset; its name is what the column says.
        name: of the whole.
    """

    def __init__(self, datasets: dict[str, Dataset], name: str = "several") -> None:
        if not datasets:
            raise SettingError(self, "datasets", datasets, "at least one")
        self.datasets = datasets
        self.name = name

    @property
    @override
    def info(self) -> DatasetInfo:
        infos = [dataset.info for dataset in self._rooted.values()]
        return DatasetInfo(
            self.name,
            theory=_said(info.theory for info in infos),
            citation=_said(info.citation for info in infos),
            license=_said(info.license for info in infos),
            has_forces=any(info.has_forces for info in infos),
        )

    @property
    @override
    def given_facts(self) -> Mapping[str, str]:
        # those of a published dataset are found without reading it
        of_each = [vars(each.info) if each.published else each.given_facts for each in self._rooted.values()]
        names = ("theory", "license", "citation")
        return {
            name: _said(facts[name] for facts in of_each) for name in names if all(name in each for each in of_each)
        }

    @property
    @override
    def elements(self) -> list[str]:
        present = {symbol for dataset in self._rooted.values() for symbol in dataset.elements}
        return sorted(present, key=SYMBOLS.index)

    @property
    @override
    def files(self) -> list[Path]:
        files = [file for dataset in self._rooted.values() for file in dataset.files]
        names = [file.name for file in files]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:  # stores know files by their names
            raise SettingError(
                self, "datasets", self.datasets, "another name for one of them", f"Two files are {twice}"
            )
        return files

    @property
    @override
    def downloads(self) -> list[Download]:
        return [download for dataset in self._rooted.values() for download in dataset.downloads]

    @property
    @override
    def options(self) -> dict[str, object]:
        # options of what can be downloaded say which files it has; elsewhere the files say it
        files = {
            name: [] if each.downloads else [file.name for file in each.files] for name, each in self._rooted.items()
        }
        return {
            name: " of ".join([f"{dataset.code or type(dataset).__name__}({dataset.options})", *files[name]])
            for name, dataset in self.datasets.items()
        }

    @property
    @override
    def trajectories(self) -> Mapping[str, Trajectory | None]:
        return {name: dataset.trajectory for name, dataset in self.datasets.items()}

    @property
    @override
    def label_unit(self) -> str:
        units = sorted({dataset.label_unit for dataset in self.datasets.values()})
        if len(units) > 1:
            problem = f"Labels of the datasets are in {' and '.join(units)}"
            raise SettingError(self, "datasets", self.datasets, "one unit", problem)
        return units[0]

    @override
    def require(self, file: Path) -> Path:
        # each says itself what is missing
        return next(dataset for dataset in self._rooted.values() if file in dataset.files).require(file)

    @override
    def read(self) -> Iterator[Frames]:
        has_forces = self.info.has_forces
        for name, dataset in self._rooted.items():
            for frames in dataset.read():
                if has_forces and frames.forces is None:
                    # frames without a label are zero, and said to be so
                    unknown = np.zeros(len(frames.energy), dtype=bool)
                    frames = frames._replace(forces=np.zeros_like(frames.positions), forces_known=unknown)
                source = np.full(len(frames.energy), name)
                yield frames._replace(time=None, columns={**(frames.columns or {}), COLUMN: source})

    @override
    def remarks(self) -> list[str]:
        return [f"{name}: {remark}" for name, dataset in self._rooted.items() for remark in dataset.remarks()]

    @override
    def isolated_atom_energies(self) -> Mapping[str, float] | None:
        found = [dataset.isolated_atom_energies() for dataset in self._rooted.values()]
        # energies of one level of theory
        return found[0] if all(each == found[0] for each in found) else None

    @property
    def _rooted(self) -> dict[str, Dataset]:
        """Return the datasets, which are in the folder of the whole."""
        for dataset in self.datasets.values():
            dataset.root = self.root
        return self.datasets


def _said(facts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(facts))
