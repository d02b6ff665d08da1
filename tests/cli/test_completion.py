"""Completion, in a real bash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from potbench.cli.main import COMMANDS, DATA, main

PRESS = """source {script}
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1))
{function}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("completion") / "script.bash"
    with pytest.MonkeyPatch.context() as patch, file.open("w") as output:
        patch.setattr("sys.stdout", output)
        assert main(["completion", "bash"]) == 0
    return file


def offered(script: Path, words: str, function: str = "_potbench") -> list[str]:
    """What bash offers for the last of these words."""
    program = PRESS.format(script=script, words=words, function=function)
    found = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert not found.stderr
    return found.stdout.split()


def test_commands_are_offered(script: Path) -> None:
    assert offered(script, "potbench ''") == list(COMMANDS)
    assert offered(script, "potbench da") == ["data"]
    assert offered(script, "potbench data ''") == list(DATA)


def test_flags_and_their_values_are_offered(script: Path) -> None:
    assert offered(script, "potbench check runs/one --") == ["--help", "--ckpt_path", "--frames", "--allow"]
    assert offered(script, "potbench cost --accelerator ''") == ["auto", "cpu", "gpu"]
    assert offered(script, "potbench report a b --smallest") == ["--smallest_difference"]
    assert offered(script, "potbench schema ''") == ["fit", "data", "potential", "trainer", "study", "search"]


def test_settings_of_a_config_are_offered_once_a_dot_is_typed(script: Path) -> None:
    assert offered(script, "potbench fit --tr") == ["--trainer", "--train_on"]
    assert offered(script, "potbench fit --trainer.max_e") == ["--trainer.max_epochs"]
    assert offered(script, "potbench fit --model.loss.forc") == ["--model.loss.forces"]
    assert "--data.dataset.molecule" in offered(script, "potbench fit --data.dataset.")


def test_files_are_left_to_the_shell(script: Path) -> None:
    assert offered(script, "potbench fit --config conf") == []
    assert offered(script, "potbench check ru") == []
    (of_potbench,) = [line for line in script.read_text().splitlines() if line.startswith("complete ")]
    assert "-o default" in of_potbench


def test_python_m_potbench_is_completed_and_python_else_left_alone(script: Path) -> None:
    assert offered(script, "python -m potbench da", "_potbench_python") == ["data"]
    assert offered(script, "python -m pip da", "_potbench_python") == []


def test_zsh_is_told_to_read_scripts_of_bash(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("potbench.cli.completion._words", lambda _: {"": ["fit"]})
    assert main(["completion", "zsh"]) == 0
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert first == "autoload -U +X bashcompinit && bashcompinit"
    assert main(["completion", "bash"]) == 0
    assert rest == capsys.readouterr().out
