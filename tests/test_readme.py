"""Every command in the README and in docs/ does what it says, and what they name is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ase.build import molecule
from ase.io import write

from potbench.cli.main import main
from potbench.units import KCAL_PER_MOL
from tests.cli.conftest import SMALL, finish, start
from tests.native_files import conformers, write_ani1
from tests.native_files.own_files import write_own_database, write_own_sgdml, write_own_xyz

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
SHELL = {
    "comparing.md": {
        **{"value: 300": "value: 20", "sizes: [200, 400]": "sizes: [40]", "{number: 3}": "{number: 1}"},
        "python -m potbench compare configs/studies/quick.yaml\n": "",
    },
    "ensembles.md": {"--run_dir runs/folds/": "--trainer.max_epochs 1 --run_dir runs/folds/"},
}
"""Documents with blocks for the shell, not for one command after the other, and what makes these short."""
LONGER = {
    "clusters.md": "tests/slurm, tests/cli/test_torchrun.py",
    "examination.md": "tests/examination; a training of 60 epochs",
    "published.md": "tests/studies/planning/test_shipped_studies.py; trains for hours",
    "start.md": "make compare",
    "studies.md": "tests/studies/planning/test_shipped_studies.py; trains for hours",
}
"""Documents whose blocks for the shell are not run here → what tests them."""
INSTALLATION = [
    "make quickstart",
    "make compare",
    "make test",
    "python3.11 -m venv .venv && source .venv/bin/activate",
    "pip install .",
]
COMMAND = re.compile(r"(?:(POTBENCH_\w+)=(\S+) )?python -m potbench (.+)")
SPEED = {
    "data": ["--frames", "0", "--batches", "4", "--passes", "1"],
    "prepare": ["--turns", "1", "--database_frames", "20", "--frames", "0"],
    "inference": ["--calls", "1", "--rounds", "1"],
    "train": [
        *("--steps", "1", "--force_steps", "1", "--rounds", "1", "--batch_size", "16"),
        *("--message_steps", "1", "--message_batch_size", "4"),
    ],
}
SHORT = {  # of potentials that have hardly been trained
    "md": ["--time", "0.01"],
    "relax": ["--fmax", "100"],
    "examine": ["--mode", "dev", "--only", "stability"],
}


def name(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path, language: str) -> list[str]:
    """The blocks of a language in a document."""
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)


def lines(document: Path) -> list[str]:
    return [line for block in blocks(document, "bash") for line in block.splitlines() if line]


def to_run(document: Path) -> list[str]:
    """Lines of a document; those of the README are run there, unless others need the data or run that they make."""
    elsewhere = [] if document == README else lines(README)
    new = [line for line in lines(document) if line not in elsewhere]

    def is_needed(line: str) -> bool:
        made = re.search(r"data prepare|--run_dir (\S+)", line)
        return made is not None and (made[1] is None or any(made[1] in other for other in new))

    return [line for line in lines(document) if line in new or is_needed(line)]


def shortened(arguments: list[str]) -> list[str]:
    """The same command with fewer frames, epochs and steps."""
    if arguments[0] == "speed":
        return [*arguments, *SPEED[arguments[1]]]
    if arguments[0] in SHORT:
        low = ["--stop_spread", "0.0001"] if "--stop_spread" in arguments else []
        return [*arguments, *SHORT[arguments[0]], *low]
    if arguments[:2] != ["fit", "--config"] or "--print_config" in arguments:
        return arguments
    if "--run_dir" not in arguments:
        return [*arguments, "--trainer.fast_dev_run", "true"]
    frames = SMALL if "configs/quickstart.yaml" in arguments else []
    return [*arguments, "--trainer.max_epochs", "1", *frames]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the documents take for granted; the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    write(tmp_path / "molecules.xyz", [molecule("H2O"), molecule("CH4")])
    write(tmp_path / "methanol.xyz", molecule("CH3OH"))
    for heavy_atoms in (1, 2):
        molecules = {number: conformers("CH4" if heavy_atoms == 1 else "HCN", 8) for number in range(10)}
        write_ani1(tmp_path / "data" / "ani1", molecules, heavy_atoms)
    write_own_xyz(tmp_path / "data" / "mine.xyz", 40, config_weight=2.0)
    write_own_database(tmp_path / "data" / "mine.db", 40, KCAL_PER_MOL)
    write_own_sgdml(tmp_path / "data" / "mine.npz", 40, KCAL_PER_MOL)
    return tmp_path


def test_readme_starts_with_three_commands() -> None:
    assert lines(README)[:3] == ["make quickstart", "make compare", "make test"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_command_is_one_of_potbench_or_installs_it(document: Path) -> None:
    assert [line for line in lines(document) if line not in INSTALLATION and not COMMAND.fullmatch(line)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_files_that_a_document_names_are_there(document: Path) -> None:
    text = document.read_text()
    named = {document.parent / link for link in re.findall(r"\]\((?!http)([^)#]+)\)", text)}
    named |= {ROOT / file for file in re.findall(r"\b(?:configs|src|tests)/[\w/]+(?:\.\w+|/)", text)}
    assert [file for file in named if not file.exists()] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.html")), ids=name)
def test_pages_link_to_files_that_are_there(page: Path) -> None:
    """A page stands without the files that were beside it where it was made."""
    named = re.findall(r'(?:href|src)="(?!https?:|data:|#)([^"]+)"', page.read_text())
    assert [file for file in named if not (page.parent / file).exists()] == []


@pytest.mark.usefixtures("served_rmd17")
@pytest.mark.parametrize(
    "document",
    [README, *(pytest.param(each, marks=pytest.mark.slow) for each in DOCUMENTS if each != README)],
    ids=name,
)
def test_commands_work_in_the_order_of_the_document(
    document: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is run as it stands, with fewer frames and epochs; Python that is no file is run after them."""
    files = [block for block in blocks(document, "python") if block.startswith("# ")]
    for block in files + blocks(document, "yaml"):
        first, _, rest = block.partition("\n")
        file = first.removeprefix("# ")
        if "/" in file:
            assert rest in (ROOT / file).read_text()
        else:
            (folder / file).write_text(block)
    for found in filter(None, map(COMMAND.fullmatch, to_run(document))):
        arguments = shortened(shlex.split(found[3]))
        with monkeypatch.context() as patch:
            if found[1]:
                patch.setenv(found[1], found[2])
            if "ddp" in arguments:
                finish(start(*arguments, cwd=folder))
            elif "--print_config" in arguments:
                with pytest.raises(SystemExit, match=r"^(0|None)$"):
                    main(arguments)
            else:
                # the frames made here are of no molecule that there is, and a potential of two epochs breaks them
                is_judged = arguments[:2] == ["data", "check"] or arguments[0] == "examine"
                assert main(arguments) in ({0, 1} if is_judged else {0}), found[0]
    names: dict[str, object] = {}
    for block in blocks(document, "python"):
        if block not in files:
            exec(block, names)


