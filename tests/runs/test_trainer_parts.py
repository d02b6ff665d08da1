from __future__ import annotations

from pathlib import Path

import pytest
from lightning.fabric.plugins.environments import LightningEnvironment
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger as LightningCSVLogger
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.strategies import DDPStrategy

from potbench.runs.checkpoint_io import WholeFileCheckpointIO
from potbench.runs.checkpointing import BestCheckpoint, LastCheckpoint, checkpoint_callbacks
from potbench.runs.cost import Cost
from potbench.runs.dashboards import Dashboards
from potbench.runs.data_check import DataCheck
from potbench.runs.evaluator import Evaluator
from potbench.runs.folder import RunFolder
from potbench.runs.last_validation import LastValidation
from potbench.runs.recorder import Recorder
from potbench.runs.trainer_parts import evaluation_callbacks, fit_callbacks, fit_loggers, with_own_plugins
from potbench.training import FeatureCache, Monitor
from potbench.training.csv_logger import CSVLogger
from potbench.training.progress import ProgressBar


def kinds(parts: list[object]) -> list[type]:
    return [type(part) for part in parts]


@pytest.mark.parametrize(
    "chosen", [None, ModelCheckpoint(), [EarlyStopping("loss"), ModelCheckpoint()], [FeatureCache()]]
)
def test_callbacks_of_a_config_are_added_to_those_of_a_training_and_displace_none(tmp_path: Path, chosen) -> None:
    run = RunFolder(tmp_path)
    recorder = Recorder(run, "", 0, None, 0)
    found = fit_callbacks(chosen, checkpoint_callbacks(run), recorder, shows_progress=True)
    given = chosen if isinstance(chosen, list) else [] if chosen is None else [chosen]
    assert found[: 2 + len(given)] == [*found[:2], *given]
    assert kinds(found[:2]) == [LastCheckpoint, BestCheckpoint]
    for kind in (ProgressBar, FeatureCache, Cost, DataCheck, Recorder, LastValidation):
        assert kinds(found).count(kind) == 1


class Mine(FeatureCache):
    """A cache of the user's own."""


@pytest.mark.parametrize(("own", "replaced"), [(RichProgressBar(), ProgressBar), (Mine(), FeatureCache)])
def test_a_progress_bar_or_a_cache_of_the_user_replaces_that_of_potbench(tmp_path: Path, own, replaced: type) -> None:
    recorder = Recorder(RunFolder(tmp_path), "", 0, None, 0)
    found = fit_callbacks([own], [], recorder, shows_progress=True)
    assert own in found
    assert replaced not in kinds(found)


def test_no_progress_is_shown_where_none_is_wanted(tmp_path: Path) -> None:
    recorder = Recorder(RunFolder(tmp_path), "", 0, None, 0)
    assert kinds(fit_callbacks(None, [], recorder, shows_progress=False)) == [
        *(DataCheck, Recorder, LastValidation, Dashboards, FeatureCache, Cost)
    ]


@pytest.mark.parametrize("own", [[], [Monitor()]])
def test_training_is_monitored_once_where_somebody_looks(tmp_path: Path, own: list[Monitor]) -> None:
    recorder, loggers = Recorder(RunFolder(tmp_path), "", 0, None, 0), [CSVLogger(tmp_path)]
    seen = fit_callbacks(own, [], recorder, False, [*loggers, LightningCSVLogger(tmp_path / "own")])
    assert kinds(seen).count(Monitor) == 1
    assert kinds(fit_callbacks(own, [], recorder, False, loggers)).count(Monitor) == len(own)


def test_an_evaluation_saves_no_checkpoints(tmp_path: Path) -> None:
    evaluator = Evaluator(RunFolder(tmp_path), "", 0, None)
    early = EarlyStopping("loss")
    assert evaluation_callbacks([ModelCheckpoint(), early], evaluator, shows_progress=False) == [early, evaluator]
    assert kinds(evaluation_callbacks(None, evaluator, shows_progress=True)) == [ProgressBar, Evaluator]


@pytest.mark.parametrize("chosen", [None, True, False, "one", "several"])
def test_metrics_are_always_written_to_csv_first(tmp_path: Path, chosen) -> None:
    own = LightningCSVLogger(tmp_path)
    chosen = {"one": own, "several": [own]}.get(chosen, chosen)
    found = fit_loggers(chosen, tmp_path, 0)
    assert isinstance(found[0], CSVLogger)
    assert found[1:] == ([] if chosen in (None, True, False) else [own])


def test_plugins_of_a_config_are_added_to(tmp_path: Path) -> None:
    assert kinds(with_own_plugins(None, "auto", fits=True)) == [LightningEnvironment, WholeFileCheckpointIO]
    assert kinds(with_own_plugins(None, "auto", fits=False)) == [LightningEnvironment]
    own = MixedPrecision("bf16-mixed", "cpu")
    assert kinds(with_own_plugins(own, "auto", fits=False)) == [MixedPrecision, LightningEnvironment]


def test_plugins_of_a_config_replace_those_of_their_kind() -> None:
    cluster, writer = LightningEnvironment(), TorchCheckpointIO()
    assert with_own_plugins([cluster, writer], "auto", fits=True) == [cluster, writer]
    strategy = DDPStrategy(cluster_environment=cluster, checkpoint_io=writer)
    assert with_own_plugins(None, strategy, fits=True) == []
