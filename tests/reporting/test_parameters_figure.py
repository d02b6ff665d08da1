from __future__ import annotations

import numpy as np

from potbench.reporting.parameters_figure import ParameterShown, draw_parameters

RATE = ParameterShown("lr", [1e-4, 1e-3, 1e-2, 1e-1], None, log=True)
NETWORK = ParameterShown("model.potential", ["a.yaml", "b.yaml", "a.yaml", "a.yaml"], ["a.yaml", "b.yaml"], log=False)
LAYERS = ParameterShown("layers", [1, 2, 3, 2], None, log=False)
STATES = ["finished", "pruned", "diverged", "failed"]


def test_each_setting_has_a_panel_with_the_errors_of_trials_by_how_they_ended() -> None:
    figure = draw_parameters(
        [RATE, NETWORK, LAYERS, LAYERS], [2.0, 3.0, None, None], STATES, "forces_mae", "kcal/mol/Å"
    )
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [panel.get_xlabel() for panel in panels] == ["lr", "model.potential", "layers", "layers"]
    assert panels[0].get_xscale() == "log"
    assert panels[0].get_ylabel() == "forces_mae (kcal/mol/Å)"
    finished, pruned, diverged = panels[0].get_lines()
    assert (list(finished.get_xdata()), list(finished.get_ydata())) == ([1e-4], [2.0])
    assert (list(pruned.get_xdata()), list(pruned.get_ydata())) == ([1e-3], [3.0])
    # above all errors
    assert list(diverged.get_xdata()) == [1e-2]
    assert diverged.get_ydata()[0] > 3.0
    assert [label.get_text() for label in panels[1].get_xticklabels()] == ["a", "b"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["finished", "pruned", "diverged"]


def test_trials_of_one_choice_are_side_by_side() -> None:
    figure = draw_parameters([NETWORK], [1.0, 1.0, 1.0, 1.0], ["finished"] * 4, "loss", "")
    places = np.array(figure.axes[0].get_lines()[0].get_xdata())
    assert len(set(places)) == 4
    assert np.round(places).tolist() == [0, 1, 0, 0]
    assert figure.axes[0].get_ylabel() == "loss"