def shell_blocks(document: Path) -> list[str]:
    """The blocks for the shell, or to read, that have commands of potbench."""
    found = blocks(document, "sh") + blocks(document, "text")
    return [block for block in found if re.search(r"^ *(python|sbatch|torchrun) ", block, re.MULTILINE)]


def test_every_document_with_blocks_for_the_shell_says_what_tests_them() -> None:
    assert sorted(document.name for document in DOCUMENTS if shell_blocks(document)) == sorted([*SHELL, *LONGER])


@pytest.mark.slow
@pytest.mark.parametrize("page", SHELL)
def test_blocks_for_the_shell_work(page: str, folder: Path) -> None:
    document, path = ROOT / "docs" / page, f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    texts = {block.partition("\n")[0].removeprefix("# "): block for block in blocks(document, "yaml")}
    script = "".join(shell_blocks(document))
    for long, short in SHELL[page].items():
        assert any(long in text for text in [script, *texts.values()])
        script = script.replace(long, short)
        texts = {file: text.replace(long, short) for file, text in texts.items()}
    for file in filter(re.compile(r"\w+\.yaml").fullmatch, texts):
        (folder / file).write_text(texts[file])
    subprocess.run(["bash", "-euc", script], cwd=folder, env={**os.environ, "PATH": path}, check=True)


@pytest.mark.parametrize("target", ["quickstart", "test", "docs"])
def test_make_targets_say_what_the_readme_says(target: str) -> None:
    plan = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    expected = {
        "quickstart": ["-m potbench fit --config configs/quickstart.yaml", "-m potbench test runs/quickstart/"],
        "test": ["ruff check", "ruff format --check", "mypy", "-m pytest"],
        "docs": ["-m sphinx", "--fail-on-warning"],
    }
    assert all(part in plan for part in expected[target])


def test_make_keeps_what_python_compiles_where_the_environment_forbids_it() -> None:
    command = ["make", "--silent", "--eval=probe:; echo $$PYTHONDONTWRITEBYTECODE.", "probe"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert shown == ".\n"


@pytest.mark.slow
def test_make_quickstart_trains_within_four_minutes() -> None:
    subprocess.run(["make", "quickstart"], cwd=ROOT, check=True, timeout=240)
