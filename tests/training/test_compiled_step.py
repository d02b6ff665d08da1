from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch import Tensor

from potbench.batch import Batch
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import ContinuousFilter
from potbench.runs.cost import Cost
from potbench.training import ChangingLoss, EnergyForcesLoss, GradientTask, compiled_step
from potbench.training.compiled_step import CompiledSteps, common_sizes, keep_apart, obstacle
from tests.native_files.made import Made, frames
from tests.physics.potentials import CONFIGS, build
from tests.training.recorded_step import recorded
from tests.training.small_task import quiet_trainer, small_data, small_potential
from tests.training.test_captured_step import CASES, WITH_CALLBACKS, assert_equal, train

pytestmark = pytest.mark.filterwarnings("ignore")

TRAINED = [config for config in CONFIGS if config.stem != "sgdml"]


@pytest.fixture
def traced(monkeypatch):
    """Programs are what was traced: the same operations, one after the other, without a compiler."""
    programs: list[Any] = []

    def note(program, inputs):
        programs.append(program)
        return program

    monkeypatch.setattr(compiled_step, "translated", note)
    monkeypatch.setattr(compiled_step, "require_compiler", lambda device: None)
    return programs


def assert_close(some: list[dict[str, Tensor]], others: list[dict[str, Tensor]], tolerance: float = 1e-5) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            torch.testing.assert_close(one[name], other[name], rtol=tolerance, atol=tolerance, msg=name)


@pytest.mark.parametrize(
    "case",
    ["muon", "energies", "dropout", *(pytest.param(each, marks=pytest.mark.slow) for each in ("lbfgs", "bfloat"))],
)
def test_traced_steps_do_what_other_steps_do(traced, tmp_path, case):
    settings = {"precision": "64-true", **CASES[case]}  # Muon amplifies what is rounded
    found = train(tmp_path, compile_steps=True, epochs=2, **settings)
    assert len(traced) == 2  # batches of four frames, and of three
    assert_close(found, train(tmp_path, epochs=2, **settings))


@pytest.mark.parametrize("case", ["muon", "dropout"])
def test_traced_steps_are_captured_where_a_device_replays_them(traced, tmp_path, case):
    settings = {"precision": "64-true", **CASES[case]}
    with recorded() as recorder:
        found = train(tmp_path, cost := Cost(), compile_steps=True, **settings)
    assert len(traced) == recorder.recorded == 2
    assert recorder.replayed == cost.captured_steps == cost.compiled_steps > 0
    assert_close(found, train(tmp_path, **settings))


def test_steps_that_are_not_compiled_are_captured_as_they_are(traced, tmp_path, capsys):
    make, _ = WITH_CALLBACKS["cached"]
    with recorded() as recorder:
        found = train(tmp_path, *make(), cost := Cost(), epochs=12, compile_steps=True)
    assert capsys.readouterr().out.count("Training steps are not compiled: derivatives of features are cached") == 1
    assert recorder.replayed == cost.captured_steps > cost.compiled_steps == 0
    assert_equal(found, train(tmp_path, *make(), epochs=12))


@pytest.mark.parametrize(("case", "count"), [("averaged", 2), ("frozen", 4)])
def test_traced_steps_do_what_callbacks_ask_for(traced, tmp_path, case, count):
    make, _ = WITH_CALLBACKS[case]
    found = train(tmp_path, *make(), epochs=5, compile_steps=True)
    assert len(traced) == count
    assert_close(found, train(tmp_path, *make(), epochs=5))


@pytest.mark.slow
def test_a_resumed_training_does_what_one_without_a_break_does_to_the_last_digit(traced, tmp_path):
    often = {"check_val_every_n_epoch": 2, "compile_steps": True}  # a checkpoint is saved after each
    whole = train(tmp_path / "whole", epochs=6, **often)
    first = train(tmp_path / "one", Cost(), epochs=4, enable_checkpointing=True, **often)
    (last,) = (tmp_path / "one").rglob("*.ckpt")
    second = train(tmp_path / "one", cost := Cost(), epochs=6, ckpt_path=last, **often)
    assert cost.compiled_steps == 6 * 3
    assert cost.captured_steps == 0
    assert_equal([*first[:-1], *second], whole)


