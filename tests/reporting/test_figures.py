import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from potbench.batch import Batch, Prediction
from potbench.reporting.figures import compare, draw_all, draw_loss, draw_parity, draw_residuals, measure
from potbench.reporting.tables import four_decimals, three_digits
from potbench.runs.record import in_units
from potbench.training.metrics import Metrics
from potbench.units import KCAL_PER_MOL

ATOMS = 3


def make_predictions(num_frames, forces=True, seed=0):
    random = np.random.default_rng(seed)
    offset = -1000.0 * random.integers(5, 20, num_frames)
    energy = offset + random.normal(0, 2, num_frames)
    arrays = {
        "frame": np.arange(num_frames),
        "offset": offset,
        "energy": energy,
        "predicted_energy": energy + random.normal(0, 0.05, num_frames),
    }
    if forces:
        arrays["forces"] = random.normal(0, 1, num_frames * ATOMS * 3).astype(np.float32)
        noise = random.normal(0, 0.05, num_frames * ATOMS * 3)
        arrays["predicted_forces"] = (arrays["forces"] + noise).astype(np.float32)
    return arrays


def make_record(arrays):
    """Errors as training measures them and the record keeps them, in two batches of different sizes."""
    metrics = Metrics(forces=True)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    num_frames = len(arrays["frame"])
    for part in (slice(0, num_frames // 3), slice(num_frames // 3, num_frames)):
        true, predicted = (tensors[name].view(num_frames, ATOMS, 3)[part] for name in ("forces", "predicted_forces"))
        num_molecules = len(true)
        batch = Batch(
            atomic_numbers=torch.ones(num_molecules * ATOMS, dtype=torch.long),
            positions=torch.zeros(num_molecules * ATOMS, 3),
            molecule_index=torch.arange(num_molecules).repeat_interleave(ATOMS),
            atoms_per_molecule=torch.full((num_molecules,), ATOMS),
            frame=tensors["frame"][part],
            energy=tensors["energy"][part],
            forces=true.reshape(-1, 3),
            atoms_per_element={1: num_molecules * ATOMS},
            largest_molecule=ATOMS,
            num_pairs=num_molecules * ATOMS * (ATOMS - 1) // 2,
        )
        prediction = Prediction(tensors["predicted_energy"][part], predicted.reshape(-1, 3))
        metrics.update(prediction, batch, tensors["offset"][part])
    return in_units({name: metric.compute().item() for name, metric in metrics.metrics.items()})


def write_metrics(file, epochs, forces=False):
    names = ["epoch", "step", "train/loss", "validation/loss", "validation/energy_mae", "validation/forces_mae"]
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        for epoch in range(epochs):
            measured = {"validation/loss": 2 / (epoch + 1), "validation/energy_mae": 5 / (epoch + 1)}
            if forces:
                measured["validation/forces_mae"] = 3 / (epoch + 1)
            writer.writerow({"epoch": epoch, "step": 10 * epoch + 9, **measured})
            writer.writerow({"epoch": epoch, "step": 10 * epoch + 9, "train/loss": 1 / (epoch + 1)})
    return file


def words(axes):
    """All that is written into a panel, its lines joined as if they were one."""
    lines = [axes.get_title(), axes.get_title("left"), *(text.get_text() for text in axes.texts)]
    return " ".join(" ".join(lines).split()) + " "


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


@pytest.mark.parametrize("draw", [draw_parity, draw_residuals])
def test_figures_state_the_errors_of_the_record(draw, tmp_path):
    arrays = make_predictions(200)
    record = make_record(arrays)
    written = "".join(words(axes) for axes in draw(arrays, tmp_path / "figure.png").axes)
    for name in ("energy_mae", "energy_rmse", "forces_mae", "forces_rmse"):
        error = f"{name.partition('_')[2].upper()} {three_digits(record[name]['value'])} {record[name]['unit']}"
        # the next character tells kcal/mol from kcal/mol/Å
        assert f"{error} " in written or f"{error}, " in written
    assert f"R² {four_decimals(record['energy_r2']['value'])}" in written


def test_measured_errors_equal_those_of_scikit_learn_and_of_the_record():
    arrays = make_predictions(200)
    record = make_record(arrays)
    energy, force = compare(arrays)
    for name, comparison in (("energy", energy), ("forces", force)):
        errors = measure(comparison)
        pair = comparison.true, comparison.predicted
        assert errors["mae"] == pytest.approx(mean_absolute_error(*pair), rel=1e-12)
        assert errors["rmse"] == pytest.approx(root_mean_squared_error(*pair), rel=1e-12)
        assert errors["r2"] == pytest.approx(r2_score(*pair), rel=1e-9)
        assert errors["mae"] == pytest.approx(record[f"{name}_mae"]["value"], rel=1e-9)
        assert errors["rmse"] == pytest.approx(record[f"{name}_rmse"]["value"], rel=1e-9)
    assert measure(energy)["r2"] == pytest.approx(record["energy_r2"]["value"], abs=1e-9)


def test_compared_energies_are_in_kcal_per_mol_without_the_offset():
    arrays = {name: np.array([value]) for name, value in (("energy", -100.0), ("predicted_energy", -99.0))}
    (energy,) = compare(arrays | {"offset": np.array([-98.0])})
    assert energy.true == pytest.approx(-2 / KCAL_PER_MOL)
    assert energy.predicted == pytest.approx(-1 / KCAL_PER_MOL)


@pytest.mark.parametrize("num_frames", [1, 10, 5000])
@pytest.mark.parametrize("forces", [False, True])
@pytest.mark.filterwarnings("error")
def test_any_number_of_frames_is_drawn_with_units_on_every_axis(num_frames, forces, tmp_path):
    arrays = make_predictions(num_frames, forces)
    for draw, num_panels in ((draw_parity, 1 + forces), (draw_residuals, 2 + 2 * forces)):
        figure = draw(arrays, tmp_path / "figures" / f"{draw.__name__}.png")
        assert len(panels(figure)) == num_panels
        assert all("kcal/mol" in axes.get_xlabel() for axes in panels(figure))
        assert (tmp_path / "figures" / f"{draw.__name__}.png").exists()


def test_one_wild_prediction_does_not_squash_the_figures_and_is_counted(tmp_path):
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"][7] += 1e6
    for draw in (draw_parity, draw_residuals):
        figure = draw(arrays, tmp_path / "figure.png")
        assert all(abs(limit) < 1000 for axes in panels(figure) for limit in axes.get_xlim())
        assert "1 of 3,000 outside" in "".join(words(axes) for axes in figure.axes)


@pytest.mark.parametrize("error", [0.0, 0.05])
@pytest.mark.filterwarnings("error")
def test_errors_that_differ_by_rounding_alone_are_drawn(error, tmp_path):
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"] = arrays["energy"] + error
    for draw in (draw_parity, draw_residuals):
        figure = draw(arrays, tmp_path / "figure.png")
        assert "outside" not in "".join(words(axes) for axes in figure.axes)


def test_every_residual_is_in_the_histogram_or_counted_as_outside(tmp_path):
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"] = arrays["energy"] + 0.05 * np.random.default_rng(0).standard_t(1.3, 3000)
    linear, logarithmic = draw_residuals(arrays, tmp_path / "residuals.png").axes
    num_outside = int(words(logarithmic).split(" of 3,000 outside")[0].split()[-1])
    assert num_outside > 0
    assert linear.patches[0].get_data().values.sum() + num_outside == 3000
    assert logarithmic.get_yscale() == "log"


@pytest.mark.parametrize("num_lost", [1, 3000])
@pytest.mark.filterwarnings("error")
def test_predictions_that_are_not_finite_are_counted(num_lost, tmp_path):
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"][:num_lost] = np.nan
    for draw in (draw_parity, draw_residuals):
        figure = draw(arrays, tmp_path / "figure.png")
        assert f"{num_lost:,} of 3,000 not finite" in "".join(words(axes) for axes in figure.axes)


@pytest.mark.parametrize("epochs", [1, 50])
@pytest.mark.filterwarnings("error")
def test_loss_figure_shows_every_epoch_of_train_and_validation(epochs, tmp_path):
    loss, energy, forces = draw_loss(write_metrics(tmp_path / "metrics.csv", epochs, True), tmp_path / "loss.png").axes
    curves = {line.get_label(): line.get_xydata() for line in loss.lines}
    after = np.arange(1, epochs + 1)
    np.testing.assert_allclose(curves["train"], np.column_stack([after, 1 / after]))
    np.testing.assert_allclose(curves["validation"], np.column_stack([after, 2 / after]))
    assert "(kcal/mol)" in energy.get_ylabel()
    assert "(kcal/mol/Å)" in forces.get_ylabel()
    assert {axes.get_yscale() for axes in (loss, energy, forces)} == {"log"}
    # one point has no line: only its marker shows it
    assert epochs > 1 or all(line.get_marker() == "o" for line in loss.lines)


def test_loss_figure_leaves_out_what_a_logarithmic_axis_cannot_show(tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch,train/loss,lr\n0,0.5,\n,,0.1\n1,0,\n2,nan,\n3,inf,\n")
    (loss,) = draw_loss(tmp_path / "metrics.csv", tmp_path / "loss.png").axes
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[1, 0.5]])


def test_loss_figure_of_a_file_without_losses_says_what_is_missing(tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch,step,test/loss\n0,9,0.5\n")
    with pytest.raises(ValueError, match=r"metrics.csv has nothing to draw, expected .* train/loss"):
        draw_loss(tmp_path / "metrics.csv", tmp_path / "loss.png")


def test_a_run_before_its_test_has_only_the_loss_figure(tmp_path):
    assert draw_all(tmp_path) == []
    write_metrics(tmp_path / "metrics.csv", 3)
    assert draw_all(tmp_path) == [tmp_path / "figures" / "loss.png"]
    np.savez(tmp_path / "predictions.npz", **make_predictions(20))
    files = draw_all(tmp_path)
    assert [file.name for file in files] == ["loss.png", "parity.png", "residuals.png"]
    assert sorted(files) == sorted((tmp_path / "figures").iterdir())


def test_a_run_that_was_only_tested_has_no_loss_figure(tmp_path):
    (tmp_path / "metrics.csv").write_text("epoch,step,test/loss\n0,9,0.5\n")
    np.savez(tmp_path / "predictions.npz", **make_predictions(20, forces=False))
    assert [file.name for file in draw_all(tmp_path)] == ["parity.png", "residuals.png"]


def test_figures_are_as_wide_as_one_or_two_columns_at_300_dots_per_inch(tmp_path):
    draw_loss(write_metrics(tmp_path / "metrics.csv", 3), tmp_path / "loss.png")
    draw_parity(make_predictions(20, forces=False), tmp_path / "one.png")
    draw_parity(make_predictions(20), tmp_path / "two.png")
    widths = {file.stem: Image.open(file).width for file in tmp_path.glob("*.png")}
    assert widths == {"loss": 1005, "one": 1005, "two": 2070}


@pytest.mark.parametrize("num_frames", [20, 3000])
def test_no_text_leaves_the_page(num_frames, tmp_path: Path):
    write_metrics(tmp_path / "metrics.csv", 3, forces=True)
    wild = make_predictions(num_frames)
    wild["predicted_energy"][3] += 1e5
    wild["predicted_forces"][:5] = 1e4
    wild["predicted_forces"][5:9] = np.nan
    figures: list[Figure] = [draw_loss(tmp_path / "metrics.csv", tmp_path / "loss.png")]
    for arrays in (wild, make_predictions(num_frames, forces=False)):
        figures += [draw_parity(arrays, tmp_path / "parity.png"), draw_residuals(arrays, tmp_path / "residuals.png")]
    for figure in figures:
        tight = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) > -0.01


def test_drawing_leaves_the_style_of_the_process_alone(tmp_path):
    before = dict(mpl.rcParams)
    draw_parity(make_predictions(20), tmp_path / "parity.png")
    assert dict(mpl.rcParams) == before
