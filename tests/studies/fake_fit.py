"""A command in the place of fit, which trains nothing: (log₁₀ x + 3)² + 1 / epoch is its error after each epoch.

It imports nothing of potbench, and is started in no time.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from pathlib import Path

import yaml

COMMAND = (sys.executable, __file__, "{config}", "{run}")
COLUMNS = "epoch,step,train/loss,validation/forces_mae,validation/loss\n"


def main(config_file: str, run_dir: str) -> int:
    config, run = yaml.safe_load(Path(config_file).read_text()), Path(run_dir)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    run.mkdir(parents=True, exist_ok=True)
    print("device", os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
    with (run / "begun.txt").open("a") as stream:
        stream.write("begun\n")
    if config["x"] == config.get("fails"):
        print("\npotbench: The molecule is broken. Mend it.", file=sys.stderr)
        return 2
    metrics = run / "metrics.csv"
    if not metrics.is_file():
        metrics.write_text(COLUMNS)
    for epoch in range(len(metrics.read_text().splitlines()) - 1, config["trainer"]["max_epochs"]):
        time.sleep(config.get("seconds", 0.0))
        if config["x"] == config.get("diverges"):
            (run / "record.json").write_text(config["record"])
            return 2
        error = (math.log10(config["x"]) + 3) ** 2 + 1 / (epoch + 1)
        with metrics.open("a") as stream:
            # the loss is the smallest after the second epoch
            stream.write(f"{epoch},{epoch},,{error},{abs(epoch - 1)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
