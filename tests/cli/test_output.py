"""A training goes on when nobody reads what it prints, and where the terminal lacks a character."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.cli.conftest import QUICK, ROOT, start


def test_a_training_goes_on_when_whoever_reads_it_leaves(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)  # as `fit | head -0` does
    command = [sys.executable, "-m", "potbench", "fit", *QUICK, "--run_dir", str(tmp_path / "run")]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    os.close(writer)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "run" / "record.json").is_file()


@pytest.mark.slow
def test_characters_that_a_terminal_lacks_are_replaced(tmp_path):
    process = start("fit", *QUICK, "--run_dir", str(tmp_path / "run"), PYTHONIOENCODING="ascii", LC_ALL="C", cwd=ROOT)
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "meV" in said
    assert said.isascii()
