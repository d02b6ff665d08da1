from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from potbench.batch import Batch, Statistics
from potbench.potentials import SGDML, Potential
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.structures import Frames
from potbench.training.supported import PRECISIONS
from tests.native_files.made import blocks
from tests.physics.potentials import CONFIGS, STATISTICS, build
from tests.training.small_task import quiet_trainer, small_data, small_potential, small_task

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


@pytest.fixture(params=[config for config in CONFIGS if config.stem != "sgdml"], ids=lambda config: config.stem)
def potential(request: pytest.FixtureRequest) -> Iterator[Potential]:
    """A potential in single precision, as training has it."""
    built = build(request.param, 0).float()
    assert isinstance(built, SumOverAtoms)
    assert not isinstance(built, SGDML)
    built.offset, built.scale = built.offset.double(), built.scale.double()
    built.adapt(STATISTICS)
    return built


@pytest.mark.parametrize("device", DEVICES)
def test_in_mixed_precision_energies_stay_double_and_forces_nearly_what_they_are(potential: Potential, device: str):
    batch = Batch.from_frames(*blocks(forces=True)).to(torch.device(device))
    potential.to(device).train()
    single = potential.eval()(batch, forces=True)
    potential.train()
    with torch.autocast(device, torch.bfloat16):
        mixed = potential(batch, forces=True)
        loss = mixed.energy.sum() + mixed.forces.square().sum()
    assert mixed.energy.dtype == torch.float64
    assert mixed.forces.dtype == torch.float32
    potential.eval()
    with torch.autocast(device, torch.bfloat16):
        mixed = potential(batch, forces=True)
    spread = STATISTICS.energy_spread * batch.atoms_per_molecule
    assert ((mixed.energy - single.energy).abs() < 0.02 * spread).all()
    assert (mixed.forces - single.forces).norm() <= 0.1 * single.forces.norm()
    weights = [weight for weight in potential.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(loss, weights, materialize_grads=True)
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("mixed", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_energies_of_large_molecules_keep_their_digits(dtype: torch.dtype, mixed: torch.dtype | None):
    random = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3) * 2.0
    positions = grid + random.normal(0, 0.1, grid.shape)
    batch = Batch.from_frames(Frames("C343", np.full(len(grid), 6), positions[None], np.zeros(1)))
    batch = batch.with_positions(batch.positions.to(dtype))
    potential = small_potential().eval()
    if dtype == torch.float64:
        potential.double()
    changes = []
    for energy in (0.0, -1029.9):
        potential.adapt(Statistics({6: energy}, 1.0, None, 1))
        with torch.autocast("cpu", mixed) if mixed else nullcontext():
            predicted = potential(batch, forces=True).energy
        assert predicted.dtype == torch.float64
        changes.append(predicted - len(grid) * energy)
    assert changes[0].abs() > 1e-2
    assert changes[1].item() == pytest.approx(changes[0].item(), abs=1e-8)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_offset_scale_and_errors_are_double_in_every_precision_that_is_offered(
    tmp_path: Path, precision: str, device: str
):
    errors = {}
    for used in ("32-true", precision):
        task, data = small_task(forces=1.0), small_data(tmp_path, forces=True)
        accelerator = {"cpu": "cpu", "cuda": "gpu"}[device]
        trainer = quiet_trainer(tmp_path, epochs=3, precision=used, accelerator=accelerator)
        trainer.fit(task, datamodule=data)
        assert task.potential.offset.dtype == task.potential.scale.dtype == torch.float64
        assert trainer.callback_metrics["validation/energy_mae"].dtype == torch.float64
        errors[used] = [float(trainer.callback_metrics[f"validation/{name}_mae"]) for name in ("energy", "forces")]
    assert errors[precision] == pytest.approx(errors["32-true"], rel=0.05)