def test_rare_sizes_of_batches_are_not_compiled(traced, tmp_path):
    assert common_sizes([8] * 19 + [7]) == {8}
    assert common_sizes([8] * 9 + [7]) == {7, 8}
    assert common_sizes([31] * 24 + [32] * 8) == {31, 32}
    task = GradientTask(small_potential(), EnergyForcesLoss(forces=1.0))
    steps = CompiledSteps(task._losses, {4}, print)
    steps.begin_epoch(task, list(task.parameters()))
    settings = task.loss.weights_at(0), 0.5
    assert steps.find(Batch.from_frames(frames("NH3", 4, forces=True)), *settings)
    assert steps.find(Batch.from_frames(frames("NH3", 3, forces=True)), *settings) is None
    assert len(traced) == 1


def test_steps_with_cached_derivatives_are_computed_as_ever_and_a_line_says_so(traced, tmp_path, capsys):
    make, _ = WITH_CALLBACKS["cached"]
    found = train(tmp_path, *make(), epochs=12, compile_steps=True)
    line = "Training steps are not compiled: derivatives of features are cached"
    assert capsys.readouterr().out.count(line) == 1
    assert not traced
    assert_equal(found, train(tmp_path, *make(), epochs=12))


class Asks(AtomicPotential):
    """Does something else where atoms are near each other."""

    def forward(self, batch, forces=False):
        found = super().forward(batch, forces)
        return found._replace(energy=2 * found.energy) if batch.positions.sum() > 0 else found


def test_steps_that_depend_on_more_than_shapes_are_computed_as_ever_and_a_line_says_so(traced, tmp_path, capsys):
    potential = small_potential()
    potential.__class__ = Asks
    task = GradientTask(potential, EnergyForcesLoss(forces=1.0), compile_steps=True)
    quiet_trainer(tmp_path, cost := Cost()).fit(task, datamodule=of_ammonia(tmp_path))
    assert capsys.readouterr().out.count("Training steps are not compiled: ") == 1
    assert not traced
    assert cost.compiled_steps == 0


@pytest.mark.parametrize(("place", "name"), [(1, "losses"), (2, "gradients"), (4, "gradients")])
def test_a_program_that_computes_anything_else_is_not_used(traced, monkeypatch, tmp_path, capsys, place, name):
    def wrong(program, inputs):
        def run(*values):
            found = list(program(*values))
            found[place] = found[place] * 1.5
            return found

        return run

    monkeypatch.setattr(compiled_step, "translated", wrong)
    found = train(tmp_path, compile_steps=True)
    printed = capsys.readouterr().out
    assert printed.count(f"Training steps are not compiled: compiled, {name} would be off by ") == 1
    assert_equal(found, train(tmp_path))


def test_without_a_compiler_training_goes_on_and_traces_nothing(tmp_path, capsys):
    with torch._inductor.config.patch({"cpp.cxx": (None, str(tmp_path / "no_compiler"))}):
        found = train(tmp_path, compile_steps=True)
    printed = capsys.readouterr().out
    assert printed.count("Training steps are not compiled: No working C++ compiler found in ") == 1
    assert "Compiling training steps" not in printed
    assert_equal(found, train(tmp_path))


def test_what_a_compiler_refuses_is_said_and_training_goes_on(traced, monkeypatch, tmp_path, capsys):
    def refuse(program, inputs):
        raise RuntimeError("CppCompileError: it is too long\nby far")

    monkeypatch.setattr(compiled_step, "translated", refuse)
    found = train(tmp_path, compile_steps=True)
    assert capsys.readouterr().out.count("Training steps are not compiled: CppCompileError: it is too long.\n") == 1
    assert_equal(found, train(tmp_path))


@pytest.mark.parametrize(
    ("settings", "loss", "reason"),
    [
        ({"strategy": DDPStrategy()}, EnergyForcesLoss(), "DDPStrategy adds what other devices compute"),
        ({"accumulate_grad_batches": 2}, EnergyForcesLoss(), "gradients of several batches are added up"),
        ({}, ChangingLoss(), "the weights of the loss change"),
    ],
)
def test_what_programs_cannot_do_is_told(tmp_path, settings, loss, reason):
    data = of_ammonia(tmp_path)
    data.prepare_data()
    data.setup("fit")
    alone = {"strategy": SingleDeviceStrategy(), "precision": "32-true", "accumulate_grad_batches": 1}
    possible, impossible = (
        SimpleNamespace(device=torch.device("cpu"), loss=each, trainer=SimpleNamespace(datamodule=data, **some))
        for each, some in ((EnergyForcesLoss(), alone), (loss, {**alone, **settings}))
    )
    assert obstacle(possible) is None
    assert obstacle(impossible) == reason
    assert obstacle(SimpleNamespace(device=torch.device("mps"))) == "there is no compiler for mps"


