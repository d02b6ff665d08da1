"""Jobs of a cluster: submitted, watched and disturbed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.slurm.one_machine import OneMachine

SMALL = ("--cpus-per-task=1", "--time=60")
ENDS = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL"}


class Job:
    """A job, submitted when it is made.

    Args:
        cluster: where it runs.
        script: the job script.
        arguments: of the script.
        options: of sbatch.
        log: file of what the job prints, over all its starts.
    """

    def __init__(
        self, cluster: OneMachine, script: Path, arguments: tuple[str, ...], options: tuple[str, ...], log: Path
    ) -> None:
        self.cluster = cluster
        self.log = log
        words = ["sbatch", "--parsable", f"--output={log}", *SMALL, *options, str(script), *arguments]
        self.number = cluster.command(*words)

    def says(self, key: str) -> set[str]:
        """Return what `scontrol show job` says of the job, or of each job of an array, such as JobState."""
        shown = self.cluster.command("scontrol", "--oneliner", "show", "job", self.number)
        return set(re.findall(rf"(?:^|\s){key}=(\S+)", shown))

    def usr1(self) -> None:
        """Send SIGUSR1 to all processes that srun started, as SLURM does before a time limit."""
        self.cluster.command("scancel", "--signal=USR1", self.number)

    def requeue(self) -> None:
        """Have the job stopped and queued again."""
        self.cluster.command("scontrol", "requeue", self.number)

    def ends(self) -> bool:
        """Wait for the end; return whether all was well."""
        self.wait_until(lambda: self.says("JobState") <= ENDS)
        return self.says("JobState") == {"COMPLETED"}

    def wait_until(self, holds: Callable[[], bool], seconds: float = 600) -> None:
        """Wait; fail with what the job printed where it takes too long."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"job {self.number} is {self.says('JobState')}:\n{self.printed}"
            time.sleep(0.02)

    @property
    def printed(self) -> str:
        """What the job printed."""
        return self.log.read_text() if self.log.is_file() else ""
