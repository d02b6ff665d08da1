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
def folder(finished: RunFolder, tmp_path: Path, undrawn: None) -> RunFolder:
    """A copy of it that may be changed; its figures are not drawn again."""
    shutil.copytree(finished.path.parent, tmp_path / "copy")
    return RunFolder(tmp_path / "copy" / "run")
