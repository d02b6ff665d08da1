"""What the jobs of a study ask a cluster for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from potbench.errors import PotbenchError, did_you_mean
from potbench.readers.typed_json import from_plain


@dataclass(frozen=True, kw_only=True)
class SlurmSettings:
    """What each job asks SLURM for; how many jobs run at once is a setting of the study.

    Args:
        hours: time limit of a job, which goes on as often as it takes.
        cpus: cores of each; None for as many as it has threads.
        gpus: of each.
        memory: in GiB; None for what the cluster gives.
        partition: None for the one that the cluster chooses.
        account: that pays; None for the one of the user.
        qos: quality of service; None for the default.
        constraint: on the kind of node; None for none.
        setup: shell commands before a job begins, such as loading a module.
    """

    hours: float = 24.0
    cpus: int | None = None
    gpus: int = 0
    memory: float | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    setup: tuple[str, ...] = ()

    @classmethod
    def of(cls, settings: Mapping[str, object]) -> SlurmSettings:
        """Read the settings of a study; asks for no cluster.

        Raises:
            PotbenchError: one is unknown, has the wrong type, or is not more than 0.
        """
        names = [field.name for field in fields(cls)]
        for name in settings:
            if name not in names:
                raise PotbenchError(
                    f"run.slurm.{name} is no setting of a job.{did_you_mean(name, names)} Expected some of "
                    f"{', '.join(names)}."
                )
        try:
            read = from_plain(cls, dict(settings))
        except ValueError as error:
            raise PotbenchError(f"run.slurm.{error}.") from error
        for name in ("hours", "cpus", "memory"):
            value = getattr(read, name)
            if value is not None and not value > 0:
                raise PotbenchError(f"run.slurm.{name} is {value}, expected more than 0.")
        return read

    def of_submitit(self, threads: int, at_once: int) -> dict[str, object]:
        """Return the same in the words of submitit.

        Args:
            threads: of each command.
            at_once: how many jobs run at the same time.
        """
        return {
            "name": "potbench",
            "timeout_min": max(1, round(60 * self.hours)),
            "cpus_per_task": self.cpus or threads,
            "tasks_per_node": 1,
            "gpus_per_node": self.gpus or None,
            "mem_gb": self.memory,
            "slurm_partition": self.partition,
            "slurm_account": self.account,
            "slurm_qos": self.qos,
            "slurm_constraint": self.constraint,
            "slurm_setup": list(self.setup) or None,
            "slurm_array_parallelism": at_once,
        }