def test_batches_of_many_shapes_are_not_compiled_and_a_line_says_so(traced, tmp_path, capsys):
    task = GradientTask(small_potential(), EnergyForcesLoss(forces=1.0), compile_steps=True)
    quiet_trainer(tmp_path).fit(task, datamodule=small_data(tmp_path, forces=True))
    reason = "molecules of several compositions make batches of many shapes"
    assert f"Training steps are not compiled: {reason}.\n" in capsys.readouterr().out
    assert not traced


def far_apart(formula: str, num_frames: int) -> Batch:
    """Molecules whose atoms are out of each other's reach in the second half."""
    some = frames(formula, num_frames, forces=True)
    far = np.where(np.arange(num_frames) % 2, 4.0, 1.0)[:, None, None]
    batch = Batch.from_frames(some._replace(positions=some.positions * far))
    return batch.with_positions(batch.positions.double())


@pytest.mark.parametrize("config", TRAINED, ids=lambda each: each.stem)
def test_pairs_that_stay_for_their_shapes_change_no_prediction(config):
    potential, batch = build(config, seed=0), far_apart("CH4", 4)
    few, all_pairs = (potential(each, forces=True) for each in (batch, batch._replace(keeps_shapes=True)))
    torch.testing.assert_close(all_pairs.energy, few.energy, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(all_pairs.forces, few.forces, rtol=1e-9, atol=1e-9)


def of_ammonia(folder) -> AtomsDataModule:
    (folder / "made.h5").write_text("ammonia")
    source = Made(folder / "made.h5", lambda: [frames("NH3", 20, forces=True)])
    return AtomsDataModule(source, RandomSplit(12, 4, 4), batch_size=4)


@pytest.mark.slow
def test_a_compiled_training_is_near_to_another_and_run_again_the_same_to_the_last_digit(monkeypatch, tmp_path):
    monkeypatch.setenv(compiled_step.FOLDER, str(tmp_path / "programs"))

    def trained(compile_steps: bool) -> tuple[dict[str, Tensor], int]:
        torch.manual_seed(0)
        potential = AtomicPotential(
            ["H", "N"],
            partial(ContinuousFilter, num_features=4, num_interactions=1, basis_spacing=1.0),
            partial(FeedForward, hidden_sizes=[], per_element=False),
        )
        task = GradientTask(potential, compile_steps=compile_steps)  # on energies, in half the time
        quiet_trainer(tmp_path, cost := Cost()).fit(task, datamodule=of_ammonia(tmp_path))
        return task.state_dict(), cost.compiled_steps

    compiled, num_compiled = trained(True)
    assert num_compiled == 6
    assert_equal([trained(True)[0]], [compiled])
    assert_close([trained(False)[0]], [compiled], 1e-4)
    assert any((tmp_path / "programs").rglob("*.so"))


def test_programs_are_kept_in_a_folder_of_the_user_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(compiled_step.FOLDER)
    keep_apart()
    assert compiled_step.os.environ[compiled_step.FOLDER] == str(tmp_path / "cache" / "potbench" / "programs")
    monkeypatch.setenv(compiled_step.FOLDER, str(tmp_path / "named"))
    keep_apart()
    assert compiled_step.os.environ[compiled_step.FOLDER] == str(tmp_path / "named")


@pytest.mark.slow
@pytest.mark.parametrize("config", TRAINED, ids=lambda each: each.stem)
def test_a_compiled_step_of_every_potential_computes_the_loss_and_gradients_of_another_batch(config, capsys):
    potential = build(config, seed=0).float().train()
    forces = float(type(potential).__name__ != "CompositionBaseline")
    task = GradientTask(potential, EnergyForcesLoss(forces=forces))
    trained = [weight for weight in task.parameters() if weight.requires_grad]
    steps = CompiledSteps(task._losses, {2}, print)
    steps.begin_epoch(task, trained)
    settings = task.loss.weights_at(0), 0.5
    step = steps.find(Batch.from_frames(frames("CH4", 2, forces=True)), *settings)
    assert step is not None, capsys.readouterr().out
    another = Batch.from_frames(frames("CH4", 2, forces=True, seed=1))
    torch.manual_seed(1)
    loss, losses = task._losses(another, *settings)
    gradients = torch.autograd.grad(loss, trained, allow_unused=True)
    torch.manual_seed(1)
    found = step(another)
    torch.testing.assert_close(found.losses, losses, rtol=1e-4, atol=1e-6)
    largest = max(float(gradient.abs().max()) for gradient in gradients if gradient is not None)
    for one, other in zip(found.gradients, gradients, strict=True):
        assert (one is None) == (other is None)
        assert one is None or (one - other).abs().max() <= 1e-3 * largest
