from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from sklearn import metrics as sklearn

from potbench.batch import Batch, Prediction
from potbench.training.metrics import Metrics
from potbench.units import KCAL_PER_MOL
from tests.native_files.made import blocks

UNEQUAL = [[0, 1, 2, 3, 4, 5, 6], [7], [8, 9, 10], [11, 12, 13, 14, 15, 16, 17], [18]]


def everything(total: float = 0.0) -> tuple[Batch, Prediction, torch.Tensor]:
    """Nineteen molecules, a prediction, and reference energies that leave little; totals shifted by `total`."""
    torch.set_default_dtype(torch.float64)
    batch = Batch.from_frames(*blocks(forces=True))
    torch.manual_seed(0)
    offset = torch.tensor([{5: -1100.0, 3: -2080.0, 4: -1537.0}[n] for n in batch.atoms_per_molecule.tolist()[:12]])
    offset = torch.cat([offset, torch.full((7,), -2540.0)]) + total
    batch = batch._replace(energy=offset + torch.randn(19))
    return (
        batch,
        Prediction(batch.energy + 0.1 * torch.randn(19), batch.forces + torch.randn_like(batch.forces)),
        offset,
    )


def selected(molecules: list[int], batch: Batch, prediction: Prediction, offset: torch.Tensor):
    atoms = torch.isin(batch.molecule_index, torch.tensor(molecules))
    return (
        Prediction(prediction.energy[molecules], prediction.forces[atoms]),
        batch.select(molecules),
        offset[molecules],
    )


def counted(groups: list[list[int]], total: float = 0.0) -> Metrics:
    metrics = Metrics(forces=True)
    for molecules in groups:
        metrics.update(*selected(molecules, *everything(total)))
    return metrics


def values(metrics: Metrics) -> dict[str, float]:
    return {name: float(metric.compute()) for name, metric in metrics.metrics.items()}


def by_sklearn(total: float = 0.0) -> dict[str, float]:
    batch, prediction, offset = everything(total)
    true, predicted = ((x - offset).numpy() / KCAL_PER_MOL for x in (batch.energy, prediction.energy))
    atoms = batch.atoms_per_molecule.numpy()
    forces, predicted_forces = (x.numpy().ravel() / KCAL_PER_MOL for x in (batch.forces, prediction.forces))
    return {
        "energy_mae": sklearn.mean_absolute_error(true, predicted),
        "energy_rmse": sklearn.root_mean_squared_error(true, predicted),
        "energy_r2": sklearn.r2_score(true, predicted),
        "energy_mae_per_atom": sklearn.mean_absolute_error(true / atoms, predicted / atoms),
        "forces_mae": sklearn.mean_absolute_error(forces, predicted_forces),
        "forces_rmse": sklearn.root_mean_squared_error(forces, predicted_forces),
    }


@pytest.mark.parametrize("groups", [UNEQUAL, [list(range(19))], [[i] for i in range(19)]])
def test_batches_of_any_sizes_give_what_scikit_learn_gives_in_one_go(groups):
    assert values(counted(groups)) == pytest.approx(by_sklearn(), rel=1e-12)


def test_totals_of_minus_400000_kcal_per_mol_cost_no_digits():
    # float32 would be off by 0.03 kcal/mol
    total = -4.07e5 * KCAL_PER_MOL
    assert values(counted(UNEQUAL, total)) == pytest.approx(by_sklearn(total), rel=1e-12)
    assert values(counted(UNEQUAL, total)) == pytest.approx(by_sklearn(0.0), rel=1e-7)


def test_energies_are_told_in_kcal_per_mol():
    batch, _, offset = everything()
    metrics = Metrics(forces=True)
    one_kcal = 0.043364  # eV
    metrics.update(Prediction(batch.energy + one_kcal, batch.forces - 2 * one_kcal), batch, offset)
    found = values(metrics)
    assert found["energy_mae"] == pytest.approx(1, rel=1e-4)
    assert found["energy_rmse"] == pytest.approx(1, rel=1e-4)
    assert found["forces_mae"] == pytest.approx(2, rel=1e-4)
    assert found["forces_rmse"] == pytest.approx(2, rel=1e-4)


def test_r2_is_of_what_the_reference_energies_leave():
    # the mean of each composition, predicted for all its frames, explains nothing
    batch, _, offset = everything()
    metrics = Metrics(forces=False)
    metrics.update(Prediction(offset + (batch.energy - offset).mean()), batch, offset)
    assert values(metrics)["energy_r2"] == pytest.approx(0, abs=1e-9)


def test_there_is_no_r2_of_energies_that_are_all_the_same():
    batch, prediction, offset = everything()
    same = batch._replace(energy=offset + 0.3)
    metrics = Metrics(forces=False)
    metrics.update(prediction, same, offset)
    assert math.isnan(values(metrics)["energy_r2"])
    metrics.update(prediction, batch, offset)
    assert values(metrics)["energy_r2"] < 1


def test_after_a_reset_counting_starts_anew_in_float64():
    metrics = counted(UNEQUAL)
    for metric in metrics.metrics.values():
        metric.reset()
    metrics.update(*selected(list(range(19)), *everything()))
    assert values(metrics) == pytest.approx(by_sklearn(), rel=1e-12)


def test_a_model_in_half_precision_does_not_round_the_metrics():
    metrics = Metrics(forces=True).half()
    for molecules in UNEQUAL:
        metrics.update(*selected(molecules, *everything()))
    assert values(metrics) == pytest.approx(by_sklearn(), rel=1e-12)


def test_forces_are_measured_only_where_asked_for():
    batch, prediction, offset = everything()
    metrics = Metrics(forces=False)
    metrics.update(prediction, batch, offset)
    assert set(values(metrics)) == {"energy_mae", "energy_rmse", "energy_r2", "energy_mae_per_atom"}


def test_a_single_molecule_has_errors_and_no_r2():
    metrics = counted([[4]])
    found = values(metrics)
    assert math.isnan(found.pop("energy_r2"))
    assert all(math.isfinite(value) for value in found.values())


def _one_of_two(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    share = [UNEQUAL[:2], UNEQUAL[2:]][rank]
    torch.save(values(counted(share)), Path(folder) / f"{rank}.pt")
    dist.destroy_process_group()


def test_two_processes_give_what_one_gives(tmp_path):
    # forked, so that they need not import torch again
    torch.multiprocessing.start_processes(_one_of_two, args=(str(tmp_path),), nprocs=2, start_method="fork")
    for rank in range(2):
        assert torch.load(tmp_path / f"{rank}.pt") == pytest.approx(by_sklearn(), rel=1e-12)


def test_errors_are_those_of_the_labels_that_are_known():
    batch, prediction, offset = everything()
    labeled = [0, 2, 5, 9, 18]
    known = torch.isin(torch.arange(19), torch.tensor(labeled))
    lacking, whole = Metrics(forces=True), Metrics(forces=True)
    lacking.update(prediction, batch._replace(energy_known=known, forces_known=known), offset)
    nothing = torch.zeros(19, dtype=torch.bool)
    lacking.update(prediction, batch._replace(energy_known=nothing, forces_known=nothing), offset)
    some, chosen, chosen_offset = selected(labeled, batch, prediction, offset)
    whole.update(some, chosen, chosen_offset)
    for name, metric in whole.metrics.items():
        torch.testing.assert_close(lacking.metrics[name].compute(), metric.compute())
