"""Runs `python -m potbench` in processes of their own, of which none has to import anything again.

    python -m tests.kills.server

reads requests, one a line in JSON, and answers each with the status of its process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.kills import killer

ROOT = Path(__file__).parents[2]


class Server:
    """The process that all others are forked from.

    Args:
        folder: where they run.
        output: what they print.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output.txt"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> int:
        """Run a command; return its exit status, negative where a signal ended it."""
        return self.run_together(arguments, [environment])[0]

    def run_together(self, arguments: Sequence[str], environments: Sequence[dict[str, str]]) -> list[int]:
        """Run a command in several processes, each with its environment; return their exit statuses."""
        assert self.process.stdin
        assert self.process.stdout
        request = {"arguments": arguments, "environments": environments, "folder": str(self.folder)}
        self.output.unlink(missing_ok=True)
        print(json.dumps(request), file=self.process.stdin, flush=True)
        statuses: list[int] = json.loads(self.process.stdout.readline())
        return statuses

    def close(self) -> None:
        """End the server."""
        self.process.communicate()


def serve() -> None:
    """Answer requests until there are no more."""
    from potbench.cli import lightning_process  # noqa: F401  all that a training imports
    from potbench.reporting import loss_figure  # noqa: F401

    for line in sys.stdin:
        request = json.loads(line)
        processes = []
        for environment in request["environments"]:
            processes.append(os.fork())
            if processes[-1] == 0:
                _run(request["arguments"], environment, request["folder"])
        print([os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes], flush=True)


def _run(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    from potbench.cli.main import main

    status = 70
    try:
        os.chdir(folder)
        os.environ.update(environment)
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        killer.install()
        sys.argv = ["potbench", *arguments]
        status = main()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
