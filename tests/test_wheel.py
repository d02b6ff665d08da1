"""What `pip install potbench` installs works without the repository."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import SMALL

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of these sources, built in a copy: what earlier builds left is not in it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("src", "configs"):
        shutil.copytree(
            ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = "import setuptools.build_meta as backend; backend.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (found,) = (source / "dist").glob("*.whl")
    return found


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Callable[..., str]:
    """Install the wheel into a new environment, which sees all other packages; give what runs Python of it."""
    venv.create(tmp_path / "env", symlinks=True)
    packages = tmp_path / "env" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    python = tmp_path / "env" / "bin" / "python"
    # a wheel of Python alone is installed by unpacking it; what it needs is in the environment of the tests
    with zipfile.ZipFile(wheel) as content:
        content.extractall(packages)
    # a path that is only appended does not read the .pth files there, among them that of an editable potbench
    (packages / "others.pth").write_text("\n".join(site.getsitepackages()))
    folder = tmp_path / "empty"
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["POTBENCH_DATA"] = str(tmp_path / "prepared")

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [python, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert run("-c", "import potbench; print(potbench.__file__)").strip() == str(packages / "potbench" / "__init__.py")
    return run


def test_the_wheel_has_every_file_that_is_no_python(wheel: Path) -> None:
    sources = ROOT / "src"
    files = {file.relative_to(sources).as_posix() for file in (sources / "potbench").rglob("*") if file.is_file()}
    # pathlib follows no link to a folder
    files |= {f"potbench/configs/{file.relative_to(ROOT / 'configs')}" for file in (ROOT / "configs").rglob("*.*")}
    files = {file for file in files if "__pycache__" not in file}
    assert "potbench/configs/studies/quick.yaml" in files
    assert files <= set(zipfile.ZipFile(wheel).namelist()), files - set(zipfile.ZipFile(wheel).namelist())


def test_an_installed_potbench_knows_its_configs(installed: Callable[..., str]) -> None:
    printed = installed("-m", "potbench", "configs")
    count = len(list((ROOT / "configs").rglob("*.yaml")))
    assert printed.strip() == f"configs has {count} configs."


@pytest.mark.slow
def test_an_installed_potbench_trains_and_compares_in_an_empty_folder(installed: Callable[..., str]) -> None:
    potbench = ("-m", "potbench")
    quick = ("--config", "configs/quickstart.yaml", *SMALL, "--trainer.max_epochs", "2")
    installed(*potbench, "fit", *quick, "--run_dir", "runs/first")
    installed(*potbench, "fit", *quick, "--seed_everything", "1", "--run_dir", "runs/second")
    for run in ("runs/first", "runs/second"):
        installed(*potbench, "test", run)
    installed(*potbench, "report", "runs/first", "runs/second", "--output", "page")
    show = "print('<script>' in (page := open('page/report.html').read()), '<style>' in page)"
    assert installed("-c", show).split() == ["True", "True"]
    assert "0 of 15 cells" in installed(*potbench, "compare", "configs/studies/quick.yaml", "--dry_run")
    installed(*potbench, "new", "study", "mine")
