"""Templates: each does what its first lines say."""

from __future__ import annotations

import runpy
import shlex
import sys
from pathlib import Path

import pytest

from potbench.cli.main import main
from potbench.errors import SettingError
from potbench.shipped.new import FILES, TEMPLATES, Kind, new, next_commands
from potbench.studies.planning.read_study import read_study
from tests.cli.conftest import SMALL

NAMES: dict[Kind, str] = {"architecture": "own_radial", "dataset": "own_water", "study": "own_study"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["architecture", "dataset"])
def test_what_a_template_says_works_and_all_laws_hold(
    kind: Kind, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = NAMES[kind]
    assert main(["new", kind, name]) == 0
    printed = capsys.readouterr().out
    commands = next_commands(folder / f"{name}.yaml")
    assert all(f"  {command}\n" in printed for command in commands)
    assert len(commands) == 3
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "python"
        if arguments[0] != "-m":
            runpy.run_path(arguments[0], run_name="__main__")
            continue
        arguments = arguments[2:]
        shorter = [*SMALL, "--trainer.max_epochs", "1"] if arguments[0] == "fit" else []
        assert main([*arguments, *shorter]) == 0, command
    sys.modules.pop(name)


def test_the_template_of_a_study_is_one(folder: Path) -> None:
    assert main(["new", "study", "own_study"]) == 0
    study = read_study(folder / "own_study.yaml")
    assert study.name == "own_study"
    assert all(file.is_file() for each in study.architectures.values() for file in (each.potential, *each.training))


@pytest.mark.slow
def test_the_template_of_a_study_can_be_planned(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "study", "own_study"]) == 0
    assert main(shlex.split(next_commands(folder / "own_study.yaml")[0])[3:]) == 0
    assert "0 of 9 cells" in capsys.readouterr().out


@pytest.mark.parametrize("kind", list(FILES))
def test_no_name_of_the_template_is_left_and_every_template_is_used(kind: Kind, tmp_path: Path) -> None:
    files = new(kind, f"another_{kind}", tmp_path)
    assert sorted(files) == sorted(tmp_path.iterdir())
    assert not [file for file in files if f"my_{kind}" in file.read_text() or f"My{kind.title()}" in file.read_text()]
    assert next_commands(files[-1])
    used = {template for templates in FILES.values() for template in templates}
    assert {file.name for file in TEMPLATES.iterdir()} == used


@pytest.mark.parametrize("name", ["My-Net", "2nd", "class", "a b", "../up", "net.py", ""])
def test_what_cannot_be_a_module_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be the name of a module"):
        new("architecture", name, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_module_that_there_is_and_a_name_within_the_template_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="Python has a module torch already"):
        new("architecture", "torch", tmp_path)
    with pytest.raises(SettingError, match="The class would have the name Frames"):
        new("dataset", "frames", tmp_path)
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_and_then_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(SettingError, match=r"mine\.yaml exists, and nothing is replaced"):
        new("architecture", "mine", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.yaml"]
    assert (tmp_path / "mine.yaml").read_text() == "precious"
