"""Each cell that runs has a GPU of its own; the commands here use none, and say which they were given."""

from __future__ import annotations

import io
import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from potbench.studies.cells import Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.devices import devices_of, no_device, on_devices
from potbench.studies.running.launch import run_study
from tests.studies.made_study import STAGES, made_plan, made_study, order

GPUS = "GPU-3f, GPU-a0"


def fake_driver(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put an nvidia-smi on the PATH, and nothing into the environment."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "study")


def run(folder: StudyFolder, plan: Plan, at_once: int) -> None:
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 0.2})
    study = made_study(at_once=at_once)
    assert run_study(folder, plan, study, stages=STAGES, console=Console(file=io.StringIO())).is_complete


def used(folder: StudyFolder, plan: Plan) -> dict[str, list[tuple[float, float]]]:
    """Device → begin and end of the cells whose commands had it."""
    found: dict[str, list[tuple[float, float]]] = {}
    for cell in plan.cells:
        log = folder.log(cell)
        (device,) = set(re.findall(r"^device (.*)$", log.read_text(), re.MULTILINE))
        times = (folder.run(cell).path / "fit.starts").stat().st_mtime, log.stat().st_mtime
        found.setdefault(device, []).append(times)
    return found


@pytest.mark.parametrize("at_once", [2, 4])
def test_cells_that_run_at_the_same_time_have_one_gpu_each(folder, monkeypatch, at_once):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", GPUS)
    plan = made_plan(3, accelerator="gpu")
    run(folder, plan, at_once)
    devices = used(folder, plan)
    assert devices.keys() == {"GPU-3f", "GPU-a0"}
    for times in devices.values():
        ordered = sorted(times)
        assert all(end <= begin for (_, end), (begin, _) in pairwise(ordered))
    # and both were used at the same time
    (one, *_), (other, *_) = devices.values()
    assert max(one[0], other[0]) < min(one[1], other[1])


def test_cells_on_the_cpu_see_what_the_study_sees(folder, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", GPUS)
    plan = made_plan(1, accelerator="cpu")
    run(folder, plan, 2)
    assert used(folder, plan).keys() == {GPUS}


def test_the_driver_names_the_gpus_where_the_environment_does_not(tmp_path, monkeypatch):
    first, second = (f"GPU {number}: NVIDIA H100 80GB HBM3 (UUID: GPU-{name})" for number, name in enumerate("ab"))
    fake_driver(tmp_path, monkeypatch, f'test "$1" = -L && echo "{first}" && echo "{second}"')
    assert devices_of("auto") == devices_of("gpu") == ("GPU-a", "GPU-b")
    assert devices_of("cpu") == ()


def test_without_a_driver_that_answers_there_are_no_gpus(tmp_path, monkeypatch):
    fake_driver(tmp_path, monkeypatch, 'echo "GPU 0: lost (UUID: GPU-a)"; exit 9')
    assert devices_of("auto") == ()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert devices_of("auto") == ()


@pytest.mark.parametrize(("named", "seen"), [("", ()), ("-1", ()), ("2,0", ("2", "0")), ("1,-1,0", ("1",))])
def test_the_environment_hides_gpus_as_cuda_reads_it(monkeypatch, named, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert devices_of("gpu") == seen


def test_more_at_once_than_gpus_is_said_and_not_done(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", GPUS)
    said: list[str] = []
    assert on_devices(made_study(at_once=5), said.append).run.at_once == 2
    assert said[0].startswith("run.at_once is 5, and there are 2 GPUs: no more trainings run at once")
    for study in (
        made_study(at_once=2),
        made_study(at_once=5, accelerator="cpu"),
        made_study(at_once=5, where="slurm"),
    ):
        assert on_devices(study, said.append) is study
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert on_devices(made_study(at_once=5), said.append).run.at_once == 5
    assert len(said) == 1


def test_a_gpu_that_this_machine_lacks_is_refused_before_anything_is_trained(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    (problem,) = no_device(made_study(accelerator="gpu"))
    assert problem.startswith("run.accelerator is gpu, and torch finds no GPU here.")
    for study in (made_study(), made_study(accelerator="cpu"), made_study(accelerator="gpu", where="slurm")):
        assert not list(no_device(study))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert not list(no_device(made_study(accelerator="gpu")))
