"""Every figure of a report, of made-up numbers: with few or many architectures, of short or long names."""

from __future__ import annotations

import numpy as np
from ase.build import molecule
from matplotlib.figure import Figure

from potbench.reporting.errors_figure import ErrorRow, draw_errors
from potbench.reporting.learning_curves_figure import CurveShown, draw_learning_curves
from potbench.reporting.lines import Figure as LinesFigure
from potbench.reporting.lines import Line
from potbench.reporting.lines_figure import LinesShown, draw_figure, draw_side_by_side
from potbench.reporting.marks import assign_marks
from potbench.reporting.pareto_figure import CostShown, ParetoPoint, draw_pareto
from potbench.reporting.ratios_figure import RatioShown, draw_ratios
from potbench.reporting.search_figure import draw_search
from potbench.reporting.structure_figure import draw_structure
from potbench.reporting.training_figure import TrainingShown, draw_trainings
from potbench.reporting.where_figure import draw_where

SHORT = ["ani", "schnet", "sgdml", "pairwise", "mean"]
LONG = [
    "ANI feed-forward with 4 hidden layers",
    "continuous-filter network, 3 interactions, 128 features",
    "sgdml",
    "attention over atomic environment vectors",
    "residual_readout_on_angular_functions",
    "SchNet",
    "ani_hybrid with pair potential",
    "permutationally_invariant_polynomials_of_degree_three",
    "PaiNN small",
    "PaiNN large",
    "pairwise",
    "mean energy of each composition",
]
ABOUT_GROUPS = "Energy above the lowest test frame of the molecule (kcal/mol), and number of frames"
GROUPS = ["azobenzene", "paracetamol, 300 K and 600 K", "ethanol"]
ETHANOL = molecule("CH3CH2OH")
NAMES = (
    "errors", "errors_alike", "ratios", "pareto", "learning_curves", "trainings", "where", "search", "structure",
    "structure_with_forces", "lines", "lines_side_by_side",
)  # fmt: skip


def all_figures(names: list[str]) -> dict[str, Figure]:
    """Name → figure, each with all these architectures."""
    random = np.random.default_rng(0)
    marks = assign_marks(names)
    errors = dict(zip(names, np.geomspace(0.4, 12, len(names)), strict=True))
    return {
        "errors": draw_errors(_error_rows(errors, random), "Forces MAE", "kcal/mol/Å", marks),
        "errors_alike": draw_errors(
            [ErrorRow(name, "ethanol", (error, 1.3), None, None, None, False) for name, error in _alike(names)],
            "Energy MAE", "kcal/mol", marks,
        ),
        "ratios": draw_ratios(names, _ratios(errors)),
        "pareto": draw_pareto(_points(errors, random), "Forces MAE", "kcal/mol/Å", marks),
        "learning_curves": draw_learning_curves(_curves(errors, random), "Forces MAE", "kcal/mol/Å", marks),
        "trainings": draw_trainings(_trainings(errors, random), "kcal/mol/Å", marks=marks),
        "where": draw_where(
            [*GROUPS, *(f"s{number:02}_C{number}H{2 * number + 2}NO" for number in range(12))],
            {name: error * random.lognormal(0, 0.5, 15) for name, error in errors.items()},
            random.integers(1, 20000, 15), ABOUT_GROUPS, "Forces MAE", "kcal/mol/Å", marks,
        ),
        "search": draw_search(
            {name: np.minimum.accumulate(error * random.lognormal(0.5, 0.5, 16)) for name, error in errors.items()},
            "Validation forces MAE", "kcal/mol/Å",
            {name: error * (1 + 2 / np.arange(1, 17)) for name, error in errors.items()}, marks,
        ),
        "structure": draw_structure(ETHANOL.numbers, ETHANOL.positions, None, None),
        "structure_with_forces": draw_structure(
            ETHANOL.numbers, ETHANOL.positions, *(random.normal(0, 1, (2, 9, 3)) * 0.3 + random.normal(0, 1, (9, 3)))
        ),
        "lines": draw_figure(_lines(names)),
        "lines_side_by_side": draw_side_by_side([LinesShown(name, _lines(["h(r)", "data"])) for name in names], marks),
    }  # fmt: skip


