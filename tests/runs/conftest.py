"""A run of a second."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from potbench.runs.folder import RunFolder
from tests.runs.small_run import evaluate, fit


@pytest.fixture(scope="package")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that was trained and tested; read, never changed."""
    folder = RunFolder(tmp_path_factory.mktemp("finished") / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTBENCH_DATA", str(folder.path.parent / "prepared"))
        fit(folder)
        evaluate(folder)
    return folder


@pytest.fixture
def folder(finished: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A copy of it that may be changed; figures, which take seconds, are not drawn again."""
    for module in ("recorder", "evaluator"):
        monkeypatch.setattr(f"potbench.runs.{module}.draw_figures", lambda run, record: None)
    monkeypatch.setattr("potbench.runs.evaluator.draw_predictions", lambda *arguments: None)
    shutil.copytree(finished.path.parent, tmp_path / "copy")
    return RunFolder(tmp_path / "copy" / "run")
