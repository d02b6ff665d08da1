from __future__ import annotations

import json
import subprocess
import sys
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


def leave(folder: RunFolder, *files: str, budget: object = "none") -> RunFolder:
    for name in files:
        file = folder.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"budget": budget}) if name == "record.json" and budget != "none" else "")
    return folder


@pytest.mark.parametrize(
    ("files", "budget", "state"),
    [
        ([], None, "new"),
        (["record.json", "predictions.npz"], {"epochs": 1}, "new"),  # an evaluation of weights that lie elsewhere
        (["split.npz", "run.lock"], None, "new"),
        (["config.yaml"], None, "started"),
        (["config.yaml", "record.json"], None, "started"),
        (["config.yaml", "record.json", "checkpoints/best.ckpt"], None, "started"),
        (["config.yaml", "record.json", "checkpoints/last.ckpt"], None, "interrupted"),
        (["config.yaml", "checkpoints/last.ckpt"], None, "interrupted"),  # its record was deleted
        (["config.yaml", "record.json", "checkpoints/last.ckpt"], "none", "interrupted"),  # or is damaged
        (["config.yaml", "record.json", "checkpoints/last.ckpt"], {"epochs": 1}, "finished"),
        (["config.yaml", "record.json"], {"epochs": 0}, "finished"),  # no checkpoint was wanted
    ],
)
def test_a_folder_says_how_far_training_has_come(tmp_path: Path, files: list[str], budget: object, state: str) -> None:
    assert leave(RunFolder(tmp_path), *files, budget=budget).state == state


@pytest.mark.parametrize(
    ("files", "result"),
    [([], "best.ckpt"), (["best.ckpt", "last.ckpt"], "best.ckpt"), (["last.ckpt"], "last.ckpt")],
)
def test_a_run_stands_for_its_best_checkpoint_or_the_last_where_there_is_none(
    tmp_path: Path, files: list[str], result: str
) -> None:
    folder = leave(RunFolder(tmp_path), *(f"checkpoints/{name}" for name in files))
    assert folder.result == folder.checkpoints / result


def test_an_evaluation_beside_a_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = leave(RunFolder(tmp_path), "predictions.npz", "figures/parity.png", "figures/loss.png")
    aside = folder.evaluation("test_last")
    assert aside.predictions == tmp_path / "evaluations" / "test_last" / "predictions.npz"
    folder.set_aside("test_last")
    assert {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()} == {
        *("evaluations/test_last/predictions.npz", "evaluations/test_last/figures/parity.png", "figures/loss.png")
    }
    folder.set_aside("test_last")  # nothing is left to move


def test_of_a_folder_that_was_made_what_is_empty_is_removed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "b" / "c")
    folder.create()
    (tmp_path / "a" / "other").touch()
    folder.discard()
    assert [path.name for path in tmp_path.rglob("*")] == ["a", "other"]
    there = RunFolder(tmp_path / "there")
    there.path.mkdir()
    there.create()
    there.discard()
    assert there.path.is_dir()
    with pytest.raises(FileExistsError):
        there.create(must_be_new=True)


def test_runs_that_start_in_one_second_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda layout: "now")
    folders = [RunFolder.new(Path("configs/a/b.yaml")).path for _ in range(3)]
    assert folders == [Path("runs/a/b") / name for name in ("now", "now_2", "now_3")]
    assert all(folder.is_dir() for folder in folders)


def test_processes_that_start_at_once_have_folders_of_their_own(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom potbench.runs.folder import RunFolder\n"
        "time.strftime = lambda layout: 'now'\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "print(*[RunFolder.new(Path('a.yaml')).path.name for _ in range(20)])\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=tmp_path, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    names = [name for process in processes for name in process.communicate()[0].split()]
    assert len(names) == len({*names}) == 60


@pytest.mark.parametrize(
    ("config", "folder"),
    [
        (Path("configs/a/b.yaml"), "runs/a/b"),
        (Path("/home/me/configs/b.yaml"), "runs/b"),
        (Path("elsewhere/b.yaml"), "runs/b"),
        (None, "runs/fit"),
        (Path("config.yaml"), "runs/config"),
    ],
)
def test_a_new_folder_is_named_by_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: Path | None, folder: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert RunFolder.new(config).path.parent == Path(folder)


@pytest.mark.parametrize(
    ("run", "parent"),
    [
        ("runs/quickstart/2026-11-25_18-00-00", "runs/quickstart"),
        ("runs/a/b/now", "runs/a/b"),
        ("runs/mine", "runs/mine"),
        ("elsewhere/mine", "runs/mine"),
    ],
)
@pytest.mark.parametrize("mark", ["record.json", "split.npz"])
def test_a_new_folder_by_the_config_of_a_run_is_named_after_that_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: str, parent: str, mark: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = leave(RunFolder(run), "config.yaml", mark)
    assert RunFolder.new(folder.config).path.parent == Path(parent)
