"""Every command in the README does what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from ase.build import molecule
from ase.io import write

from potbench.cli.main import main
from tests.cli.conftest import SMALL, finish, start
from tests.native_files import conformers, write_ani1
from tests.native_files.ase_files import write_extended_xyz

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()
LINES = [line for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines() if line]
COMMANDS = [line for line in LINES if line.startswith("python -m potbench")]
FEW = [
    f"--data.init_args.split.init_args.{part}={size}" for part, size in (("train", 20), ("validation", 8), ("test", 8))
]
SPEED = {
    "data": ["--frames", "3000", "--batches", "4", "--passes", "1"],
    "prepare": ["--turns", "1", "--database-frames", "20", "--frames", "3000"],
    "train": [
        *("--steps", "1", "--force-steps", "1", "--rounds", "1", "--batch-size", "16"),
        *("--message-steps", "1", "--message-batch-size", "4"),
    ],
}
OTHERS = {
    "make quickstart",
    "make test",
    "python3.11 -m venv .venv && source .venv/bin/activate",
    'pip install -c constraints.txt -e ".[dev]"',
}


def sizes(line: str) -> list[str]:
    """Fewer frames than the README has, as far as a command's data allow."""
    if "MoleculeSplit" in line:
        return [
            "--data.split.init_args.train=2",
            "--data.split.init_args.validation=1",
            "--data.split.init_args.test=1",
        ]
    if "rmd17" in line:
        return ["--data.split.init_args.validation=2"]
    return FEW if "mine" in line or "extended_xyz" in line else SMALL


def test_readme_starts_with_two_commands() -> None:
    assert LINES[:2] == ["make quickstart", "make test"]


def test_every_command_of_the_readme_is_known_here() -> None:
    assert set(LINES) == OTHERS | set(COMMANDS)


@pytest.mark.usefixtures("served_rmd17")
def test_commands_work_in_the_order_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is run as it stands; trainings get fewer frames and epochs behind it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    write(tmp_path / "molecules.xyz", [molecule("H2O"), molecule("CH4")])
    for heavy_atoms in (1, 2):
        write_ani1(tmp_path / "data" / "ani1", {0: conformers("CH4", 60), 1: conformers("HCN", 60)}, heavy_atoms)
    write_extended_xyz(tmp_path / "data" / "mine.xyz", 40)
    for line in COMMANDS:
        words = shlex.split(line)[3:]
        if "--print_config" in words:
            with pytest.raises(SystemExit, match=r"0|None"):
                main(words)
            continue
        if words[0] == "fit" and "--run" not in words:
            words += ["--trainer.max_epochs", "1", *sizes(line)]
        if words[0] == "speed":
            words += SPEED[words[1]]
        if "ddp" in words:  # processes of its own, each with the same words
            finish(start(*words, cwd=tmp_path))
        else:
            # the frames made here are of no molecule that there is, and `data check` may say so
            assert main(words) in ({0, 1} if words[:2] == ["data", "check"] else {0})
    assert (tmp_path / "predicted.xyz").is_file()
    assert len(list((tmp_path / "runs").rglob("record.json"))) >= 6


@pytest.mark.parametrize("target", ["quickstart", "test"])
def test_make_targets_say_what_the_readme_says(target: str) -> None:
    plan = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    expected = {
        "quickstart": ["-m potbench fit --config configs/quickstart.yaml", "-m potbench test --run runs/quickstart/"],
        "test": ["ruff check", "ruff format --check", "mypy", "-m pytest"],
    }
    assert all(part in plan for part in expected[target])


@pytest.mark.slow
def test_make_quickstart_trains_within_four_minutes() -> None:
    subprocess.run(["make", "quickstart"], cwd=ROOT, check=True, timeout=240)
