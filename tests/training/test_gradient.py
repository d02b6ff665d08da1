from __future__ import annotations

from functools import partial

import pytest
import torch
from lightning.pytorch import Callback, Trainer

from potbench.errors import SettingError
from potbench.training import EnergyForcesLoss, GradientTask, OneCycle
from tests.training.small_task import quiet_trainer, small_data, small_potential, small_task


def test_a_step_updates_weights_by_the_gradient_of_the_loss(tmp_path):
    task, data = small_task(forces=1.0), small_data(tmp_path, forces=True)
    before = {name: weight.detach().clone() for name, weight in task.named_parameters()}
    quiet_trainer(tmp_path, epochs=1, max_steps=1).fit(task, datamodule=data)
    after = {name: weight.detach().clone() for name, weight in task.named_parameters()}
    gradients = {name: weight.grad for name, weight in task.named_parameters()}
    task.load_state_dict(before, strict=False)
    batch = next(iter(data.train_dataloader()))
    task.zero_grad()
    task.train()
    task.loss(task.potential(batch, forces=True), batch).mean().backward()
    for name, weight in task.named_parameters():
        torch.testing.assert_close(gradients[name], weight.grad)
        assert not torch.equal(before[name], after[name])


def test_a_step_at_the_end_of_an_epoch_is_as_long_as_others_however_few_batches_it_has(tmp_path):
    class Gradients(Callback):
        def on_before_optimizer_step(self, trainer: Trainer, *arguments: object) -> None:
            gradients.update({name: weight.grad.clone() for name, weight in task.named_parameters()})

    gradients: dict[str, torch.Tensor] = {}
    task, data = small_task(forces=1.0), small_data(tmp_path, forces=True)
    task.optimizer = partial(torch.optim.SGD, lr=0.0)
    # three batches: two in the first step, one in the second
    quiet_trainer(tmp_path, Gradients(), epochs=1, accumulate_grad_batches=2).fit(task, datamodule=data)
    again = small_data(tmp_path, forces=True)
    again.setup("fit")
    *_, batch = iter(again.train_dataloader())
    task.zero_grad()
    task.train()
    task.loss(task.potential(batch, forces=True), batch).mean().backward()
    for name, weight in task.named_parameters():
        torch.testing.assert_close(gradients[name], weight.grad)


def test_the_gradient_of_positions_is_left_out(tmp_path):
    task = small_task(forces=1.0)
    positions = torch.ones(3, requires_grad=True)
    weights = list(task.parameters())
    task.on_train_start()
    task.backward(positions.sum() * sum(weight.sum() for weight in weights))
    assert positions.grad is None
    assert all((weight.grad == 3).all() for weight in weights)


def test_weights_that_a_callback_unfreezes_between_epochs_are_trained():
    task = small_task(forces=1.0)
    weights = list(task.parameters())
    weights[0].requires_grad_(False)
    task.on_train_start()
    weights[0].requires_grad_(True)
    task.on_train_epoch_start()
    task.backward(sum(weight.sum() for weight in weights))
    assert all((weight.grad == 1).all() for weight in weights)


def test_a_schedule_over_a_training_without_end_is_refused(tmp_path):
    task = GradientTask(small_potential(), schedule=partial(OneCycle, max_lr=1e-3))
    with pytest.raises(SettingError) as caught:
        quiet_trainer(tmp_path, epochs=-1).fit(task, datamodule=small_data(tmp_path))
    assert str(caught.value) == (
        "A learning-rate schedule needs the length of the training, and max_epochs is -1. Expected a number of epochs, "
        "or a task without a schedule. Change the argument max_epochs of Trainer."
    )
    assert caught.value.owner is Trainer


def test_a_schedule_over_a_number_of_steps_needs_no_epochs(tmp_path):
    task = GradientTask(small_potential(), schedule=partial(OneCycle, max_lr=1e-3))
    trainer = quiet_trainer(tmp_path, epochs=-1, max_steps=4)
    trainer.fit(task, datamodule=small_data(tmp_path))
    assert trainer.lr_scheduler_configs[0].scheduler.total_steps == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"optimizer": partial(torch.optim.Adam, lr=-1.0)},
            "Invalid learning rate: -1.0. Expected arguments that the optimizer accepts. Change the argument optimizer "
            "of GradientTask.",
        ),
        (
            {"optimizer": partial(torch.optim.Adam, fused=True, foreach=True)},
            "`fused` and `foreach` cannot be `True` together. Expected arguments that the optimizer accepts. Change "
            "the argument optimizer of GradientTask.",
        ),
        (
            {"optimizer": torch.optim.SparseAdam},
            "SparseAdam is for sparse gradients, and those of potentials are dense. Expected another optimizer, such "
            "as Adam. Change the argument optimizer of GradientTask.",
        ),
        (
            {"schedule": lambda optimizer, num_steps: torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3)},
            "You must define either total_steps OR (epochs AND steps_per_epoch). Expected arguments that the schedule "
            "accepts. Change the argument schedule of GradientTask.",
        ),
        (
            {"schedule": partial(OneCycle, max_lr=0.0)},
            "max_lr is 0.0, expected more than 0. Change the argument max_lr of OneCycle.",
        ),
    ],
)
def test_arguments_that_optimizer_or_schedule_do_not_accept_are_refused(tmp_path, arguments, message):
    with pytest.raises(SettingError) as caught:
        quiet_trainer(tmp_path).fit(GradientTask(small_potential(), **arguments), datamodule=small_data(tmp_path))
    assert str(caught.value) == message


@pytest.mark.parametrize("energy", [0.0, 0.01])
def test_a_training_on_forces_alone_says_that_energies_lack_a_constant(tmp_path, capsys, energy):
    task = GradientTask(small_potential(), EnergyForcesLoss(energy=energy, forces=1.0))
    quiet_trainer(tmp_path, epochs=1).fit(task, datamodule=small_data(tmp_path, forces=True))
    assert ("forces leave a constant of the energies open" in capsys.readouterr().out) == (energy == 0)


def test_numbers_too_small_to_be_normal_are_zero_in_training_and_what_they_were_after_it(tmp_path):
    """Such are the momenta of neurons without gradients, and slow on a CPU: a step of Muon took 26 times as long."""
    small = torch.full((4,), 1e-39)
    seen = []

    class See(Callback):
        def on_train_batch_end(self, *arguments):
            seen.append((small * 1).count_nonzero().item())

    quiet_trainer(tmp_path, See(), epochs=1).fit(small_task(), small_data(tmp_path))
    assert set(seen) == {0}
    assert (small * 1).count_nonzero() == 4
