"""The configs of a study, read with fit's own parser: what fit would refuse is refused, in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from potbench.cli import known
from potbench.cli.config_of_fit import config_of_fit
from potbench.cli.loss_of_config import weights_forces
from potbench.cli.parsing import ConfigParser
from potbench.cli.places import Keys
from potbench.cli.refusals import refusals
from potbench.errors import PotbenchError
from potbench.loading import AtomsDataModule
from potbench.studies.planning.cell_config import Config
from potbench.studies.planning.planner import Resolved
from potbench.studies.study import Study
from potbench.training.one_pass import OnePassTask

POTENTIAL = "model.init_args.potential"


class StudyConfigs:
    """Reads the configs that a study names.

    Args:
        study: that names them.
        file: where it stands, for messages.
    """

    def __init__(self, study: Study, file: Path) -> None:
        self.study = study
        self.file = file

    def resolve(self, architecture: str, dataset: str, values: Mapping[str, object]) -> Resolved:
        """Return the whole config of an architecture and a dataset.

        Args:
            architecture: its name in the study.
            dataset: its name in the study.
            values: dotted key → value, on top of all.

        Raises:
            PotbenchError: fit would refuse it.
        """
        chosen, data = self.study.architectures[architecture], self.study.datasets[dataset]
        arguments = [_inline({"data": str(data.data)})]
        arguments += [f"--config={file}" for file in chosen.training]
        arguments += [_inline({POTENTIAL: str(chosen.potential)})]
        arguments += [f"--config={self.study.run.logger}"] if self.study.run.logger else []
        arguments += [_inline(each) for each in (self.study.set, data.set, chosen.set) if each]
        # as flags, by which a config takes the place of another as a whole
        arguments += [
            f"--{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in values.items()
        ]
        try:
            config = config_of_fit(arguments)
        except PotbenchError as error:
            raise PotbenchError(f"{error} So it is with {architecture} on {dataset} in {self.file}.") from error
        kind = known.find(str(config["model"]["class_path"]))
        is_solved = isinstance(kind, type) and issubclass(kind, OnePassTask)
        return Resolved(config, is_solved, weights_forces(config))

    def data(self, config: Config) -> AtomsDataModule:
        """Return the data of a whole config, not set up.

        Raises:
            PotbenchError: they cannot be made.
        """
        parser = ConfigParser()
        parser.add_subclass_arguments(AtomsDataModule, "data")
        # a copy, since the parser writes into mappings of classes, such as the datasets of Several
        settings = parser.parse_object({"data": deepcopy(config["data"])})
        with refusals(lambda: Keys(settings, self.file)):
            data: AtomsDataModule = parser.instantiate(settings).data
            data.prepare_data()
        return data


def _inline(settings: Mapping[str, Any]) -> str:
    """Return settings as an argument of fit."""
    return f"--config={json.dumps(settings)}"
