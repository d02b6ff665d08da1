"""A potential learns energies and forces of another one: same architecture, other weights."""

import torch

from potbench.training.loss import EnergyForcesLoss


def learn(seeded, molecules, num_steps):
    """Losses and final weights of a few steps of Adam."""
    taught = seeded(1)(molecules, forces=True)
    batch = molecules._replace(energy=taught.energy.detach(), forces=taught.forces.detach())
    student = seeded(0).train()
    loss = EnergyForcesLoss(energy=1.0, forces=1.0)
    weights = list(student.parameters())
    assert weights, "It has no weights that a gradient could change."
    optimizer = torch.optim.Adam(weights, lr=1e-3)
    losses = []
    for _ in range(num_steps):
        optimizer.zero_grad()
        value = loss(student(batch, forces=True), batch).mean()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses, student.state_dict()


def test_loss_falls(seeded, molecules):
    losses, _ = learn(seeded, molecules, num_steps=30)
    assert losses[-1] < 0.5 * losses[0]


def test_same_seed_gives_same_numbers(seeded, molecules):
    losses, weights = learn(seeded, molecules, num_steps=3)
    losses_again, weights_again = learn(seeded, molecules, num_steps=3)
    assert losses == losses_again
    assert all(torch.equal(weights[name], weights_again[name]) for name in weights)


def test_a_restored_potential_gives_the_same_energies_and_forces(seeded, molecules):
    saved, restored = seeded(0), seeded(1)
    restored.load_state_dict(saved.state_dict())
    before, after = saved(molecules, forces=True), restored(molecules, forces=True)
    assert torch.equal(before.energy, after.energy)
    assert torch.equal(before.forces, after.forces)
