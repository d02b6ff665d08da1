"""Laws that hold for every figure of many runs."""

from __future__ import annotations

import re
from itertools import combinations, pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from potbench.reporting.errors_figure import ErrorRow, draw_errors
from potbench.reporting.learning_curves_figure import CurveShown, draw_learning_curves
from potbench.reporting.marks import MARKERS, assign_marks, marks_for, wrapped
from potbench.reporting.pareto_figure import CostShown, ParetoPoint, draw_pareto
from potbench.reporting.ratios_figure import RatioShown, draw_ratios
from potbench.reporting.search_figure import draw_search
from potbench.reporting.style import pdf, plain_number, png, style, svg
from potbench.reporting.training_figure import TrainingShown, draw_trainings
from potbench.reporting.where_figure import draw_where
from tests.reporting.figures_shown import LONG, NAMES, SHORT, all_figures

CASES = {"2": SHORT[:2], "5": SHORT, "12 long": LONG}
SAME = {"errors_alike", "ratios", "structure_with_forces"}


@pytest.fixture(scope="module", params=["2", pytest.param("5", marks=pytest.mark.slow), "12 long"])
def figures(request: pytest.FixtureRequest) -> dict[str, Figure]:
    drawn = all_figures(CASES[request.param])
    assert tuple(drawn) == NAMES
    return drawn


@pytest.mark.parametrize("name", NAMES)
def test_no_two_texts_overlap_and_none_leaves_the_figure(
    figures: dict[str, Figure], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = figures[name]
    drawn: list[tuple[str, Bbox]] = []
    draw = Text.draw

    def note(text: Text, renderer: RendererBase) -> None:
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            drawn.append((text.get_text(), text.get_window_extent(renderer)))

    monkeypatch.setattr(Text, "draw", note)
    with style():
        FigureCanvasAgg(figure).draw()
    assert drawn
    for text, box in drawn:
        assert min(box.x0, box.y0, figure.bbox.width - box.x1, figure.bbox.height - box.y1) > -1.5, text
    if name.startswith("structure"):
        return  # an atom may stand before another
    for (first, one), (second, other) in combinations(drawn, 2):
        across = min(one.x1, other.x1) - max(one.x0, other.x0)
        down = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert min(across, down) < 1.5, (first, second)


@pytest.mark.parametrize("name", NAMES)
def test_figures_are_as_wide_as_one_or_two_columns(figures: dict[str, Figure], name: str) -> None:
    assert figures[name].get_figwidth() in {3.35, 6.9}
    assert figures[name].get_figheight() < 30


def test_every_axis_of_errors_names_its_unit() -> None:
    for name, figure in all_figures(SHORT).items():
        if name in {"ratios", "structure", "structure_with_forces", "lines", "lines_side_by_side"}:
            continue
        labels = [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
        assert any("(kcal/mol" in label for label in labels), name


def test_files_are_the_same_each_time() -> None:
    once, again = (
        {name: svg(figure) for name, figure in all_figures(SHORT[:2]).items() if name in SAME} for _ in range(2)
    )
    assert once == again
    curve = CurveShown("a", np.array([10, 20]), np.ones((1, 2)), np.ones(2))
    for write in (png, pdf):
        assert write(draw_learning_curves([curve], "MAE", "eV")) == write(draw_learning_curves([curve], "MAE", "eV"))


def test_names_are_never_read_as_formulas() -> None:
    names = ["a$b$c", "x_1^2", "<script>&"]
    written = svg(draw_errors([ErrorRow(name, "d", (1.0, 2.0), 1.5, 1, 2, False) for name in names], "MAE", "eV"))
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", written)
    assert {"a$b$c", "x_1^2", "&lt;script&gt;&amp;"} <= set(texts)


def test_drawing_leaves_the_style_of_the_process_alone() -> None:
    before = dict(mpl.rcParams)
    svg(all_figures(SHORT[:2])["ratios"])
    assert dict(mpl.rcParams) == before


def test_fifteen_architectures_are_told_apart_by_shape_and_neighbors_by_color() -> None:
    marks = list(assign_marks([f"a{number}" for number in range(15)]).values())
    assert len({mark.marker for mark in marks}) == len(MARKERS) == 15
    assert all(first.color != second.color for first, second in pairwise(marks))


def test_an_architecture_looks_alike_in_all_figures() -> None:
    marks = assign_marks(SHORT)
    assert marks_for(["mean", "ani"], marks) == {"mean": marks["mean"], "ani": marks["ani"]}
    # what the page does not know looks like none of those that it knows
    assert marks_for(["other"], marks)["other"] not in marks.values()


def test_no_letter_of_a_name_is_lost_where_it_is_broken() -> None:
    for name in [*LONG, "a_b", "x" * 100, "", "a  b"]:
        assert re.sub(r"\s", "", wrapped(name, 20)) == re.sub(r"\s", "", name)
        assert all(len(line) <= 21 for line in wrapped(name, 20).split("\n"))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0002, "0.0002"), (0.05, "0.05"), (0.5, "0.5"), (1, "1"), (10, "10"), (20, "20"), (100, "100"), (500, "500"),
     (1000, "1,000"), (20000, "20,000"), (1e5, "100,000"), (1e6, "10⁶"), (2e7, "2 × 10⁷"), (1e-6, "10⁻⁶")],
)  # fmt: skip
def test_logarithmic_axes_have_plain_numbers(value: float, text: str) -> None:
    assert plain_number(value) == text


