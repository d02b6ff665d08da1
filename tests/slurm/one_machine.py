"""A SLURM cluster whose one node is this machine: `python tests/slurm/one_machine.py start`, then `stop`.

Needs root on a Debian-like system, and no systemd. Programs come from the system's packages, which `start` installs
where they are missing; all else that it writes is in one folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
PROGRAMS = ("slurmctld", "slurmd", "munged", "munge", "sbatch", "srun", "scontrol", "squeue")
PATIENCE = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20", "-o", "DPkg::Lock::Timeout=60")
"""Without a network, and beside another that installs."""
FAKE_GPUS = ("full", "null", "random", "zero")
"""Devices that every machine has stand for GPUs: jobs can ask for them."""
CONF = """
ClusterName=one_machine
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# a requeued job starts when the credential of its first start has expired
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MailProg=/bin/true
# no cgroups, which containers seldom let one write
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
# more processors than the machine may have, and GPUs that only the scheduler knows
SlurmdParameters=config_overrides
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=30
# processes of a job connect to the node by its name, which every machine resolves
NodeName=localhost NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs=64 RealMemory=1000 Gres=gpu:4
PartitionName=low Nodes=ALL Default=YES State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=20
PartitionName=high Nodes=ALL State=UP PriorityTier=10 PreemptMode=OFF
"""


class NotInstalledError(RuntimeError):
    """SLURM is not there and cannot be installed."""


class OneMachine:
    """The cluster.

    Args:
        folder: of its configuration, state, key, socket and logs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.conf = folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which SLURM's commands find this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.conf)}

    def command(self, *arguments: str) -> str:
        """Run one of SLURM's commands; return what it printed."""
        done = subprocess.run(arguments, env=self.environment, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout.strip()

    @property
    def running(self) -> bool:
        """Whether the node waits for jobs or runs them."""
        if self._process("slurmctld") is None:
            return False
        done = subprocess.run(
            ["sinfo", "--noheader", "--Node", "--partition=low", "--format=%T"],
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
        )
        return done.stdout.strip() in {"idle", "mixed", "allocated", "completing"}

    def start(self) -> None:
        """Start munged, slurmctld and slurmd, unless they run; install what is missing.

        Raises:
            NotInstalledError: SLURM is not there and cannot be installed.
            RuntimeError: it could not be started.
        """
        install()
        if self.running:
            return
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._configure()
        self._start_munge()
        for daemon in ("slurmctld", "slurmd"):
            _run(daemon, "-f", str(self.conf))
        _wait_until(lambda: self.running, 30, f"its node is up; logs are in {self.folder}")

    def stop(self) -> None:
        """End all jobs and the processes of the cluster."""
        try:
            if self.running:
                for options in ((), ("--signal=KILL", "--full")):
                    self.command("scancel", "--user=root", *options)
                _wait_until(lambda: not self.command("squeue", "--noheader"), 20, "no job is left")
        finally:
            for daemon in ("slurmctld", "slurmd", "munged"):
                self._end(daemon)

    @contextmanager
    def started(self) -> Iterator[OneMachine]:
        """Have it for a while; where this process is killed, another one stops it."""
        command = [sys.executable, __file__, "stop", str(self.folder), str(os.getpid())]
        guard = subprocess.Popen(command, start_new_session=True)
        try:
            self.start()
            yield self
        finally:
            self.stop()
            guard.kill()
            guard.wait()

    def _end(self, daemon: str) -> None:
        process = self._process(daemon)
        if process is not None:
            os.kill(process, signal.SIGTERM)
            _wait_until(lambda: self._process(daemon) is None, 30, f"{daemon} has ended")

    def _process(self, daemon: str) -> int | None:
        file = self.folder / f"{daemon}.pid"
        if not file.is_file():
            return None
        number = int(file.read_text())
        # the number may belong to another process by now
        name = Path(f"/proc/{number}/comm")
        return number if name.is_file() and name.read_text().strip() == daemon else None

    def _configure(self) -> None:
        for name in ("state", "spool"):
            (self.folder / name).mkdir(exist_ok=True)
        host = socket.gethostname().partition(".")[0]
        controller_port, node_port = _free_ports(2)
        self.conf.write_text(
            CONF.format(host=host, folder=self.folder, controller_port=controller_port, node_port=node_port)
        )
        (self.folder / "gres.conf").write_text("".join(f"Name=gpu File=/dev/{device}\n" for device in FAKE_GPUS))

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        if not key.is_file():
            key.touch(mode=0o600)
            key.write_bytes(os.urandom(128))
        files = {"key-file": key.name, "socket": "munge.socket", "pid-file": "munged.pid", "log-file": "munged.log"}
        files["seed-file"] = "munge.seed"
        # it runs as root here, and would refuse a folder that only root may enter
        _run("munged", "--force", *(f"--{flag}={self.folder / name}" for flag, name in files.items()))


def install() -> None:
    """Install SLURM and munge from the system's packages, unless they are there.

    Raises:
        NotInstalledError: why SLURM cannot be started here, in words.
    """
    if not sys.platform.startswith("linux"):
        raise NotInstalledError("SLURM runs on Linux alone")
    if os.geteuid() != 0:
        raise NotInstalledError("a SLURM of its own can be started by root alone")
    missing = [program for program in PROGRAMS if _found(program) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise NotInstalledError(f"SLURM is not installed ({', '.join(missing)}), and there is no apt-get to install it")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        command = ["apt-get", "-qq", *PATIENCE, *arguments]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            said = done.stderr.strip() or done.stdout.strip()
            raise NotInstalledError(f"SLURM is not installed, and `apt-get {arguments[0]}` failed: {said}")


def _found(program: str) -> str | None:
    # daemons are where only root looks
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))


def _run(program: str, *arguments: str) -> None:
    command = [_found(program) or program, *arguments]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{program} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"after {seconds:.0f} s it is not true that {what}")
        time.sleep(0.2)


def main(arguments: list[str]) -> int:
    """Start or stop a cluster in a fixed temporary folder, and print how to use it; or stop one behind a process."""
    cluster = OneMachine(Path(tempfile.gettempdir()) / "potbench_slurm")
    match arguments:
        case ["stop"]:
            cluster.stop()
        case ["stop", folder, process]:
            while Path(f"/proc/{process}").exists():
                time.sleep(0.5)
            OneMachine(Path(folder)).stop()
        case ["start"]:
            try:
                cluster.start()
            except RuntimeError as error:
                print(f"No SLURM: {error}", file=sys.stderr)
                return 1
            print(f"export SLURM_CONF={cluster.conf}")
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
