import subprocess
import sys
import time

import pytest

from potbench import __version__
from potbench.cli.main import COMMANDS, DATA_COMMANDS, main


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_front_door_lists_every_command_with_a_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, command in COMMANDS.items():
        assert f"  {name:<10}{command.help}" in lines


def test_data_lists_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name:<10}{command.help}" in printed for name, command in DATA_COMMANDS.items())


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fti"]) == 2
    assert "there is no command 'fti'. Did you mean fit?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        *(["--help"], ["predict", "--help"], ["speed", "--help"]),
        *(["data", "generate", "--help"], ["data", "prepare", "rmd17", "--help"], ["data", "info", "--help"]),
        ["data", "list"],
    ],
)
def test_help_answers_without_torch(words: list[str]) -> None:
    program = (
        "import sys\nfrom potbench.cli.main import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True).returncode == 0


def test_help_answers_at_once() -> None:
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