def test_every_training_is_a_dot_and_the_interval_a_bar() -> None:
    (axes,) = draw_errors([ErrorRow("a", "d", (1.0, 1.2, 1.4), 1.2, 0.9, 1.5, False)], "MAE", "eV").axes
    lines = [list(line.get_xdata()) for line in axes.lines]
    assert [1.0, 1.2, 1.4] in lines
    assert [0.9, 1.5] in lines
    assert [1.2, 1.2] in lines


def test_two_trainings_have_no_bar_and_what_diverged_is_counted() -> None:
    (axes,) = draw_errors([ErrorRow("a", "d", (1.0, np.nan, 1.4), None, None, None, False)], "MAE", "eV").axes
    assert [list(line.get_xdata()) for line in axes.lines] == [[1.0, 1.4]]
    assert [text.get_text() for text in axes.texts] == ["1 of 3 diverged"]


def test_the_other_half_of_the_matrix_is_the_inverse() -> None:
    shown = RatioShown(0.5, 0.4, 0.625, "better")
    assert shown.turned == (2.0, 1.6, 2.5, "worse")
    (axes,) = draw_ratios(["a", "b"], {("a", "b"): shown}).axes
    texts = {text.get_text() for text in axes.texts}
    assert texts == {"< 0.500", "0.400–0.625", "> 2.00", "1.60–2.50"}


def test_verdicts_are_told_by_a_sign_and_not_by_color_alone() -> None:
    pairs = dict(zip([("a", "b"), ("a", "c"), ("b", "c")], ("better", "equal", "no words for it"), strict=True))
    ratios = {pair: RatioShown(0.9, None, None, verdict) for pair, verdict in pairs.items()}
    (axes,) = draw_ratios(["a", "b", "c"], ratios).axes
    assert {text.get_text()[0] for text in axes.texts} == {"<", ">", "=", "?"}


def test_costs_that_are_not_known_are_left_out_of_their_panel_alone() -> None:
    points = [
        ParetoPoint(name, name, error, None, None, costs, False, "front")
        for name, error, costs in (
            ("a", 1.0, {"Parameters": CostShown(10), "Time (s)": CostShown(5)}),
            ("b", 2.0, {"Parameters": CostShown(20)}),
            ("c", 20.0, {"Time (s)": CostShown(0.0)}),
        )
    ]
    parameters, time = draw_pareto(points, "MAE", "eV").axes
    drawn = [[tuple(line.get_xydata()[0]) for line in axes.lines] for axes in (parameters, time)]
    assert drawn == [[(10, 1), (20, 2)], [(5, 1)]]
    assert parameters.get_ylim()[0] < 1 < 2 < parameters.get_ylim()[1]


