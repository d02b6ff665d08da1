from pathlib import Path

import pytest
from jsonargparse import Namespace

from potbench.cli.fit_arguments import FitKeys, parent_checkpoint, require_together
from potbench.errors import PotbenchError, RunError, SettingError
from potbench.runs.checkpointing import checkpoint_callbacks
from potbench.runs.folder import RunFolder
from potbench.training.fine_tuning import FineTuning


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    run.config.touch()
    run.last.touch()
    return run


def test_a_parent_is_a_run_or_a_checkpoint(run: RunFolder) -> None:
    assert parent_checkpoint(str(run.path)) == run.last  # no epoch was validated
    run.best.touch()
    assert parent_checkpoint(str(run.path)) == run.best
    assert parent_checkpoint(str(run.last)) == run.last


def test_a_parent_is_named_wherever_the_child_is_started(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.path)
    assert parent_checkpoint(".") == run.last.absolute()
    assert parent_checkpoint("checkpoints/last.ckpt") == run.last.absolute()


def test_a_parent_that_is_none_is_refused(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nix is no run"):
        parent_checkpoint(str(tmp_path / "nix"))
    run.last.unlink()
    with pytest.raises(RunError, match=r"best\.ckpt does not exist"):
        parent_checkpoint(str(run.path))


@pytest.mark.parametrize(
    ("owner", "setting", "flag"),
    [
        (FineTuning, "parent", "--from"),
        (FineTuning, "freeze", "--freeze"),
        (checkpoint_callbacks, "every_minutes", "--checkpoint_every_minutes"),
        (checkpoint_callbacks, "every_steps", "--checkpoint_every_steps"),
    ],
)
def test_settings_that_are_flags_are_changed_by_them(owner: object, setting: str, flag: str) -> None:
    assert FitKeys(Namespace()).of(SettingError(owner, setting, 0, "another")) == flag


@pytest.mark.parametrize(
    ("given", "is_named", "refused"),
    [
        ({}, False, None),
        ({"resume": "auto"}, True, None),
        ({"resume": "auto"}, False, "--resume auto is given alone"),
        ({"train_on": 3}, True, None),
        ({"train_on": 3}, False, "--train_on is given alone"),
        ({"freeze": ["a"], "from": "run"}, False, None),
        ({"freeze": ["a"]}, True, "--freeze is given alone"),
        ({"limit_test_batches": 1.0}, True, None),
        ({"limit_test_batches": 1}, True, "limit_test_batches is 1 in a training, whose test would be of a part of"),
        ({"limit_test_batches": 0.5}, True, "Expected it of test: test RUN --trainer.limit_test_batches. Remove it"),
    ],
)
def test_arguments_that_lack_another_or_are_none_of_fit_are_refused(
    given: dict[str, object], is_named: bool, refused: str | None
) -> None:
    trainer = Namespace(limit_test_batches=given.pop("limit_test_batches", None))
    settings = Namespace(**{"resume": None, "train_on": None, "freeze": [], "from": None, "trainer": trainer, **given})
    if refused is None:
        require_together(settings, is_named)
        return
    with pytest.raises(PotbenchError, match=refused):
        require_together(settings, is_named)
