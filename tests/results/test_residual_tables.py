from pathlib import Path

import numpy as np

from potbench.results.residual_tables import residual_tables
from potbench.units import KCAL_PER_MOL
from tests.results.conftest import Found
from tests.results.simulated import predict_anew, trainings


def test_quantiles_are_those_of_the_training_in_the_middle(tmp_path: Path, found: Found) -> None:
    runs = trainings(tmp_path, 3)
    (table,) = found(metric="energy_mae").main
    row = table.rows["SchNet"]
    middle = row.finished[int(np.argsort(row.mean.values)[1])].folder
    assert middle.path in {run.path for run in runs}
    with np.load(middle.predictions) as arrays:
        energies = (arrays["predicted_energy"] - arrays["energy"]) / KCAL_PER_MOL
        forces = ((arrays["predicted_forces"] - arrays["forces"]) / KCAL_PER_MOL).ravel()
    tables = residual_tables(table, [row])
    assert [each.title.partition(",")[0] for each in tables] == ["Predicted − true: energy", "Predicted − true: force"]
    for shown, residuals in zip(tables, (energies, forces), strict=True):
        names = [column.name for column in shown.columns]
        values = dict(zip(names, (cell.number for cell in shown.rows[0]), strict=True))
        assert shown.columns[1].unit in ("kcal/mol", "kcal/mol/Å")
        np.testing.assert_allclose(values["Mean"], residuals.mean(), atol=1e-6)
        np.testing.assert_allclose(values["Standard deviation"], residuals.std(), rtol=1e-6)
        np.testing.assert_allclose(values["5 %"], np.quantile(residuals, 0.05), atol=1e-6)
        np.testing.assert_allclose(values["50 %"], np.median(residuals), atol=1e-6)
        np.testing.assert_allclose(values["Largest"], residuals.max(), atol=1e-6)
        assert values["Smallest"] < values["25 %"] < values["75 %"] < values["95 %"]


def test_energies_alone_have_one_table(tmp_path: Path, found: Found) -> None:
    for run in trainings(tmp_path, 3):
        with np.load(run.predictions) as arrays:
            kept = {name: arrays[name] for name in arrays if "force" not in name}
        predict_anew(run, kept)
    (table,) = found(metric="energy_mae").main
    assert len(residual_tables(table, list(table.rows.values()))) == 1
