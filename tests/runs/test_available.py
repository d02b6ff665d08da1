"""Settings of the Trainer that trained a run, on a machine that lacks what they ask for."""

from __future__ import annotations

import os
from typing import Any

import pytest
from lightning.pytorch.accelerators import CUDAAccelerator

from potbench.runs.available import changed_places

CORES = os.cpu_count() or 1
ON_GPUS = {"accelerator": "gpu", "devices": 4, "num_nodes": 1, "strategy": "ddp"}


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the machine have some GPUs."""

    def have(number: int) -> None:
        monkeypatch.setattr(CUDAAccelerator, "is_available", staticmethod(lambda: number > 0))
        monkeypatch.setattr("lightning.fabric.accelerators.cuda.num_cuda_devices", lambda: number)

    return have


@pytest.mark.parametrize(
    "trainer",
    [
        {},
        {"accelerator": "auto", "devices": "auto", "strategy": "auto", "num_nodes": 1},
        {"accelerator": "cpu", "devices": CORES, "strategy": "ddp"},
        {"accelerator": "cpu", "devices": str(CORES)},
        {"accelerator": "no such", "devices": 4},
        {"accelerator": "cpu", "devices": "no number"},
    ],
)
def test_what_is_here_or_is_nonsense_stays(trainer: dict[str, object]) -> None:
    assert changed_places(trainer) == {}


def test_without_a_gpu_everything_is_open(gpus: Any) -> None:
    gpus(0)
    assert changed_places(ON_GPUS) == {"accelerator": "auto", "devices": "auto", "strategy": "auto"}
    assert changed_places({"accelerator": "cuda", "devices": [1]}) == {"accelerator": "auto", "devices": "auto"}


def test_fewer_devices_are_taken_where_there_are_fewer(gpus: Any) -> None:
    gpus(2)
    assert changed_places({**ON_GPUS, "devices": 2}) == changed_places({**ON_GPUS, "devices": [1]}) == {}
    assert changed_places(ON_GPUS) == {"devices": "auto", "strategy": "auto"}
    assert changed_places({**ON_GPUS, "devices": [3]}) == {"devices": "auto", "strategy": "auto"}
    assert changed_places({"accelerator": "cpu", "devices": CORES + 1}) == {"devices": "auto"}


def test_a_run_of_several_nodes_is_evaluated_on_one_unless_srun_starts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = {"accelerator": "cpu", "devices": 1, "num_nodes": 2, "strategy": "ddp"}
    assert changed_places(trainer) == {"devices": "auto", "num_nodes": 1, "strategy": "auto"}
    for name, value in {"TORCHELASTIC_RUN_ID": "a", "LOCAL_WORLD_SIZE": "1", "GROUP_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert changed_places(trainer) == {}
