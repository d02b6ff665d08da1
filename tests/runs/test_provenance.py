from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch

import potbench
from potbench.runs.provenance import Machine, Provenance, command, git_commit, machine, provenance


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def repository(folder: Path, *files: str) -> str:
    """Make a repository with some files; return its commit."""
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(f"# {file} of {folder}\n")
    git(folder, "init", "--quiet")
    git(folder, "add", *files)
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # tmp_path may itself lie in a repository
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for name in ("GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)


SOURCES = ("src/potbench/__init__.py", "src/potbench/units.py")


def test_a_checkout_has_the_commit_of_its_sources(tmp_path: Path) -> None:
    commit = repository(tmp_path / "checkout", *SOURCES)
    assert git_commit(tmp_path / "checkout/src/potbench") == commit


@pytest.mark.parametrize("file", ["units.py", "new.py"])
def test_sources_that_differ_from_the_commit_are_marked(tmp_path: Path, file: str) -> None:
    commit = repository(tmp_path / "checkout", *SOURCES)
    (tmp_path / "checkout/src/potbench" / file).write_text("changed")
    assert git_commit(tmp_path / "checkout/src/potbench") == f"{commit} with changes"


def test_files_beside_the_sources_are_no_changes(tmp_path: Path) -> None:
    commit = repository(tmp_path / "checkout", *SOURCES, "README.md")
    (tmp_path / "checkout/README.md").write_text("changed")
    (tmp_path / "checkout/notes.txt").write_text("new")
    assert git_commit(tmp_path / "checkout/src/potbench") == commit


def test_an_installed_package_in_the_repository_of_somebody_else_has_its_version(tmp_path: Path) -> None:
    repository(tmp_path / "project", "analysis.py")
    package = tmp_path / "project/.venv/lib/python3.11/site-packages/potbench"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    assert git_commit(package) == potbench.__version__


def test_in_no_repository_there_is_a_version(tmp_path: Path) -> None:
    (tmp_path / "potbench").mkdir()
    (tmp_path / "potbench/__init__.py").touch()
    assert git_commit(tmp_path / "potbench") == potbench.__version__


def test_a_repository_without_a_commit_has_a_version(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "__init__.py")
    assert git_commit(tmp_path) == potbench.__version__


def test_without_git_there_is_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path / "checkout", *SOURCES)
    monkeypatch.setenv("PATH", "")
    assert git_commit(tmp_path / "checkout/src/potbench") == potbench.__version__


def test_the_folder_where_the_user_stands_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository(tmp_path / "checkout", *SOURCES)
    other = repository(tmp_path / "project", "analysis.py")
    here = git_commit()
    monkeypatch.chdir(tmp_path / "project")
    assert git_commit() == here
    assert other not in here
    assert git_commit(tmp_path / "checkout/src/potbench") == commit


def test_a_git_hook_that_runs_potbench_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository(tmp_path / "checkout", *SOURCES)
    repository(tmp_path / "project", "analysis.py")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "project/.git"))
    assert git_commit(tmp_path / "checkout/src/potbench") == commit


def test_provenance_says_what_a_number_was_computed_with() -> None:
    found = provenance()
    assert found.versions["potbench"] == potbench.__version__
    assert {"python", "torch", "lightning", "numpy"} <= set(found.versions)
    assert found.machine.cores == os.cpu_count()
    assert found.machine.threads >= 1
    assert found.git_commit


@pytest.mark.parametrize(
    ("threads", "accelerator", "said"),
    [(1, None, "1 thread, torch 2.6"), (8, None, "8 threads, torch 2.6"), (8, "NVIDIA H100", "NVIDIA H100, torch 2.6")],
)
def test_what_the_last_digits_of_a_number_depend_on(threads: int, accelerator: str | None, said: str) -> None:
    assert Provenance({"torch": "2.6"}, Machine("Linux", "Xeon", 8, threads, accelerator), None).digits == said


def test_the_command_can_be_given_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["somewhere/potbench", "fit", "--run_dir", "a run"])
    assert command() == "python -m potbench fit --run_dir 'a run'"


@pytest.mark.parametrize("precision", ["highest", "high"])
def test_the_precision_of_matrix_products_is_told(precision: str) -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        assert machine().matrix_products == precision
    finally:
        torch.set_float32_matmul_precision(before)
