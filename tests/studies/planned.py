"""Plans of the small study, each config of which is read by fit's parser once for all tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from potbench.cli.study_configs import StudyConfigs
from potbench.loading import AtomsDataModule, SplitIndices
from potbench.studies.cells import Cell, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.make_plan import make_plan
from potbench.studies.planning.planner import Configs, Planner, Resolved
from potbench.studies.planning.read_study import read_study
from potbench.studies.study import Study
from tests.studies.small_study import write_small

_READ: dict[str, Resolved] = {}
_DATA: dict[str, AtomsDataModule] = {}


class CachedConfigs(StudyConfigs):
    """Reads each config once."""

    def resolve(self, architecture: str, dataset: str, values: Mapping[str, object]) -> Resolved:
        parts = self.study.architectures[architecture], self.study.datasets[dataset]
        key = json.dumps(
            [*map(asdict, parts), self.study.set, dict(values), str(self.study.run.logger)], default=str, sort_keys=True
        )
        if key not in _READ:
            _READ[key] = super().resolve(architecture, dataset, values)
        return deepcopy(_READ[key])

    def data(self, config: dict[str, Any]) -> AtomsDataModule:
        key = json.dumps(config["data"], sort_keys=True)
        if key not in _DATA:
            _DATA[key] = super().data(config)
        return _DATA[key]


def plan_of(folder: Path, **changes: Any) -> tuple[Plan, StudyFolder, Study]:
    """Return the plan of the small study with changes, its folder, and the study."""
    folder.mkdir(exist_ok=True, parents=True)
    file = write_small(folder, **changes)
    study = read_study(file)
    configs = CachedConfigs(study, file)
    out = StudyFolder(folder / "study")
    return make_plan(Planner(study, out, Configs(configs.resolve, configs.data))), out, study


def config_of(folder: StudyFolder, cell: Cell) -> dict[str, Any]:
    """Return the config that a cell is trained with."""
    config: dict[str, Any] = yaml.safe_load(folder.config(cell).read_text())
    return config


def frames_of(folder: StudyFolder, study: Study, cell: Cell) -> SplitIndices:
    """Return the frames of a cell, as fit divides them."""
    data = CachedConfigs(study, folder.path).data(config_of(folder, cell))
    data.setup("fit")
    return data.indices
