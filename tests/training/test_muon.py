from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from potbench.datasets import Sample
from potbench.errors import SettingError
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.potentials import AtomicPotential
from potbench.potentials.baselines import Composition
from potbench.readouts import FeedForward
from potbench.representations import ContinuousFilter
from potbench.training import EnergyForcesLoss, GradientTask, Muon, OneCycle
from potbench.training.cuda_graph import WARM_UP
from potbench.training.orthogonalization import BAND, orthogonalize
from tests.runs.broken_off import TASKS, BreakOff, BrokenOffError, fit, state
from tests.runs.differences import differences
from tests.training.recorded_step import recorded
from tests.training.small_task import ELEMENTS, quiet_trainer, small_data

pytestmark = pytest.mark.filterwarnings("ignore")
SETTINGS: dict[str, Any] = {"lr": 0.03, "betas": (0.8, 0.99), "weight_decay": 0.1}


def weights(*shapes: tuple[int, ...]) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in shapes]


def steps(optimizer: torch.optim.Optimizer, number: int = 3, scale: float = 1.0) -> list[Tensor]:
    """Let an optimizer take steps along gradients that are the same each time; return the weights."""
    generator = torch.Generator().manual_seed(1)
    trained = [weight for group in optimizer.param_groups for weight in group["params"]]
    for _ in range(number):
        for weight in trained:
            weight.grad = scale * torch.randn(weight.shape, generator=generator)
        optimizer.step()
    return [weight.detach().clone() for weight in trained]


def test_the_steps_of_a_matrix_are_those_of_the_formula():
    (weight,) = weights((6, 4))
    expected, mean, generator = weight.detach().clone(), torch.zeros(6, 4), torch.Generator().manual_seed(1)
    for _ in range(3):
        gradient = torch.randn(6, 4, generator=generator)
        mean = 0.8 * mean + 0.2 * gradient
        u, values, v = torch.linalg.svd(0.8 * mean + 0.2 * gradient, full_matrices=False)
        polar = orthogonalize([((u * values) @ v).unsqueeze(0)])[0].squeeze(0)
        assert (torch.linalg.svdvals(polar) - 1).abs().max() < BAND
        expected = (1 - 0.03 * 0.1) * expected - 0.03 * 0.2 * math.sqrt(6) * polar
    torch.testing.assert_close(steps(Muon([weight], **SETTINGS))[0], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(), (5,), (1, 5), (5, 1), (3, 5, 1)])
def test_what_is_no_matrix_has_the_steps_of_adamw_bit_for_bit(shape):
    by_muon = steps(Muon([*weights(shape), *weights((3, 3))], **SETTINGS))
    by_adamw = steps(torch.optim.AdamW([*weights(shape), *weights((3, 3))], fused=True, **SETTINGS))
    assert torch.equal(by_muon[0], by_adamw[0])
    assert not torch.equal(by_muon[1], by_adamw[1])


def test_embeddings_are_left_to_adamw_and_linear_layers_are_not():
    module = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 4), nn.Linear(4, 1))
    optimizer = Muon(module.parameters())
    optimizer.leave_out_tables(module)
    assert [optimizer.is_matrix(weight) for weight in module.parameters()] == [False, True, False, False, False]


def test_matrices_of_one_shape_and_batches_of_them_have_the_steps_that_each_has_alone():
    shapes = [(6, 4), (4, 6), (6, 4), (3, 6, 4), (2, 3, 6, 4), (4, 4)]
    # float64: sums of products in another order differ by rounding
    begin = [weight.detach().double() for weight in weights(*shapes)]
    generator = torch.Generator().manual_seed(1)
    gradients = [[torch.randn(shape, generator=generator).double() for shape in shapes] for _ in range(3)]

    def trained(values: list[Tensor], gradients: list[list[Tensor]]) -> list[Tensor]:
        parameters = [nn.Parameter(value.clone()) for value in values]
        optimizer = Muon(parameters, **SETTINGS)
        for of_step in gradients:
            for parameter, gradient in zip(parameters, of_step, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
        return [parameter.detach() for parameter in parameters]

    together = trained(begin, gradients)
    for place, shape in enumerate(shapes):
        for index in range(begin[place][..., 0, 0].numel()):

            def one(values: list[Tensor]) -> list[Tensor]:
                return [values[place].reshape(-1, *shape[-2:])[index]]  # noqa: B023

            (alone,) = trained(one(begin), [one(of_step) for of_step in gradients])
            torch.testing.assert_close(one(together)[0], alone)


def test_the_scale_of_all_gradients_makes_no_difference_to_matrices():
    assert torch.equal(*(steps(Muon(weights((5, 7)), **SETTINGS), scale=scale)[0] for scale in (1.0, 2.0**-20)))


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (32, 32)])
def test_a_step_of_a_matrix_is_as_long_as_those_of_adam(shape):
    (weight,) = weights(shape)
    before = weight.detach().clone()
    (after,) = steps(Muon([weight], lr=0.01), number=1)
    assert ((after - before).square().mean().sqrt() / 0.01).item() == pytest.approx(0.2, rel=BAND)


def test_the_learning_rate_may_be_a_tensor():
    number, tensor = (steps(Muon(weights((4, 6), (3,)), lr=lr)) for lr in (0.5, torch.tensor(0.5)))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(number, tensor, strict=True))


def test_a_step_of_matrices_asks_the_device_for_no_number():
    # tensors without numbers, of which the host cannot read any
    weight = nn.Parameter(torch.empty(4, 6, device="meta"))
    weight.grad = torch.empty_like(weight)
    Muon([weight], weight_decay=0.1).step()


