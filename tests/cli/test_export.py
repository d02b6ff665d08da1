from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from potbench.cli.main import main
from potbench.inference import export as exporting
from potbench.potentials import Potential
from potbench.runs.checkpoint import sha256
from potbench.runs.folder import RunFolder
from tests.inference.test_export import Branching


def test_only_new_pt2_files_are_written(
    tmp_path: Path, refused: Callable[[list[str]], str], finished_run: Path
) -> None:
    said = refused(["export", str(finished_run), "--output", str(tmp_path / "exported.pt")])
    assert "exported.pt. Expected one that ends in .pt2. Change --output." in said
    (tmp_path / "there.pt2").write_text("precious")
    said = refused(["export", str(finished_run), "--output", str(tmp_path / "there.pt2")])
    assert "there.pt2 exists, and nothing is overwritten. Expected a new file. Change --output." in said
    assert (tmp_path / "there.pt2").read_text() == "precious"


def test_a_potential_that_cannot_be_traced_is_refused_and_nothing_is_written(
    tmp_path: Path, refused: Callable[[list[str]], str], finished_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced = exporting.traced
    monkeypatch.setattr(exporting, "traced", lambda _: traced(Branching(["H"])))
    said = refused(["export", str(finished_run), "--output", str(tmp_path / "exported.pt2")])
    assert "The Branching cannot be exported (" in said
    assert list(tmp_path.iterdir()) == []


def test_the_checkpoint_is_named_by_its_sha256(
    tmp_path: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = []
    monkeypatch.setattr(exporting, "traced", lambda potential: potential)

    def save(program: object, potential: Potential, file: Path, checkpoint_sha256: str) -> None:
        saved.append((program is potential, file, checkpoint_sha256))

    monkeypatch.setattr(exporting, "save", save)
    file = tmp_path / "exported.pt2"
    assert main(["export", str(finished_run), "--output", str(file), "--ckpt_path", "last"]) == 0
    assert saved == [(True, file, sha256(RunFolder(finished_run).checkpoint("last")))]
    assert f"is in {file}" in capsys.readouterr().out
