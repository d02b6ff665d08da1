from __future__ import annotations

import re
from dataclasses import replace

import pytest

from potbench.runs.evaluation import Evaluation
from tests.runs.small_record import DATA, OTHER, PROVENANCE, SPLIT

SAME = Evaluation("runs/small/checkpoints/best.ckpt", PROVENANCE, sha256="0123")


@pytest.mark.parametrize(
    ("change", "is_of_the_run"),
    [
        ({}, True),
        ({"sha256": "4567", "checkpoint": "last.ckpt"}, True),
        ({"settings": "trainer.precision: 16-true"}, False),
        ({"data": DATA, "split": SPLIT}, False),
        ({"split": SPLIT}, False),
    ],
)
def test_an_evaluation_of_other_data_or_with_other_settings_is_not_of_the_run(
    change: dict[str, object], is_of_the_run: bool
) -> None:
    assert replace(SAME, **change).is_of_the_run == is_of_the_run


def test_evaluations_of_the_same_have_one_name_and_others_another() -> None:
    names = {
        replace(SAME, **change).name("test")
        for change in (
            {},
            {"command": "another", "frames_seen": 3, "checkpoint": "copies/best.ckpt"},  # the same
            {"sha256": "4567"},
            {"settings": "a"},
            {"split": SPLIT},
            {"split": replace(SPLIT, fingerprint="b")},
            {"split": SPLIT, "data": DATA},
            {"split": SPLIT, "data": replace(DATA, fingerprint="c")},
        )
    }
    assert len(names) == 7


def test_a_name_says_what_it_is_of_and_is_that_of_a_file() -> None:
    assert re.fullmatch(r"test_made_best_[0-9a-f]{8}", OTHER.name("test"))
    assert re.fullmatch(
        r"validation_epoch_3-step_9_\w{8}", replace(SAME, checkpoint="a/epoch=3-step=9.ckpt").name("validation")
    )
    assert re.fullmatch(r"test_untrained_\w{8}", replace(SAME, checkpoint=None, sha256=None).name("test"))
    assert re.fullmatch(r"test_md17_a_b_best_\w{8}", replace(OTHER, data=replace(DATA, name="md17: a/b")).name("test"))
