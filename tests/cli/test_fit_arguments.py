import pytest
from jsonargparse import Namespace

from potbench.cli.fit_arguments import FitKeys, require_together
from potbench.errors import PotbenchError, SettingError
from potbench.runs.checkpointing import checkpoint_callbacks
from potbench.training.fine_tuning import FineTuning


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
