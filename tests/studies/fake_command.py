"""A command that takes no time and trains nothing, in place of those of potbench.

    python fake_command.py STAGE CONFIG RUN

writes what a stage leaves into the record of a run, as the commands of potbench do: at its end, by one rename. The
config says in JSON what else it does: stage → {"sleep": seconds, "status": exit status, "leaves": a value, "times":
how often it does so; after that it does as the others}, and whether it saves or ignores when it is asked to end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

LEAVES = {"fit": ["budget"], "test": ["metrics", "test"], "cost": ["inference"], "check": ["laws"]}


def save(number: int, frame: object) -> None:
    """Save the state of a training, which takes a while; whoever asks twice does not want to wait."""
    print("asked by", number, flush=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    time.sleep(0.3)
    print("saved", flush=True)
    sys.exit(128 + number)


def main(stage: str, config: Path, run: Path) -> int:
    """Do as a command of potbench does."""
    print("begin", stage, flush=True)
    orders = json.loads(config.read_text()).get(stage, {}) if config.is_file() else {}
    run.mkdir(parents=True, exist_ok=True)
    (run / "config.yaml").touch()
    with (run / f"{stage}.starts").open("a") as stream:
        stream.write("x")
    if (run / f"{stage}.starts").stat().st_size > orders.get("times", 1_000):
        orders = {}
    if stage == "fit" and orders.get("saves"):
        signal.signal(signal.SIGTERM, save)
        signal.signal(signal.SIGINT, save)
    if orders.get("ignores"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("threads", os.environ.get("OMP_NUM_THREADS"), os.environ.get("MKL_NUM_THREADS"))
    print("device", os.environ.get("CUDA_VISIBLE_DEVICES"))
    print("job", os.getppid())
    print("slurm", sorted(name for name in os.environ if name.startswith("SLURM_")), flush=True)
    end = time.monotonic() + orders.get("sleep", 0.0)
    while time.monotonic() < end:
        time.sleep(0.01)
    file = run / "record.json"
    record: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    *outer, last = ["diverged"] if orders.get("diverges") else LEAVES[stage]
    place = record
    for name in outer:
        place = place.setdefault(name, {})
    place[last] = orders.get("leaves", {"done": True})
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(record))
    if orders.get("status", 0) in (0, 1) or orders.get("diverges"):
        partial.replace(file)
    print("end", stage)
    return int(orders.get("status", 0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
