from __future__ import annotations

from pathlib import Path

import pytest

from potbench.errors import RunError
from potbench.runs.folder import RunFolder


def test_best_and_last_are_checkpoints_of_the_run_and_other_names_are_files(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    other = tmp_path / "other.ckpt"
    for file in (folder.best, folder.last, other):
        file.parent.mkdir(exist_ok=True)
        file.touch()
    assert folder.checkpoint("best") == tmp_path / "checkpoints" / "best.ckpt"
    assert folder.checkpoint("last") == tmp_path / "checkpoints" / "last.ckpt"
    assert folder.checkpoint(str(other)) == other


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        RunFolder(tmp_path).checkpoint("best")
    assert str(caught.value) == (
        f"{tmp_path}/checkpoints/best.ckpt does not exist. Expected a checkpoint of the run {tmp_path}: best, last or "
        "a file. Choose another checkpoint, or the folder where the run is."
    )


def test_a_folder_without_a_config_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        RunFolder(tmp_path).require()
    assert str(caught.value) == (
        f"{tmp_path} is no run: it has no config.yaml. Expected a folder that `python -m potbench fit` made. "
        "Choose another folder."
    )
    (tmp_path / "config.yaml").touch()
    RunFolder(tmp_path).require()


def test_runs_that_start_in_one_second_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda layout: "now")
    folders = []
    for _ in range(3):
        folders.append(RunFolder.new(Path("configs/a/b.yaml")).path)
    assert folders == [Path("runs/a/b") / name for name in ("now", "now_2", "now_3")]


@pytest.mark.parametrize(
    ("config", "folder"),
    [
        (Path("configs/a/b.yaml"), "runs/a/b"),
        (Path("/home/me/configs/b.yaml"), "runs/b"),
        (Path("elsewhere/b.yaml"), "runs/b"),
        (None, "runs/fit"),
    ],
)
def test_a_new_folder_is_named_by_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Path | None, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert RunFolder.new(config).path.parent == Path(folder)
