"""The processes that a run is made of: which one this is, and who starts them."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.lsf import LSFEnvironment
from lightning.fabric.plugins.environments.mpi import MPIEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.accelerators import CPUAccelerator
from lightning.pytorch.strategies.launchers import _MultiProcessingLauncher
from typing_extensions import override

from potbench.errors import SettingError


class Started(NamedTuple):
    """Processes that another program has started.

    Attributes:
        program: its name.
        per_node: processes on each node.
        nodes: how many nodes there are.
    """

    program: str
    per_node: int
    nodes: int


def started() -> Started | None:
    """Return which processes srun or torchrun started; None where Lightning starts those of this node.

    Raises:
        SettingError: srun started more processes on some nodes than on others.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return Started("torchrun", int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"]))
    if not _by_srun():
        return None
    per_node = os.environ["SLURM_STEP_TASKS_PER_NODE"]  # such as 2 or 2(x3), and 2,1 where they differ
    found = re.fullmatch(r"(\d+)(\(x\d+\))?", per_node)
    if not found:
        problem = f"srun started {per_node} tasks on the nodes"
        raise SettingError(Trainer, "devices", per_node, "the same number on each node", problem)
    return Started("srun", int(found[1]), int(os.environ["SLURM_STEP_NUM_NODES"]))


def is_first() -> bool:
    """Return whether this process is the first of a run, which writes its folder."""
    if "RANK" in os.environ:
        return int(os.environ["RANK"]) == 0
    if _by_srun():
        return int(os.environ["SLURM_PROCID"]) == 0
    return all(int(os.environ.get(name, 0)) == 0 for name in ("NODE_RANK", "LOCAL_RANK"))


def layout(devices: Any, num_nodes: int) -> tuple[Any, int]:
    """Return devices per node and nodes: those that were started, where the settings leave them open.

    Args:
        devices: of each node; "auto" where it is open.
        num_nodes: how many nodes; 1 where it is open.

    Raises:
        SettingError: other processes were started than the settings say.
    """
    found = started()
    if found is None:
        return devices, num_nodes
    by, per_node, nodes = found
    if devices not in ("auto", per_node, str(per_node)):
        problem = f"devices is {devices}, but {by} started {per_node} {_processes(per_node)} on each node"
        raise SettingError(Trainer, "devices", devices, f"{per_node}, or auto", problem)
    if num_nodes not in (1, nodes):
        problem = f"num_nodes is {num_nodes}, but {by} started processes on {nodes} {'node' if nodes == 1 else 'nodes'}"
        expected = "1" if nodes == 1 else f"{nodes}, or 1, which leaves it open"
        raise SettingError(Trainer, "num_nodes", num_nodes, expected, problem)
    return per_node, nodes


def environment() -> ClusterEnvironment:
    """Return what tells Lightning of the processes.

    Not Lightning's SLURMEnvironment: it would take a script on one node for one of several processes, save checkpoints
    of its own while it handles a signal, and requeue jobs.
    """
    kinds: list[type[ClusterEnvironment]] = [TorchElasticEnvironment, SrunEnvironment, LSFEnvironment, MPIEnvironment]
    return next((kind() for kind in kinds if kind.detect()), LightningEnvironment())


def require_startable(trainer: Trainer) -> None:
    """Refuse processes that would be too many or never come, before one is started.

    Raises:
        SettingError: there are more of them than cores, the strategy copies this process, or nobody starts those on
            other nodes.
    """
    cores = os.cpu_count() or 1
    if isinstance(trainer.accelerator, CPUAccelerator) and trainer.num_devices > cores:
        problem = f"devices is {trainer.num_devices}, and this machine has {cores} {'core' if cores == 1 else 'cores'}"
        raise SettingError(Trainer, "devices", trainer.num_devices, f"at most {cores}", problem)
    if isinstance(trainer.strategy.launcher, _MultiProcessingLauncher):
        name = type(trainer.strategy).__name__
        problem = "The strategy copies this process, and what its copies record does not come back"
        raise SettingError(Trainer, "strategy", name, "ddp, which starts processes of their own", problem)
    cluster = getattr(trainer.strategy, "cluster_environment", None)
    if trainer.num_nodes > 1 and isinstance(cluster, LightningEnvironment) and "NODE_RANK" not in os.environ:
        problem = f"num_nodes is {trainer.num_nodes}, and nobody starts the processes on the other nodes"
        expected = "1, or a start by srun with one task for each device"
        raise SettingError(Trainer, "num_nodes", trainer.num_nodes, expected, problem)


class SrunEnvironment(ClusterEnvironment):
    """Processes that srun started, one for each device."""

    @property
    @override
    def creates_processes_externally(self) -> bool:
        return True

    @property
    @override
    def main_address(self) -> str:
        # the first of node[3-5,7] and node3,node9 is node3
        first = re.sub(r"\[(\d+).*?\]", r"\1", os.environ["SLURM_STEP_NODELIST"]).split(",")[0]
        return os.environ.get("MASTER_ADDR") or ("127.0.0.1" if self._num_nodes == 1 else first)

    @property
    @override
    def main_port(self) -> int:
        # all processes of a step know it, and two steps on one node differ
        step = int(os.environ["SLURM_JOB_ID"]) * 31 + int(os.environ.get("SLURM_STEP_ID", 0))
        return int(os.environ.get("MASTER_PORT") or 12_000 + step % 20_000)

    @staticmethod
    @override
    def detect() -> bool:
        return _by_srun()

    @override
    def world_size(self) -> int:
        return int(os.environ["SLURM_STEP_NUM_TASKS"])

    @override
    def set_world_size(self, size: int) -> None:
        """Leave it as it is: srun has started the processes."""

    @override
    def global_rank(self) -> int:
        return int(os.environ["SLURM_PROCID"])

    @override
    def set_global_rank(self, rank: int) -> None:
        """Leave it as it is: srun has numbered the processes."""

    @override
    def local_rank(self) -> int:
        return int(os.environ["SLURM_LOCALID"])

    @override
    def node_rank(self) -> int:
        return int(os.environ["SLURM_NODEID"])

    @property
    def _num_nodes(self) -> int:
        return int(os.environ["SLURM_STEP_NUM_NODES"])


def _by_srun() -> bool:
    """Return whether srun started this process and others; scripts and shells that SLURM runs are one process."""
    return int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1


def _processes(number: int) -> str:
    return "process" if number == 1 else "processes"
