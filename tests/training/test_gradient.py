import torch

from tests.training.small_task import quiet_trainer, small_data, small_task


def test_a_step_moves_weights_by_the_gradient_of_the_loss(tmp_path):
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


def test_the_gradient_of_positions_is_left_out(tmp_path):
    task = small_task(forces=1.0)
    positions = torch.ones(3, requires_grad=True)
    weights = list(task.parameters())
    task.on_train_start()
    task.backward(positions.sum() * sum(weight.sum() for weight in weights))
    assert positions.grad is None
    assert all((weight.grad == 3).all() for weight in weights)


def test_weights_thawed_between_epochs_are_trained():
    task = small_task(forces=1.0)
    weights = list(task.parameters())
    weights[0].requires_grad_(False)
    task.on_train_start()
    weights[0].requires_grad_(True)
    task.on_train_epoch_start()
    task.backward(sum(weight.sum() for weight in weights))
    assert all((weight.grad == 1).all() for weight in weights)
