from __future__ import annotations

import os

import pytest
from lightning.fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from lightning.pytorch import Trainer

from potbench.errors import SettingError
from potbench.runs.processes import SrunEnvironment, Started, environment, is_first, layout, require_startable, started

SRUN = {
    "SLURM_JOB_ID": "77",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "6",
    "SLURM_STEP_NUM_NODES": "3",
    "SLURM_STEP_TASKS_PER_NODE": "2(x3)",
    "SLURM_STEP_NODELIST": "node[12-13,20]",
    "SLURM_PROCID": "3",
    "SLURM_LOCALID": "1",
    "SLURM_NODEID": "1",
    "SLURM_NTASKS": "6",
}
TORCHRUN = {
    "TORCHELASTIC_RUN_ID": "none",
    "RANK": "1",
    "LOCAL_RANK": "1",
    "WORLD_SIZE": "2",
    "LOCAL_WORLD_SIZE": "2",
    "GROUP_WORLD_SIZE": "1",
}
# a script of sbatch, a shell of salloc, and srun with one task: one process, whatever was asked for
ONE_PROCESS = [
    {},
    {"SLURM_JOB_ID": "77", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_PROCID": "0"},
    {**SRUN, "SLURM_STEP_NUM_TASKS": "1", "SLURM_STEP_TASKS_PER_NODE": "1", "SLURM_PROCID": "0"},
]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has started this process to be one of several."""
    for name in [*os.environ]:
        if name.startswith("SLURM") or name in {*TORCHRUN, "NODE_RANK", "MASTER_ADDR", "MASTER_PORT"}:
            monkeypatch.delenv(name)


def put(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("variables", ONE_PROCESS)
def test_a_process_is_alone_unless_several_were_started(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    put(monkeypatch, variables)
    assert started() is None
    assert is_first()
    assert isinstance(environment(), LightningEnvironment)
    assert layout("auto", 1) == ("auto", 1)
    assert layout(2, 1) == (2, 1)


def test_processes_of_srun_are_counted_and_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, SRUN)
    found = environment()
    assert isinstance(found, SrunEnvironment)
    assert found.creates_processes_externally
    assert (found.world_size(), found.global_rank(), found.local_rank(), found.node_rank()) == (6, 3, 1, 1)
    assert found.main_address == "node12"
    assert not is_first()
    assert layout("auto", 1) == layout(2, 3) == layout("2", 3) == (2, 3)
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert is_first()


@pytest.mark.parametrize(
    ("nodes", "first"), [("node3,node[7-9]", "node3"), ("a[07]", "a07"), ("gpu-3-4", "gpu-3-4"), ("c[1-2]-ib", "c1-ib")]
)
def test_processes_meet_on_the_first_node(monkeypatch: pytest.MonkeyPatch, nodes: str, first: str) -> None:
    put(monkeypatch, {**SRUN, "SLURM_STEP_NODELIST": nodes})
    assert SrunEnvironment().main_address == first
    monkeypatch.setenv("SLURM_STEP_NUM_NODES", "1")
    assert SrunEnvironment().main_address == "127.0.0.1"
    put(monkeypatch, {"MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "1234"})
    assert (SrunEnvironment().main_address, SrunEnvironment().main_port) == ("10.0.0.1", 1234)


def test_steps_that_run_at_the_same_time_have_ports_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = set()
    for job in range(100, 110):
        for step in range(3):
            put(monkeypatch, {**SRUN, "SLURM_JOB_ID": str(job), "SLURM_STEP_ID": str(step)})
            ports.add(SrunEnvironment().main_port)
    assert len(ports) == 30
    assert all(12_000 <= port < 32_000 for port in ports)


def test_processes_of_torchrun_are_counted_also_within_srun(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, {**SRUN, **TORCHRUN})
    assert started() == Started("torchrun", 2, 1)
    assert isinstance(environment(), TorchElasticEnvironment)
    assert not is_first()
    assert layout("auto", 1) == (2, 1)
    monkeypatch.setenv("RANK", "0")
    assert is_first()


@pytest.mark.parametrize(("variable", "value"), [("LOCAL_RANK", "1"), ("NODE_RANK", "1")])
def test_processes_that_lightning_started_are_not_the_first(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    put(monkeypatch, {"LOCAL_RANK": "0", "NODE_RANK": "0"})
    assert is_first()
    monkeypatch.setenv(variable, value)
    assert not is_first()


@pytest.mark.parametrize(
    ("devices", "num_nodes", "message"),
    [
        (4, 3, "devices is 4, but srun started 2 processes on each node. Expected 2, or auto. Change the argument"),
        (
            "auto",
            2,
            "num_nodes is 2, but srun started processes on 3 nodes. Expected 3, or 1, which leaves it open. Change",
        ),
    ],
)
def test_other_processes_than_were_started_are_refused(
    monkeypatch: pytest.MonkeyPatch, devices: int | str, num_nodes: int, message: str
) -> None:
    put(monkeypatch, SRUN)
    with pytest.raises(SettingError) as caught:
        layout(devices, num_nodes)
    assert str(caught.value).startswith(message)


def test_nodes_with_different_numbers_of_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, {**SRUN, "SLURM_STEP_TASKS_PER_NODE": "2(x2),1"})
    with pytest.raises(SettingError, match=r"srun started 2\(x2\),1 tasks on the nodes. Expected the same number on"):
        layout("auto", 1)


def trainer(**settings: object) -> Trainer:
    return Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, plugins=[environment()], **settings)


@pytest.mark.parametrize("devices", [1000, "1000"])
def test_more_processes_than_cores_are_refused(devices: int | str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with pytest.raises(SettingError) as caught:
        require_startable(trainer(devices=devices))
    assert str(caught.value) == (
        "devices is 1000, and this machine has 2 cores. Expected at most 2. Change the argument devices of Trainer."
    )
    require_startable(trainer(devices=2))


@pytest.mark.parametrize("strategy", ["ddp_fork", "ddp_spawn", "ddp_notebook", "ddp_spawn_find_unused_parameters_true"])
def test_strategies_that_copy_the_process_are_refused(strategy: str) -> None:
    with pytest.raises(SettingError) as caught:
        require_startable(trainer(devices=1, strategy=strategy))
    assert str(caught.value) == (
        "The strategy copies this process, and what its copies record does not come back. Expected ddp, which starts "
        "processes of their own. Change the argument strategy of Trainer."
    )


def test_processes_on_other_nodes_that_nobody_starts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingError) as caught:
        require_startable(trainer(devices=1, num_nodes=2))
    assert str(caught.value) == (
        "num_nodes is 2, and nobody starts the processes on the other nodes. Expected 1, or a start by srun with one "
        "task for each device. Change the argument num_nodes of Trainer."
    )
    monkeypatch.setenv("NODE_RANK", "0")  # started by hand on each node
    require_startable(trainer(devices=1, num_nodes=2))
