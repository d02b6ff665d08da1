"""A page that has everything a report may have."""

from __future__ import annotations

import io

import ase.io
from ase.build import molecule

from potbench.reporting.page.content import (
    Arrows,
    AtomValues,
    Banner,
    Check,
    Checklist,
    Code,
    Column,
    Page,
    PageFigure,
    PageTable,
    Section,
    Structure,
    Structures,
    Value,
)
from potbench.reporting.structure_figure import draw_structure
from tests.reporting.figures_shown import LONG, all_figures

COLUMNS = (
    Column("Architecture"),
    Column(
        "Forces MAE", "kcal/mol/Å", "Mean absolute error of the force components of the test frames, over trainings."
    ),
    Column("Interval", "kcal/mol/Å", "95 % interval of the mean over trainings, by Student's t."),
    Column("Ratio", "to schnet"),
    Column("Ties", "", "Architectures that share a letter cannot be told apart."),
    Column("P(best)", "", "Share of bootstrap samples of the test frames in which the architecture is the best."),
    Column("Laws", "passed", "Physical laws that the potential obeys, of those that were tested."),
    Column("Parameters"),
    Column("Latency", "ms", "Energy and forces of one molecule, in a process of its own; median of 7 repeats."),
)

FORCES = tuple((0.1 * place, 0.5, 1 - 0.2 * place) for place in range(9))
ENERGIES = (-3.25, *(0.5 * place for place in range(7)), float("nan"))
"""Of the atoms of ethanol; one is not finite, as a potential that has diverged predicts."""


def result_table(names: list[str]) -> PageTable:
    """A table of results, the first three in the best group."""
    rows = []
    for place, name in enumerate(names):
        error = 0.4 * 1.35**place
        interval = Value(f"{0.9 * error:.3g}–{1.1 * error:.3g}", error)
        rows.append(
            (
                Value(name, strong=place < 3),
                Value(f"{error:.3g}", error, place < 3),
                Value("one training", note="no interval") if place == 4 else interval,
                Value("1", 1.0, note="reference") if place == 1 else Value(f"{error / 0.54:.2f}", error / 0.54),
                Value("abcdefghijkl"[place // 3]),
                Value(f"{max(0.0, 0.6 - place / 5):.2f}", max(0.0, 0.6 - place / 5)),
                Value("17 of 17" if place % 3 else "16 of 17", 17 if place % 3 else 16),
                Value(f"{10 ** (6 - place % 4):,}", 10 ** (6 - place % 4)),
                Value("not measured") if place == 2 else Value(f"{1.2 + place:.1f}", 1.2 + place),
            )
        )  # fmt: skip
    return PageTable("Test errors on azobenzene, 1,000 frames, three trainings each", COLUMNS, tuple(rows),
                     ("Bold: cannot be told from the best. Intervals over 3 trainings (t, 2 degrees of freedom).",
                      "Given this pool: trainings share most of their frames."))  # fmt: skip


def sample_page(names: list[str] = LONG) -> Page:
    """A page with every kind of section."""
    figures = {name: page_figure(name, figure, names) for name, figure in all_figures(names).items()}
    ethanol = molecule("CH3CH2OH")
    stream = io.StringIO()
    ase.io.write(stream, ethanol, format="xyz")
    structures = tuple(
        Structure(f"ethanol, frame {number}: force error {number}.2 kcal/mol/Å", stream.getvalue(),
                  PageFigure(f"worst_{number}", f"Worst frame {number}", "A drawing of ethanol.",
                             draw_structure(ethanol.numbers, ethanol.positions, None, None)),
                  (Arrows("reference force", "", FORCES), Arrows("predicted force", "#D55E00", FORCES[::-1])),
                  AtomValues("predicted atomic energy", "kcal/mol", ENERGIES))
        for number in (1, 2, 3)
    )  # fmt: skip
    checks = (
        Check("Same test frames", True, "1,000 frames of azobenzene, split fingerprint 3f5a09c1"),
        Check(
            "Same machine", False, "2 of 12 were timed on another processor: Intel Xeon Platinum 8481C, AMD EPYC 9R14"
        ),
        Check("Same level of theory", None, "the data sets do not name theirs"),
    )
    return Page(
        "Which architecture needs the fewest frames?",
        "Which architecture needs the fewest frames for the forces of a flexible molecule?",
        "On 1,000 test frames of azobenzene, ANI feed-forward has 0.74 times the forces MAE of SchNet (95 % interval "
        "0.62–0.88, three trainings each); it cannot be told from two others; "
        "two more trainings of each would decide.",
        (
            Section("fair", "Is the comparison fair?", (Checklist(checks),)),
            Section("results", "Results", (
                "Errors are those of the checkpoint with the smallest validation loss.",
                result_table(names), figures["errors"], figures["errors_alike"])),
            Section("differences", "Which differences are real", (figures["ratios"],)),
            Section("cost", "Cost", (figures["pareto"],)),
            Section("learning-curves", "Learning curves", (figures["learning_curves"],)),
            Section("where", "Where the errors are", (figures["where"],)),
            Section("worst", "Worst frames", (Structures(structures),)),
            Section("training", "Training", (
                figures["trainings"], figures["search"], figures["structure_with_forces"])),
            Section("repeat", "How to repeat it", (
                "Singh et al., J. Chem. Phys. 160, 1 (2024), doi:10.1063/1.5019779. See https://example.org/data.",
                Code("python -m potbench compare study.yaml\npython -m potbench report runs/studies/study", "bash"),
                Code("run: {where: local, at_once: 1}", "yaml"))),
        ),
        (
            Banner("red", "Azobenzene and ethanol have different levels of theory: they are in tables of their own."),
            Banner("amber", "Batch sizes differ (10 and 32), so equal steps are not equal frames."),
            Banner("note", "One training of SchNet diverged."),
        ),
        ("Made by potbench 1.0 on 2026-11-26 from 36 runs.", "Data: rMD17, doi:10.6084/m9.figshare.12672038"),
    )  # fmt: skip


def page_figure(name: str, figure, names: list[str]) -> PageFigure:
    """A figure with its data."""
    rows = tuple((Value(each), Value(f"{place / 7:.3g}", place / 7)) for place, each in enumerate(names))
    data = PageTable("Numbers", (Column("Architecture"), Column("Error", "kcal/mol/Å")), rows)
    return PageFigure(
        name, f"{name.replace('_', ' ').capitalize()}: azobenzene, 1,000 test frames, three trainings each.",
        f"Panels of {name} with {len(names)} architectures.", figure, data,
    )  # fmt: skip
