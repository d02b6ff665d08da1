from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ase.build import molecule

from potbench.cli.main import main
from potbench.errors import SettingError
from potbench.speed.rivals import Rival, started

ANSWERS = """
import json
print("a library that prints")
print('potbench: "other 1.0"', flush=True)
numbers, positions, calls = json.loads(input())
print("and prints")
print("potbench:", len(numbers) + calls, flush=True)
raise ValueError("and breaks")
"""


def test_a_calculator_in_another_process_is_asked_and_its_end_is_said() -> None:
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", ANSWERS], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    rival = Rival(process)
    assert rival.package == "other 1.0"
    assert rival.time_calls(molecule("H2O"), calls=4) == 7
    for said in ("ValueError: and breaks", "it said nothing"):  # while it ends, and when it has ended
        with pytest.raises(RuntimeError, match=said):
            rival.time_calls(molecule("H2O"), calls=4)
        process.wait()
    process.communicate()


def test_an_environment_without_the_library_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "python"
    empty.write_text(f"#!/bin/sh\nexec {sys.executable} -S $*\n")  # without any package
    empty.chmod(0o755)
    said = r"has no SchNet \(ModuleNotFoundError: No module named 'torch'\)"
    with pytest.raises(SettingError, match=said), started("SchNet", empty, main, "graph_pes", 1):
        raise AssertionError("it has started")
    assert main(["speed", "inference", "--mace", str(tmp_path / "none")]) == 2
    printed = " ".join(capsys.readouterr().err.split())
    assert "none cannot be run" in printed
    assert "Expected the python of an environment that has the library. Change --mace." in printed