def test_sizes_of_a_family_are_joined_and_named() -> None:
    points = [
        ParetoPoint(f"ani {size}", "ani", 1 / size, None, None, {"Parameters": CostShown(size)}, False, "front")
        for size in (64, 128)
    ]
    (axes,) = draw_pareto(points, "MAE", "eV").axes
    assert [(64, 1 / 64), (128, 1 / 128)] in [list(map(tuple, line.get_xydata())) for line in axes.lines]
    assert {text.get_text() for text in axes.texts} == {"64", "128"}


def test_fitted_laws_are_lines_and_their_exponents_are_in_the_legend() -> None:
    sizes = np.array([100, 400])
    curve = CurveShown("a", sizes, np.array([[1.0, 0.5]]), np.array([1.0, 0.5]), fit=(10.0, 0.5))
    figure = draw_learning_curves([curve], "MAE", "eV")
    assert [1.0, 0.5] in [list(line.get_ydata()) for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a, b = 0.50"]


def test_a_diverged_training_ends_in_a_cross_at_its_last_value() -> None:
    epochs = np.arange(1, 5)
    curve = TrainingShown("a", epochs, np.array([4.0, 3.0, np.inf, np.nan]), True, None)
    (axes,) = draw_trainings([curve], "eV").axes
    assert [(2, 3)] in [list(map(tuple, line.get_xydata())) for line in axes.lines if line.get_marker() == "x"]


def test_a_long_training_keeps_its_first_last_and_best_point() -> None:
    epochs = np.arange(1, 10001)
    values = 1 + 1 / epochs
    values[7777] = 0.5
    (axes,) = draw_trainings([TrainingShown("a", epochs, values, False, 7777)], "eV").axes
    line, best = axes.lines
    assert len(line.get_xdata()) <= 300
    assert {1, 10000} <= set(line.get_xdata())
    assert list(map(tuple, best.get_xydata())) == [(7778, 0.5)]


def test_groups_say_how_many_frames_they_hold() -> None:
    (axes,) = draw_where(["ethanol"], {"a": np.array([1.0])}, np.array([1234]), "Molecule", "MAE", "eV").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ethanol  (1,234)"]


@pytest.mark.filterwarnings("error")
def test_figures_of_nothing_and_of_nothing_finite_are_drawn() -> None:
    nan = np.array([np.nan, np.nan])
    figures = [
        draw_errors([], "MAE", "eV"),
        draw_errors([ErrorRow("a", "d", (np.nan,), None, None, None, False)], "MAE", "eV"),
        draw_errors([ErrorRow("a", "d", (0.0, 0.0), 0.0, None, None, False)], "MAE", "eV"),
        draw_ratios([], {}),
        draw_ratios(["a"], {}),
        draw_pareto([], "MAE", "eV"),
        draw_learning_curves([], "MAE", "eV"),
        draw_learning_curves([CurveShown("a", np.array([10, 20]), nan[None], nan)], "MAE", "eV"),
        draw_trainings([], "eV"),
        draw_trainings([TrainingShown("a", np.zeros(0), np.zeros(0), True, None)], "eV"),
        draw_where([], {}, np.zeros(0, dtype=int), "Molecule", "MAE", "eV"),
        draw_where(["x", "y"], {"a": nan}, np.array([1, 2]), "Molecule", "MAE", "eV"),
        draw_search({}, "MAE", "eV"),
        draw_search({"a": nan}, "MAE", "eV"),
    ]
    assert all(svg(figure).startswith("<?xml") for figure in figures)