def _lines(labels: list[str]) -> LinesFigure:
    times = tuple(np.linspace(0, 5, 50).tolist())
    lines = [
        Line(label, times, (*(each / place for each in times[:-1]), None), low=times, high=times, steps=place == 2,
             reference=place == len(labels))
        for place, label in enumerate(labels, start=1)
    ]  # fmt: skip
    title = "paracetamol: replicas whose bonds stay within 0.5 Å of their means"
    return LinesFigure("survival", title, "time (ps)", "energy above the minimum (eV)", tuple(lines))


def _error_rows(errors: dict[str, float], random: np.random.Generator) -> list[ErrorRow]:
    rows = []
    for group in GROUPS:
        for name, error in errors.items():
            values = error * random.lognormal(0, 0.08, 3)
            if name == list(errors)[1] and group == "ethanol":
                values[2] = np.nan
                rows.append(ErrorRow(name, group, tuple(values.tolist()), None, None, None, False))
                continue
            mean = float(values.mean())
            half = 4.303 * float(values.std(ddof=1)) / 3**0.5
            rows.append(
                ErrorRow(name, group, tuple(values.tolist()), mean, mean - half, mean + half, name == list(errors)[-1])
            )
    return rows


def _ratios(errors: dict[str, float]) -> dict[tuple[str, str], RatioShown]:
    found = {}
    names = list(errors)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            ratio = errors[first] / errors[second]
            verdict = "better" if ratio < 0.6 else "equal" if ratio > 0.95 else "undecided"
            found[first, second] = RatioShown(ratio, ratio * 0.8, ratio * 1.25, verdict)
    return found


def _points(errors: dict[str, float], random: np.random.Generator) -> list[ParetoPoint]:
    titles = ["Parameters", "Training time (s)", "Energy and forces of one molecule (ms)", "Memory (MiB)"]
    points = []
    for index, (name, error) in enumerate(errors.items()):
        state = ("front", "ambiguous", "dominated")[index % 3]
        costs = {title: CostShown(float(value), value * 0.9, value * 1.2)
                 for title, value in zip(titles, random.lognormal(5, 1.5, 4), strict=True)}  # fmt: skip
        points.append(ParetoPoint(name, name, error, error * 0.85, error * 1.2, costs, index == len(errors) - 1, state))
        if index == 0:
            larger = {title: CostShown(cost.value * 5) for title, cost in costs.items()}
            points.append(ParetoPoint(f"{name} 256", name, error * 0.7, None, None, larger, False, "front"))
    published = {titles[0]: CostShown(5e4)}
    points.append(ParetoPoint("PaiNN of 2021", "PaiNN of 2021", 0.8, None, None, published, False, "front", True))
    return points


def _curves(errors: dict[str, float], random: np.random.Generator) -> list[CurveShown]:
    sizes = np.array([100, 200, 400, 800])
    curves = []
    for index, (name, error) in enumerate(errors.items()):
        values = error * (sizes / 800) ** -0.5 * random.lognormal(0, 0.08, (3, 4))
        if index == 1:
            values[0, 3] = np.nan
        means = np.nanmean(values, axis=0)
        fit = None if index == 1 else (error * 800**0.5, 0.5)
        curves.append(CurveShown(name, sizes, values, means, means * 0.85, means * 1.17, fit))
    return curves


def _trainings(errors: dict[str, float], random: np.random.Generator) -> list[TrainingShown]:
    curves = []
    for index, (name, error) in enumerate(errors.items()):
        for number in range(3):
            diverged = index == 1 and number == 2
            epochs = np.arange(1, 30 if diverged else 101)
            values = error * (1 + 20 / epochs) * random.lognormal(0, 0.05, len(epochs))
            curves.append(TrainingShown(name, epochs, values, diverged, None if diverged else int(values.argmin())))
    return curves


def _alike(names: list[str]) -> list[tuple[str, float]]:
    return [(name, 1 + place / 50) for place, name in enumerate(names)]
