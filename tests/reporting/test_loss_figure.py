import numpy as np
import pytest

from potbench.reporting.loss_figure import draw_loss
from potbench.reporting.style import png


def make_curves(num_epochs, forces=False):
    """Curves that fall as 1/epoch."""
    names = {"train/loss": 1, "validation/loss": 2, "validation/energy_mae": 5}
    if forces:
        names["validation/forces_mae"] = 3
    return {name: {epoch: first / (epoch + 1) for epoch in range(num_epochs)} for name, first in names.items()}


@pytest.mark.parametrize("epochs", [1, 50])
@pytest.mark.filterwarnings("error")
def test_loss_figure_shows_every_epoch_of_train_and_validation(epochs):
    figure = draw_loss(make_curves(epochs, forces=True))
    png(figure)
    loss, energy, forces = figure.axes
    curves = {line.get_label(): line.get_xydata() for line in loss.lines}
    after = np.arange(1, epochs + 1)
    np.testing.assert_allclose(curves["train"], np.column_stack([after, 1 / after]))
    np.testing.assert_allclose(curves["validation"], np.column_stack([after, 2 / after]))
    assert "(kcal/mol)" in energy.get_ylabel()
    assert "(kcal/mol/Å)" in forces.get_ylabel()
    assert {axes.get_yscale() for axes in (loss, energy, forces)} == {"log"}
    # one point has no line: only its marker shows it
    assert epochs > 1 or all(line.get_marker() == "o" for line in loss.lines)


def test_another_property_stays_in_its_unit():
    _, energy = draw_loss(make_curves(3), energy_unit="D").axes
    assert "(D)" in energy.get_ylabel()


def test_loss_figure_leaves_out_what_a_logarithmic_axis_cannot_show():
    (loss,) = draw_loss({"train/loss": {0: 0.5, 1: 0.0, 2: np.nan, 3: np.inf}, "lr": {0: 0.1}}).axes
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[1, 0.5]])


def test_epochs_are_drawn_in_order():
    (loss,) = draw_loss({"train/loss": {2: 0.1, 0: 0.5, 1: 0.3}}).axes
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[1, 0.5], [2, 0.3], [3, 0.1]])


@pytest.mark.parametrize("curves", [{}, {"test/loss": {0: 0.5}}, {"train/loss": {0: np.nan}}])
def test_without_curves_there_is_no_figure(curves):
    assert draw_loss(curves) is None


def test_no_text_leaves_the_page():
    figure = draw_loss(make_curves(3, forces=True))
    png(figure)
    tight = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert min(tight.x0, tight.y0, width - tight.x1, height - tight.y1) > -0.01


def test_the_best_epoch_is_marked_in_every_panel_and_named() -> None:
    figure = draw_loss(make_curves(30, forces=True), best=11)
    for axes in figure.axes:
        assert [12, 12] in [list(line.get_xdata()) for line in axes.lines]
    assert "best epoch: 12" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "best" not in str([text.get_text() for text in draw_loss(make_curves(30)).axes[0].get_legend().get_texts()])


def test_labels_of_the_panels_stand_below_each_other() -> None:
    curves = make_curves(30, forces=True)
    curves["validation/forces_mae"] = {epoch: 1e4 * value for epoch, value in curves["validation/forces_mae"].items()}
    figure = draw_loss(curves)
    png(figure)
    sides = [axes.yaxis.label.get_window_extent().x1 for axes in figure.axes]
    assert max(sides) - min(sides) < 1


def test_the_figure_says_what_it_is_about() -> None:
    about = "AEV, FeedForward: a dataset with a very long name, 1,000 training and 100 validation frames"
    figure = draw_loss(make_curves(3), about=about)
    assert " ".join(figure.get_suptitle().split()) == about
    png(figure)
    assert figure.get_tightbbox().x1 <= figure.get_figwidth()
