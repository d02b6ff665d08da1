"""Tells the dashboards of a run what it is, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

import yaml
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger
from typing_extensions import override

from potbench.dashboards.dashboard import Dashboard, Results
from potbench.loading import AtomsDataModule, Store
from potbench.reporting.worst_frames import worst_frames
from potbench.runs.evaluation import Stage
from potbench.runs.folder import RunFolder
from potbench.runs.metrics import units
from potbench.runs.predictions_file import read_predictions
from potbench.runs.record import Record, named
from potbench.units import Quantity


class Dashboards(Callback):
    """Opens the dashboards when training begins; one that is refused before leaves nothing.

    Args:
        config: the whole configuration, as YAML.
    """

    def __init__(self, config: str) -> None:
        self.config = config

    @override
    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        data: AtomsDataModule = trainer.datamodule  # type: ignore[attr-defined]
        for dashboard in dashboards(trainer.loggers):
            dashboard.units = units(data.store.energy_unit)
            dashboard.begin(yaml.safe_load(self.config))


def dashboards(loggers: Sequence[Logger]) -> list[Dashboard]:
    """Return those of the loggers that show more than metrics."""
    return [logger for logger in loggers if isinstance(logger, Dashboard)]


def show_training(loggers: Sequence[Logger], run: RunFolder, record: Record) -> None:
    """Show the validation errors of the best epoch, the costs, and the loss curves.

    Args:
        loggers: of the training.
        run: the folder.
        record: its record.
    """
    numbers = _errors(record, "validation")
    if record.cost:
        numbers |= {name: cost for name, cost in vars(record.cost).items() if isinstance(cost, Quantity)}
    if record.num_parameters is not None:
        numbers["num_parameters"] = Quantity.of(record.num_parameters, "1")
    figures = {"loss": run.loss_figure} if run.loss_figure.is_file() else {}
    checkpoint = run.result if run.result.is_file() else None
    for dashboard in dashboards(loggers):
        dashboard.show(Results(_steps(record), numbers, figures, checkpoint=checkpoint))


def show_evaluation(loggers: Sequence[Logger], run: RunFolder, record: Record, stage: Stage, store: Store) -> None:
    """Show the errors of the run, and of a test its figures and the frames that are predicted worst.

    Args:
        loggers: those of the training.
        run: the folder.
        record: its record.
        stage: what was evaluated.
        store: the data.
    """
    figures, tables = {}, {}
    if stage == "test":
        figures = {"test/parity": run.parity_figure, "test/residuals": run.residuals_figure}
        predictions = read_predictions(run.predictions)
        frames = predictions["frame"]
        molecules = store.molecule_names[store.molecule_of(frames)]
        num_atoms = store.composition(frames, store.manifest.atomic_numbers).sum(axis=1)
        tables["test/worst_frames"] = worst_frames(predictions, molecules, num_atoms, store.energy_unit)
    for dashboard in dashboards(loggers):
        dashboard.begin({})
        dashboard.show(Results(_steps(record), _errors(record, stage), figures, tables))


def _errors(record: Record, stage: Stage) -> dict[str, Quantity]:
    # the last validation of the training has other errors than that of the best epoch
    name = {"validation": "best_validation", "test": "test"}[stage]
    found = {f"{name}/{error}": value for error, value in record.metrics.get(stage, {}).items()}
    if stage == "test":
        for test_set, errors in named(record.test_sets).items():
            found |= {f"{test_set}/{error}": value for error, value in errors.items()}
    return found


def _steps(record: Record) -> int:
    return record.budget.steps if record.budget else 0
