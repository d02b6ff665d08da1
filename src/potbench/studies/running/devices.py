"""GPUs of this machine: each command that runs has one of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile

from potbench.studies.study import Study

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Variable by which CUDA sees some of the devices alone."""
LIST = ("nvidia-smi", "-L")
LISTED = re.compile(r"^GPU .*\(UUID: (\S+)\)", re.MULTILINE)
PATIENCE = 30.0
"""Seconds for the answer of the driver."""


def devices_of(accelerator: str) -> tuple[str, ...]:
    """Return the NVIDIA GPUs that commands can have, as CUDA names them; none where they use the CPU.

    Those that the environment names are all there are.

    Args:
        accelerator: of the commands: cpu, gpu or auto.
    """
    if accelerator not in ("gpu", "cuda", "auto"):
        return ()
    named = os.environ.get(VISIBLE)
    if named is not None:
        # CUDA looks no further than the first that is none, such as -1
        return tuple(takewhile(lambda name: name[:1] not in ("", "-"), (each.strip() for each in named.split(","))))
    if shutil.which(LIST[0]) is None:
        return ()
    try:
        found = subprocess.run(LIST, text=True, capture_output=True, check=False, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    # by their UUIDs, since CUDA numbers them in another order
    return tuple(LISTED.findall(found.stdout)) if found.returncode == 0 else ()


def no_device(study: Study) -> Iterator[str]:
    """Say that trainings are to run on a GPU of this machine, and that torch finds none."""
    if study.run.where != "local" or study.run.accelerator != "gpu":
        return
    import torch  # slow, and mostly not asked

    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        yield "run.accelerator is gpu, and torch finds no GPU here. Expected auto or cpu, or a machine with a GPU."


def seeing(device: str | None) -> dict[str, str]:
    """Return the variables by which a command sees one GPU alone; none where it sees what this process sees."""
    return {} if device is None else {VISIBLE: device}


def on_devices(study: Study, say: Callable[[str], None]) -> Study:
    """Return a study that runs no more cells at once than there are GPUs, where it runs here and there are any.

    Args:
        study: as its file says.
        say: told where that is fewer than it says.
    """
    run = study.run
    devices = devices_of(run.accelerator) if run.where == "local" and run.at_once > 1 else ()
    if not devices or run.at_once <= len(devices):
        return study
    number = len(devices)
    say(
        f"run.at_once is {run.at_once}, and there {'is 1 GPU' if number == 1 else f'are {number} GPUs'}: no more "
        "trainings run at once, since times of those that share one would mean nothing."
    )
    return replace(study, run=replace(run, at_once=number))
