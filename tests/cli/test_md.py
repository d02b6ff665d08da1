from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.io import read, write

from potbench.cli.main import main
from potbench.inference import relax
from potbench.inference.dynamics import Dynamics
from potbench.potentials.potential import Potential
from tests.cli.conftest import start

SHORT = ["--time", "0.02", "--temperature", "100"]


@pytest.fixture
def methane(tmp_path: Path) -> Path:
    write(tmp_path / "methane.xyz", molecule("CH4"))
    return tmp_path / "methane.xyz"


def test_a_molecule_moves(
    finished_run: Path, methane: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "md"
    arguments = ["--replicas", "3", "--thermostat", "none", "--format", "xyz", "--frame_every", "5"]
    assert main(["md", str(finished_run), str(methane), "--output", str(output), *SHORT, *arguments]) == 0
    printed = capsys.readouterr().out
    assert "0.02 ps of 3 replicas: " in printed
    assert "meV/atom/ps" in printed
    assert "ns/day" in printed
    for replica in range(3):
        images = read(output / f"replica_{replica}.xyz", ":")
        assert len(images) == 5
        assert not np.array_equal(images[0].positions, images[-1].positions)


@pytest.mark.slow  # tests/inference resumes simulations within one process
def test_a_killed_simulation_resumes_to_the_same_numbers(finished_run: Path, methane: Path, tmp_path: Path) -> None:
    command = ["md", str(finished_run), str(methane), "--format", "xyz", "--time", "0.2", "--temperature", "50"]
    killed = start(*command, "--output", str(tmp_path / "killed"))
    file = tmp_path / "killed" / "replica_0.xyz"
    while killed.poll() is None and not (file.is_file() and file.stat().st_size > 2000):
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    for name in ("killed", "whole"):
        assert main([*command, "--output", str(tmp_path / name)]) == 0
    for name in ("replica_0.xyz", "log.csv"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()


def test_an_interrupted_simulation_says_how_to_resume(
    finished_run: Path,
    methane: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    advance, calls = Dynamics.advance, []

    def interrupted(self: Dynamics, steps: int) -> None:
        calls.append(steps)
        if len(calls) == 3:
            raise KeyboardInterrupt
        advance(self, steps)

    command = ["md", str(finished_run), str(methane), "--output", str(tmp_path / "md"), *SHORT]
    with monkeypatch.context() as patch:
        patch.setattr(Dynamics, "advance", interrupted)
        assert main(command) == 130
    assert f"stopped. The same command resumes the simulation in {tmp_path / 'md'}." in capsys.readouterr().err
    assert main(command) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--step", "0"], "step is 0.0, expected more than 0. Change --step."),
        (["--time", "-1"], "time is -1.0, expected more than 0. Change --time."),
        (["--time", "0.02", "--step", "50"], "time is 0.02, expected a step of 50 fs or more, in ps. Change --time."),
        (["--temperature", "-5"], "Change --temperature."),
        (["--replicas", "0"], "Change --replicas."),
        (["--friction", "-1"], "Change --friction."),
        (["--device", "nowhere"], "The device nowhere cannot be used here"),
        (["--thermostat", "nose"], "--thermostat"),
        (["--ckpt_path", "none.ckpt"], "none.ckpt does not exist."),
    ],
)
def test_what_cannot_work_is_refused(
    finished_run: Path,
    methane: Path,
    tmp_path: Path,
    refused: Callable[[list[str]], str],
    arguments: list[str],
    message: str,
) -> None:
    said = refused(["md", str(finished_run), str(methane), "--output", str(tmp_path / "md"), *arguments])
    assert message in said
    assert not (tmp_path / "md").exists()


def test_a_file_is_no_folder_of_a_simulation(
    finished_run: Path, methane: Path, refused: Callable[[list[str]], str]
) -> None:
    before = methane.read_bytes()
    assert refused(["md", str(finished_run), str(methane), "--output", str(methane)]) == (
        f"{methane} is a file, and nothing is overwritten. Expected a folder. Change --output."
    )
    assert methane.read_bytes() == before


def test_several_structures_are_refused(
    finished_run: Path, tmp_path: Path, refused: Callable[[list[str]], str]
) -> None:
    write(tmp_path / "two.xyz", [molecule("CH4"), molecule("H2O")])
    said = refused(["md", str(finished_run), str(tmp_path / "two.xyz"), "--output", str(tmp_path / "md")])
    assert "two.xyz has 2 structures. Expected a file of one." in said


def test_structures_relax(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], refused: Callable[[list[str]], str]
) -> None:
    write(tmp_path / "in.xyz", [molecule("CH4"), molecule("CH3OH")])
    command = ["relax", str(finished_run), str(tmp_path / "in.xyz"), "--output", str(tmp_path / "out.xyz")]
    assert main([*command, "--fmax", "0.5"]) == 0
    assert "0 CH4" in capsys.readouterr().out
    for atoms in read(tmp_path / "out.xyz", ":"):
        assert np.linalg.norm(atoms.get_forces(), axis=1).max() < 0.5
    assert "exists, and nothing is overwritten" in refused(command)
    command[-1] = str(tmp_path / "other.xyz")
    assert main([*command, "--fmax", "1e-9", "--steps", "1"]) == 1
    assert "not converged" in capsys.readouterr().out
    command[-1] = str(tmp_path / "out.pdb")
    assert "The output ends in '.pdb'" in refused(command)
    command[-1] = str(tmp_path / "third.xyz")
    assert "fmax" in refused([*command, "--fmax", "0"])


def test_a_structure_that_collapses_is_named_and_the_others_are_written(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_each = relax.relax

    def relaxed(potential: Potential, structures: list[Atoms], *settings: object) -> Iterator[object]:
        yield from of_each(potential, structures[:1], *settings)
        yield relax.Collapsed(structures[1], "H2O collapses.")

    monkeypatch.setattr(relax, "relax", relaxed)
    write(tmp_path / "in.xyz", [molecule("CH4"), molecule("H2O")])
    command = ["relax", str(finished_run), str(tmp_path / "in.xyz"), "--output", str(tmp_path / "out.xyz")]
    assert main([*command, "--fmax", "0.5"]) == 1
    said = capsys.readouterr().out
    assert "collapsed" in said
    assert "Structure 1: H2O collapses." in said
    assert [str(atoms.symbols) for atoms in read(tmp_path / "out.xyz", ":")] == ["CH4"]


def test_a_run_of_another_property_moves_nothing(
    finished_run: Path, methane: Path, tmp_path: Path, refused: Callable[[list[str]], str]
) -> None:
    other = tmp_path / "other"
    shutil.copytree(finished_run, other)
    record = other / "record.json"
    record.write_text(record.read_text().replace('"energy": "eV"', '"energy": "debye"'))
    said = refused(["md", str(other), str(methane), "--output", str(tmp_path / "md")])
    assert "was trained on a property in debye" in said
