"""What potbench adds to a Trainer that a config describes: its callbacks, its loggers, its plugins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from lightning.pytorch import Callback, callbacks, loggers
from lightning.pytorch.loggers import Logger

from potbench.dashboards.dashboard import Dashboard
from potbench.errors import SettingError
from potbench.runs.checkpoint_io import WholeFileCheckpointIO
from potbench.runs.cost import Cost
from potbench.runs.dashboards import Dashboards
from potbench.runs.data_check import DataCheck
from potbench.runs.evaluator import Evaluator
from potbench.runs.last_validation import LastValidation
from potbench.runs.processes import environment
from potbench.runs.recorder import Recorder
from potbench.training import FeatureCache, Monitor
from potbench.training.averaging import AveragesWeightsAlone
from potbench.training.csv_logger import CSVLogger
from potbench.training.progress import ProgressBar

Part = TypeVar("Part")
Chosen: TypeAlias = Part | Sequence[Part] | bool | None
"""What a config may say of the parts of a Trainer."""


def fit_callbacks(
    chosen: Chosen[Callback],
    checkpoints: list[Callback],
    recorder: Recorder,
    shows_progress: bool,
    loggers: Sequence[Logger] = (),
) -> list[Callback]:
    """Return the callbacks of a training: checkpoints, those of the config, and what is potbench's own beside them.

    Args:
        chosen: what the config says; it may replace the progress bar and the feature cache, and nothing else.
        checkpoints: what saves the checkpoints.
        recorder: writes the folder of the run.
        shows_progress: whether there is a progress bar.
        loggers: of the training; where there is one beside potbench's own, it is given what a monitor measures.
    """
    given = _listed(chosen)
    bar = [] if _has(given, callbacks.ProgressBar) or not shows_progress else [ProgressBar()]
    cache = [] if _has(given, FeatureCache) else [FeatureCache()]
    averages = [AveragesWeightsAlone(callback) for callback in given if isinstance(callback, callbacks.WeightAveraging)]
    has_monitor = _has(given, Monitor) or all(isinstance(logger, CSVLogger) for logger in loggers)
    monitor = [] if has_monitor else [Monitor(csv=False)]
    # dashboards begin after the check and the recorder, which may refuse
    shown = [DataCheck(), recorder, LastValidation(), Dashboards(recorder.config)]
    return [*checkpoints, *averages, *given, *bar, *shown, *cache, Cost(), *monitor]


def evaluation_callbacks(chosen: Chosen[Callback], evaluator: Evaluator, shows_progress: bool) -> list[Callback]:
    """Return the callbacks of an evaluation; those of the config that save checkpoints or average weights are left out.

    Args:
        chosen: what the config says.
        evaluator: writes what comes of it.
        shows_progress: whether there is a progress bar.
    """
    of_training = (callbacks.Checkpoint, callbacks.WeightAveraging)
    given = [callback for callback in _listed(chosen) if not isinstance(callback, of_training)]
    bar = [] if _has(given, callbacks.ProgressBar) or not shows_progress else [ProgressBar()]
    return [*given, *bar, evaluator]


def fit_loggers(chosen: Chosen[Logger], run_dir: Path, steps_done: int) -> list[Logger]:
    """Return the loggers of a config, after the one that writes metrics.csv.

    Raises:
        SettingError: one of them would write a metrics.csv in the same place.
    """
    given = _listed(chosen)
    for logger in given:
        if isinstance(logger, Dashboard):
            logger.keep_in(run_dir, steps_done)
        elif isinstance(logger, loggers.CSVLogger) and Path(logger.log_dir).resolve() == run_dir.resolve():
            problem = f"Lightning's CSVLogger would delete the metrics.csv of potbench, in {run_dir}"
            raise SettingError(logger, "save_dir", logger.save_dir, "another folder", problem)
    return [CSVLogger(run_dir, steps_done), *given]


def evaluation_loggers(chosen: Chosen[Logger], run_dir: Path) -> list[Logger]:
    """Return those loggers of a config that show what an evaluation found."""
    shown = [logger for logger in _listed(chosen) if isinstance(logger, Dashboard)]
    for logger in shown:
        logger.keep_in(run_dir, None)
    return shown  # type: ignore[return-value]


def with_own_plugins(chosen: Any, strategy: object, fits: bool) -> list[Any]:
    """Return the plugins of a config, and potbench's own where it names none of their kind.

    Args:
        chosen: what the config says.
        strategy: that of the config, which may hold plugins as well.
        fits: whether checkpoints are written.
    """
    plugins: list[Any] = _listed(chosen)
    if not _has(plugins, ClusterEnvironment) and not getattr(strategy, "cluster_environment", None):
        plugins.append(environment())
    if fits and not _has(plugins, CheckpointIO) and not getattr(strategy, "_checkpoint_io", None):
        plugins.append(WholeFileCheckpointIO())
    return plugins


def _listed(chosen: Chosen[Part]) -> list[Part]:
    if chosen is None or isinstance(chosen, bool):
        return []
    return list(chosen) if isinstance(chosen, Sequence) and not isinstance(chosen, str) else [chosen]


def _has(parts: Sequence[object], kind: type) -> bool:
    return any(isinstance(part, kind) for part in parts)
