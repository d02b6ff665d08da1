from __future__ import annotations

from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers import Logger

from potbench.training import Monitor
from potbench.training.csv_logger import CSVLogger
from tests.training.small_task import quiet_trainer, small_data, small_task


class Rows(Logger):
    """Keeps what is logged: (step, metrics)."""

    name = version = ""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int, dict[str, float]]] = []

    def log_hyperparams(self, *arguments: Any, **named: Any) -> None:
        pass

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        if "train/learning_rate" in metrics or "train/learning_rate_1" in metrics:
            self.rows.append((step or 0, metrics))


class Gradients(Callback):
    """The norm of the gradient, and the learning rate, of each step."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float]] = []

    def on_before_optimizer_step(self, trainer: Any, task: Any, optimizer: torch.optim.Optimizer) -> None:
        gradient = torch.cat([weight.grad.flatten() for weight in task.parameters() if weight.grad is not None])
        self.steps.append((gradient.norm().item(), optimizer.param_groups[0]["lr"]))


def train(tmp_path, monitor: Monitor, every: int, loggers: list[Logger], **settings: Any) -> Gradients:
    gradients = Gradients()
    trainer = quiet_trainer(
        tmp_path, gradients, monitor, logger=loggers, log_every_n_steps=every, **{"epochs": 2, **settings}
    )
    trainer.fit(small_task(), small_data(tmp_path / "data"))  # three steps an epoch
    return gradients


@pytest.mark.parametrize(("every", "steps"), [(1, [0, 1, 2, 3, 4, 5]), (2, [1, 2, 3, 5]), (50, [2, 5])])
def test_every_so_many_steps_and_the_last_of_an_epoch_are_logged_with_what_they_were_taken_with(
    tmp_path, every: int, steps: list[int]
) -> None:
    rows = Rows()
    gradients = train(tmp_path, Monitor(), every, [rows])
    assert [step for step, _ in rows.rows] == steps
    for step, metrics in rows.rows:
        norm, learning_rate = gradients.steps[step]
        assert metrics["train/gradient_norm"] == pytest.approx(norm, rel=1e-5)
        assert metrics["train/learning_rate"] == learning_rate
        assert metrics["epoch"] == step // 3


def test_a_clipped_gradient_is_shown_as_it_was_before(tmp_path) -> None:
    rows = Rows()
    gradients = train(tmp_path, Monitor(), 1, [rows], gradient_clip_val=1e-3)
    assert [metrics["train/gradient_norm"] for _, metrics in rows.rows] == [
        pytest.approx(norm, rel=1e-5) for norm, _ in gradients.steps
    ]
    assert all(norm > 1e-2 for norm, _ in gradients.steps)


def test_steps_that_are_not_logged_cost_nothing(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    compute = torch.nn.utils.get_total_norm
    monkeypatch.setattr(torch.nn.utils, "get_total_norm", lambda *given: calls.append(1) or compute(*given))
    train(tmp_path, Monitor(), 50, [Rows()])
    assert len(calls) == 2


def test_throughput_is_frames_over_the_time_without_validation(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr("potbench.training.monitor.time.perf_counter", lambda: next(clock))

    rows = Rows()
    train(tmp_path, Monitor(), 50, [rows])
    # eleven frames within one tick; each look at the clock is one
    assert [metrics["train/throughput_frames_per_s"] for _, metrics in rows.rows] == [11, 11]

    monitor = Monitor()
    monitor.on_train_epoch_start(None, None)  # type: ignore[arg-type]
    monitor.on_validation_start(None, None)  # type: ignore[arg-type]
    for _ in range(100):
        next(clock)
    monitor.on_validation_end(None, None)  # type: ignore[arg-type]
    assert monitor._seconds == 1


@pytest.mark.parametrize("csv", [True, False])
def test_metrics_csv_has_what_is_monitored_only_where_it_is_asked_for(tmp_path, csv: bool) -> None:
    train(tmp_path, Monitor(csv=csv), 50, [CSVLogger(tmp_path)])
    assert ("train/gradient_norm" in (tmp_path / "metrics.csv").read_text()) is csv
