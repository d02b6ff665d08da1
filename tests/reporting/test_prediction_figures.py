"""Laws that hold for parity and residuals alike."""

import matplotlib as mpl
import numpy as np
import pytest

from potbench.reporting.parity_figure import draw_parity
from potbench.reporting.residuals_figure import draw_residuals
from potbench.reporting.rounding import four_decimals, three_digits
from potbench.reporting.style import png
from tests.reporting.predictions import compared, make_metrics, make_predictions, panels, text_in


@pytest.mark.parametrize("draw", [draw_parity, draw_residuals])
def test_figures_state_the_errors_of_the_record(draw):
    arrays = make_predictions(200)
    metrics = make_metrics(arrays)
    written = "".join(text_in(axes) for axes in draw(compared(arrays)).axes)
    for name in ("energy_mae", "energy_rmse", "forces_mae", "forces_rmse"):
        error = f"{name.partition('_')[2].upper()} {three_digits(metrics[name].value)} {metrics[name].unit}"
        # the next character tells kcal/mol from kcal/mol/Å
        assert f"{error} " in written or f"{error}, " in written
    assert f"R² {four_decimals(metrics['energy_r2'].value)}" in written


@pytest.mark.parametrize("num_frames", [1, 10, 5000])
@pytest.mark.parametrize("forces", [False, True])
@pytest.mark.filterwarnings("error")
def test_any_number_of_frames_is_drawn_with_units_on_every_axis(num_frames, forces):
    arrays = make_predictions(num_frames, forces)
    for draw, num_panels in ((draw_parity, 1 + forces), (draw_residuals, 2 + 2 * forces)):
        figure = draw(compared(arrays))
        assert len(panels(figure)) == num_panels
        assert all("kcal/mol" in axes.get_xlabel() for axes in panels(figure))
        assert png(figure).startswith(b"\x89PNG")


def test_one_wild_prediction_does_not_squash_the_figures_and_is_counted():
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"][7] += 1e6
    for draw in (draw_parity, draw_residuals):
        figure = draw(compared(arrays))
        assert all(abs(limit) < 1000 for axes in panels(figure) for limit in axes.get_xlim())
        assert "1 of 3,000 outside" in "".join(text_in(axes) for axes in figure.axes)


@pytest.mark.parametrize("error", [0.0, 0.05])
@pytest.mark.filterwarnings("error")
def test_errors_that_differ_by_rounding_alone_are_drawn(error):
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"] = arrays["energy"] + error
    for draw in (draw_parity, draw_residuals):
        figure = draw(compared(arrays))
        png(figure)
        assert "outside" not in "".join(text_in(axes) for axes in figure.axes)


def test_every_residual_is_in_the_histogram_or_counted_as_outside():
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"] = arrays["energy"] + 0.05 * np.random.default_rng(0).standard_t(1.3, 3000)
    linear, logarithmic = draw_residuals(compared(arrays)).axes
    num_outside = int(text_in(logarithmic).split(" of 3,000 outside")[0].split()[-1])
    assert num_outside > 0
    assert linear.patches[0].get_data().values.sum() + num_outside == 3000
    assert logarithmic.get_yscale() == "log"


@pytest.mark.parametrize("num_lost", [1, 3000])
@pytest.mark.filterwarnings("error")
def test_predictions_that_are_not_finite_are_counted(num_lost):
    arrays = make_predictions(3000, forces=False)
    arrays["predicted_energy"][:num_lost] = np.nan
    for draw in (draw_parity, draw_residuals):
        figure = draw(compared(arrays))
        png(figure)
        assert f"{num_lost:,} of 3,000 not finite" in "".join(text_in(axes) for axes in figure.axes)


@pytest.mark.parametrize("num_frames", [20, 3000])
def test_no_text_leaves_the_page(num_frames):
    wild = make_predictions(num_frames)
    wild["predicted_energy"][3] += 1e5
    wild["predicted_forces"][:5] = 1e4
    wild["predicted_forces"][5:9] = np.nan
    for arrays in (wild, make_predictions(num_frames, forces=False)):
        for figure in (draw_parity(compared(arrays)), draw_residuals(compared(arrays))):
            png(figure)
            tight = figure.get_tightbbox()
            width, height = figure.get_size_inches()
            assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) > -0.01


def test_drawing_leaves_the_style_of_the_process_alone():
    before = dict(mpl.rcParams)
    png(draw_parity(compared(make_predictions(20))))
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("num_frames", [300, 3000])
def test_errors_hide_no_point(num_frames: int) -> None:
    arrays = make_predictions(num_frames)
    # predictions that have nothing to do with the truth are everywhere in the panel
    arrays["predicted_energy"] = arrays["offset"] + np.random.default_rng(1).permutation(
        arrays["energy"] - arrays["offset"]
    )
    figure = draw_parity(compared(arrays))
    png(figure)
    for axes in panels(figure):
        assert not axes.texts
        assert axes.title.get_window_extent().y0 >= axes.get_window_extent().y1
        assert "MAE" in axes.get_title()


def test_figures_say_what_they_are_about() -> None:
    about = "AEV, FeedForward: sample, 20 test frames"
    for draw in (draw_parity, draw_residuals):
        assert draw(compared(make_predictions(20)), about).get_suptitle() == about
        assert draw(compared(make_predictions(20))).get_suptitle() == ""


def test_a_number_below_zero_has_a_minus_sign() -> None:
    arrays = make_predictions(50, forces=False)
    arrays["predicted_energy"] = arrays["offset"] - 5 * (arrays["energy"] - arrays["offset"])
    written = "".join(text_in(axes) for draw in (draw_parity, draw_residuals) for axes in draw(compared(arrays)).axes)
    assert "R² −" in written
    assert "-" not in written
