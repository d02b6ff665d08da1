import subprocess
import sys

import numpy as np
import pytest
import torch

from potbench.training import memory
from potbench.training.memory import peak_memory

# without the memory that importing torch takes
PEAK = f"""
import runpy, sys
from types import SimpleNamespace
sys.modules["torch"] = SimpleNamespace(cuda=SimpleNamespace(is_initialized=bool))
print(runpy.run_path({memory.__file__!r})["peak_memory"]())
"""
PROGRAM = """
import resource, sys, torch
from potbench.training.memory import keep_freed_memory
if "keep" in sys.argv:
    sys.exit(3) if not keep_freed_memory() else None
def faults(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(size * 2**20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(24)
print(faults(16))
"""


def page_faults(*arguments):
    """How often the system hands out a page while 64 MiB are asked for, after 96 MiB were freed."""
    finished = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True)
    if finished.returncode == 3:
        pytest.skip("the C library is not glibc")
    return int(finished.stdout)


@pytest.mark.slow
def test_memory_that_was_freed_is_not_asked_for_again():
    assert page_faults("keep") < 100 < page_faults()


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU it is the GPU's memory that is meant")
def test_peak_memory_is_that_of_this_process():
    before = peak_memory()
    kept = torch.ones(2**20 * 25)  # 100 MiB
    assert 100 < before <= peak_memory() < 1e6
    assert peak_memory() >= kept.nbytes / 2**20


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU it is the GPU's memory that is meant")
def test_peak_memory_is_not_that_of_whoever_started_the_process():
    kept = np.ones(2**20 * 25)  # 200 MiB, which Linux hands on to what is started
    found = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert 0 < float(found.stdout) < kept.nbytes / 2**20
