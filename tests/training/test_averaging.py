from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import EMAWeightAveraging, WeightAveraging
from torch import Tensor

from potbench.runs.folder import RunFolder
from potbench.training.averaging import AveragesWeightsAlone
from tests.runs.broken_off import BreakOff, BrokenOffError, fit, state
from tests.runs.differences import differences

DECAY = 0.7


class Follow(Callback):
    """Notes the weights after every step, and the weights and buffers with which each epoch is validated."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []
        self.validated: list[dict[str, Tensor]] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *arguments: Any) -> None:
        self.steps.append({name: weight.detach().clone() for name, weight in pl_module.named_parameters()})

    def on_validation_batch_start(self, trainer: Any, pl_module: Any, *arguments: Any) -> None:
        named = (*pl_module.named_parameters(), *pl_module.named_buffers())
        self.validated.append({name: value.detach().clone() for name, value in named})


def averaged(averaging: WeightAveraging | None = None) -> list[Callback]:
    averaging = averaging or EMAWeightAveraging(decay=DECAY)  # with use_buffers, as Lightning has it
    return [AveragesWeightsAlone(averaging), averaging]


def by_hand(steps: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    average = dict(steps[0])
    for step in steps[1:]:
        average = {name: DECAY * mean + (1 - DECAY) * step[name] for name, mean in average.items()}
    return average


def checkpoints(folder: Path) -> list[dict[str, Any]]:
    run = RunFolder(folder / "run")
    return [torch.load(file, weights_only=True) for file in (run.best, run.last)]


def test_validation_and_checkpoints_have_the_average_of_the_weights_and_training_has_the_weights(tmp_path):
    follow = Follow()
    fit(tmp_path / "averaged", *averaged(), follow)
    fit(tmp_path / "plain", plain := Follow())
    assert differences(follow.steps, plain.steps) == []
    best, last = checkpoints(tmp_path / "averaged")
    for saved in (best, last):
        for name, value in by_hand(follow.steps[: saved["global_step"]]).items():
            torch.testing.assert_close(saved["state_dict"][name], value)
    for name, value in by_hand(follow.steps).items():
        torch.testing.assert_close(follow.validated[-1][name], value)
    for name, value in follow.steps[-1].items():
        assert torch.equal(last["current_model_state"][name], value)
        assert not torch.equal(last["state_dict"][name], value)


def test_an_average_leaves_buffers_as_they_are(tmp_path):
    follow, plain = Follow(), Follow()
    fit(tmp_path / "averaged", *averaged(), follow, num_sanity_val_steps=1)
    fit(tmp_path / "plain", plain, num_sanity_val_steps=1)
    weights = follow.steps[0].keys()
    for ours, theirs in zip(follow.validated, plain.validated, strict=True):
        assert {"potential.offset", "potential.scale", "reference_energies"} < ours.keys() - weights
        assert all(torch.equal(ours[name], theirs[name]) for name in ours.keys() - weights)
    for checkpoint, expected in zip(checkpoints(tmp_path / "averaged"), checkpoints(tmp_path / "plain"), strict=True):
        named = expected["state_dict"].keys() - weights
        assert all(torch.equal(checkpoint["state_dict"][name], expected["state_dict"][name]) for name in named)


def test_until_an_average_begins_the_weights_stand_for_it(tmp_path):
    late = EMAWeightAveraging(decay=DECAY, update_starting_at_step=1000)
    fit(tmp_path / "late", *averaged(late))
    fit(tmp_path / "plain")
    for ours, theirs in zip(checkpoints(tmp_path / "late"), checkpoints(tmp_path / "plain"), strict=True):
        assert differences(ours["state_dict"], theirs["state_dict"]) == []


@pytest.mark.parametrize(
    ("hook", "count"), [("on_train_batch_end", 4), ("on_validation_batch_end", 1), ("on_train_epoch_end", 2)]
)
def test_a_training_with_an_average_resumes_from_its_weights(tmp_path, hook, count):
    fit(tmp_path / "unbroken", *averaged(), every_steps=1)
    with pytest.raises(BrokenOffError):
        fit(tmp_path / "broken", *averaged(), BreakOff(hook, count), every_steps=1)
    fit(tmp_path / "broken", *averaged(), every_steps=1, resume=True)
    assert differences(state(tmp_path / "broken"), state(tmp_path / "unbroken")) == []
