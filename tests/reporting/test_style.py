import io

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from potbench.reporting.loss_figure import draw_loss
from potbench.reporting.parity_figure import draw_parity
from potbench.reporting.residuals_figure import draw_residuals
from potbench.reporting.style import limits, png
from tests.reporting.predictions import compared, make_predictions


def test_figures_are_as_wide_as_one_or_two_columns_at_300_dots_per_inch():
    figures = {
        "loss": draw_loss({"train/loss": {0: 0.5}}),
        "one": draw_parity(compared(make_predictions(20, forces=False))),
        "two": draw_parity(compared(make_predictions(20))),
    }
    widths = {name: Image.open(io.BytesIO(png(figure))).width for name, figure in figures.items()}
    assert widths == {"loss": 1005, "one": 1005, "two": 2070}


def test_figures_do_not_depend_on_the_style_of_the_process():
    # its ticks are made when it is saved
    expected = png(draw_residuals(compared(make_predictions(20))))
    with mpl.rc_context({"font.size": 20, "axes.linewidth": 5}):
        assert png(draw_residuals(compared(make_predictions(20)))) == expected


def test_limits_leave_out_what_is_far_from_the_quartiles():
    low, high = limits(np.array([*range(100), 1e6]), reach=6)
    assert -10 < low < 0
    assert 99 < high < 110


@pytest.mark.parametrize("values", [[], [3.0], [3.0, 3.0 + 1e-12]])
def test_limits_of_no_or_equal_values_are_apart(values):
    low, high = limits(np.array(values), reach=6)
    assert high - low == pytest.approx(2)