def test_what_a_gpu_replays_are_the_steps_of_other_optimizers_to_the_last_digit():
    def train() -> list[Tensor]:
        trained = weights((6, 4), (4, 6), (6, 4), (3, 5, 5), (7,))
        optimizer = Muon(trained, **SETTINGS)
        some = Muon(trained[:2], **SETTINGS)
        for _ in range(2):
            steps(optimizer, 5)
            steps(some, 5)
        return [weight.detach() for weight in trained]

    with recorded() as recorder:
        replayed = train()
    assert recorder.replayed_by_optimizers == 2 * (10 - WARM_UP)
    assert all(torch.equal(one, other) for one, other in zip(replayed, train(), strict=True))


def test_a_gpu_that_cannot_replay_steps_computes_them_as_ever():
    def fail(compute):
        raise RuntimeError("out of memory\nat some place")

    expected = steps(Muon(weights((6, 4)), **SETTINGS), 6)
    with recorded(fail), pytest.warns(UserWarning, match=r"^orthogonalize is not captured: out of memory\.$") as said:
        found = steps(Muon(weights((6, 4)), **SETTINGS), 6)
    assert torch.equal(found[0], expected[0])
    assert len(said) == 1


def test_weights_without_gradient_and_the_loss_of_a_closure():
    trained, frozen = weights((3, 3), (3, 3))
    before = frozen.detach().clone()
    optimizer = Muon([trained, frozen], weight_decay=0.5)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = trained.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) > 0
    assert torch.equal(frozen, before)


def test_a_restored_state_continues_bit_for_bit(tmp_path):
    shapes = [(4, 6), (3, 4, 6), (5,), (1, 4)]
    unbroken = Muon(weights(*shapes), **SETTINGS)
    steps(unbroken)
    torch.save(unbroken.state_dict(), tmp_path / "state.pt")
    restored = Muon([nn.Parameter(weight.detach().clone()) for weight in unbroken.param_groups[0]["params"]])
    restored.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert differences(restored.state_dict(), unbroken.state_dict()) == []
    assert all(torch.equal(*both) for both in zip(steps(restored), steps(unbroken), strict=True))


def test_a_restored_state_is_on_the_device_of_its_weights():
    saved = Muon(weights((5,), (2, 3)))
    steps(saved)
    restored = Muon(
        [nn.Parameter(torch.empty_like(weight, device="meta")) for weight in saved.param_groups[0]["params"]]
    )
    restored.load_state_dict(saved.state_dict())
    kept = [value for state in restored.state.values() for value in state.values()]
    assert len(kept) == 4
    assert {value.device.type for value in kept} == {"meta"}


@pytest.fixture
def _muon_task(monkeypatch):
    """Makes the small trainings those of Muon, with a cycle of the learning rate and a warm-up."""
    make = partial(GradientTask, optimizer=Muon, schedule=partial(OneCycle, max_lr=0.02), warmup_steps=4)
    monkeypatch.setitem(TASKS, "muon", make)


@pytest.mark.usefixtures("_muon_task")
@pytest.mark.parametrize(("hook", "count"), [("on_train_batch_end", 4), ("on_train_epoch_end", 2)])
def test_a_resumed_training_equals_an_unbroken_one(tmp_path, hook, count):
    settings: dict[str, Any] = {"task": "muon", "every_steps": 1, "gradient_clip_val": 1.0}
    fit(tmp_path / "unbroken", **settings)
    with pytest.raises(BrokenOffError):
        fit(tmp_path / "broken", BreakOff(hook, count), **settings)
    fit(tmp_path / "broken", resume=True, **settings)
    assert differences(state(tmp_path / "broken"), state(tmp_path / "unbroken")) == []


def loss_after_100_steps(folder: Path, optimizer: Any, lr: float) -> float:
    """Train energies and forces of the sample on a small network of messages."""
    torch.manual_seed(0)
    potential = AtomicPotential(
        ELEMENTS,
        lambda elements: ContinuousFilter(elements, 32, 2),
        lambda elements, num_features: FeedForward(elements, num_features, [32], nn.SiLU, per_element=False),
    )
    loss, schedule = EnergyForcesLoss(forces=10.0), partial(OneCycle, max_lr=lr)
    task = GradientTask(potential, loss, partial(optimizer, lr=lr), schedule)
    trainer = quiet_trainer(folder, epochs=-1, max_steps=100)
    trainer.fit(task, datamodule=AtomsDataModule(Sample(), RandomSplit(64, 16, 16), batch_size=8))
    return float(trainer.callback_metrics["train/loss"])


@pytest.mark.slow
def test_it_learns_the_sample_faster_than_adam_at_any_of_three_rates(tmp_path):
    by_adam = min(loss_after_100_steps(tmp_path, torch.optim.Adam, lr) for lr in (3e-3, 1e-2, 3e-2))
    # 0.53 and 0.52 times in two trials
    assert loss_after_100_steps(tmp_path, Muon, 3e-2) < 0.8 * by_adam


@pytest.mark.parametrize(
    "setting", [{"lr": -1.0}, {"betas": (1.0, 0.9)}, {"betas": (0.9, 1.0)}, {"eps": 0.0}, {"weight_decay": -0.1}]
)
def test_settings_that_cannot_work_are_refused(setting):
    with pytest.raises(SettingError, match=next(iter(setting))):
        Muon(weights((2, 2)), **setting)


def test_a_potential_without_matrices_is_refused(tmp_path):
    task = GradientTask(Composition(ELEMENTS), optimizer=Muon)
    with pytest.raises(SettingError, match="Muon orthogonalizes matrices, and the potential has none"):
        quiet_trainer(tmp_path).fit(task, datamodule=small_data(tmp_path))
