import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from potbench import __version__
from potbench.cli.main import COMMANDS, DATA, IMPORT, SPEED, main
from potbench.errors import DataFileError
from tests.cli.conftest import QUICK, start


def lines(commands: Mapping[str, object]) -> list[str]:
    return [f"  {name:<10}" for name in commands]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_every_command_is_listed_with_a_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    printed = capsys.readouterr().out.splitlines()
    for line in lines(COMMANDS):
        (found,) = [one for one in printed if one.startswith(line)]
        assert len(found) > len(line) + 10


@pytest.mark.parametrize(("group", "commands"), [("data", DATA), ("speed", SPEED), ("import", IMPORT)])
def test_a_group_lists_its_commands(
    group: str, commands: Mapping[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([group]) == 0
    printed = capsys.readouterr().out
    assert all(line in printed for line in lines(commands))


@pytest.mark.parametrize("arguments", [*[[name] for name in COMMANDS], *[["data", name] for name in DATA]])
def test_every_command_has_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with suppress(SystemExit):
        main([*arguments, "--help"])
    assert "usage: python -m potbench" in capsys.readouterr().out


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fti"]) == 2
    assert "There is no command 'fti'. Did you mean fit? Expected one of fit, " in capsys.readouterr().err
    assert main(["data", "lst"]) == 2
    assert "There is no command 'lst'. Did you mean list? Expected one of list, " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--help"], ["predict", "--help"], ["check", "--help"], ["speed", "--help"], ["speed", "train", "--help"]),
        *(["data", "generate", "--help"], ["data", "prepare", "rmd17", "--help"], ["data", "info", "--help"]),
        *(["data", "list"], ["data", "lst"], ["predict"], ["md", "--help"], ["relax", "--help"], ["md"]),
    ],
)
def test_light_commands_answer_without_torch(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom potbench.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def test_help_imports_nothing_heavy_and_answers_at_once() -> None:
    program = "import sys, potbench.cli.main\nprint({'jsonargparse', 'numpy', 'rich', 'yaml'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
    times = []
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "potbench", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    assert min(times) < 1.5


def test_console_script_is_the_module() -> None:
    script = subprocess.run([f"{sys.prefix}/bin/potbench", "--help"], capture_output=True, text=True, check=True)
    module = subprocess.run([sys.executable, "-m", "potbench", "--help"], capture_output=True, text=True, check=True)
    assert script.stdout == module.stdout


@pytest.mark.parametrize("arguments", [["--debug", "check", "nowhere"], ["check", "nowhere", "--debug"]])
def test_debug_shows_where_an_error_came_from(arguments: list[str]) -> None:
    shown = subprocess.run([sys.executable, "-m", "potbench", *arguments], capture_output=True, text=True)
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr
    assert "nowhere is no run" in shown.stderr


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object) -> None:
        raise ValueError("Shapes differ")

    monkeypatch.setattr("potbench.runs.folder.RunFolder.require", defect)
    with pytest.raises(ValueError, match="Shapes differ"):
        main(["check", "nowhere"])


def test_an_error_with_words_is_one_paragraph_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise DataFileError("x.h5 is damaged.\nFetch it again.")

    monkeypatch.setattr("potbench.runs.folder.RunFolder.require", refuse)
    assert main(["check", "nowhere"]) == 2
    assert capsys.readouterr().err == "\npotbench: x.h5 is damaged. Fetch it again.\n"


@pytest.mark.parametrize("arguments", [["--help"], ["data", "list"], ["predict", "--help"]])
def test_a_broken_pipe_ends_quietly(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    shown = subprocess.run([sys.executable, "-m", "potbench", *arguments], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert shown.stderr == b""


@pytest.mark.slow  # tests/kills stops one like it, from a process that has imported all
def test_an_interrupted_training_ends_with_status_130_and_says_how_to_resume(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = start("fit", *QUICK, "--trainer.max_epochs", "1000", "--run_dir", str(run))
    while not (run / "metrics.csv").is_file() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 130, printed
    assert printed.strip().endswith(f"Resume with: python -m potbench fit {run}")
    assert "Traceback" not in printed
