"""Where the errors are: by molecule, energy, distance to the training frames, and element."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from potbench.loading import Store
from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.reporting.where_figure import draw_where
from potbench.results import words
from potbench.results.distances import by_distance
from potbench.results.findings import Findings
from potbench.results.predicted import on_all_frames, store_of
from potbench.results.table import Table
from potbench.structures import SYMBOLS, FloatArray, IntArray
from potbench.units import KCAL_PER_MOL, reported

MOST_MOLECULES = 25
MOST_DATASETS = 1
NUM_BINS = 6
FEWEST = 10
"""Frames in a bin of energies or distances."""


def section(findings: Findings) -> Section | None:
    """Return errors by molecule, energy above the lowest frame, distance to the nearest training frame, and element.

    Elements need the store, and distances predictions that have them.
    """
    blocks: list[Block] = []
    for place, table in enumerate(findings.main[:MOST_DATASETS]):
        frames = _frames(table)
        molecules = table.group.test.molecule[table.frames]
        if len(np.unique(molecules)) > 1:
            blocks.append(_by_molecule(findings, table, frames, molecules, place))
        found = _by_energy(findings, table, frames, molecules, place), _by_distance(findings, table, place)
        blocks += [figure for figure in found if figure is not None]
        store = store_of(table) if table.metric.is_of_forces and place == 0 else None
        if store is not None:
            blocks.append(_by_element(findings, table, store, place))
    if blocks and len(findings.main) > MOST_DATASETS:
        blocks.append(f"Not shown here: {words.plural(len(findings.main) - MOST_DATASETS, 'more dataset')}.")
    return Section("where", "Where the errors are", tuple(blocks)) if blocks else None


def _frames(table: Table) -> dict[str, FloatArray]:
    """Return the error of each frame, the mean over trainings: architecture → shape (frames,)."""
    return {name: row.errors.errors.mean(axis=0) for name, row in table.rows.items() if len(row.errors.errors)}


def _grouped(table: Table, frames: dict[str, FloatArray], groups: IntArray) -> dict[str, FloatArray]:
    """Return the error in each group of frames, with groups numbered from 0: architecture → shape (groups,)."""
    weights = np.bincount(groups, table.weights)
    found: dict[str, FloatArray] = {
        name: np.bincount(groups, table.weights * errors) / weights for name, errors in frames.items()
    }
    return {name: np.sqrt(errors) for name, errors in found.items()} if table.metric.squared else found


def _by_molecule(
    findings: Findings, table: Table, frames: dict[str, FloatArray], molecules: IntArray, place: int
) -> PageFigure:
    present, group = np.unique(molecules, return_inverse=True)
    errors = _grouped(table, frames, group)
    mean = np.mean(list(errors.values()), axis=0)
    worst = np.argsort(-mean, kind="stable")[:MOST_MOLECULES]
    names = [table.group.test.molecules[present[index]] for index in worst]
    counts = np.bincount(group)[worst]
    shown = {name: values[worst] for name, values in errors.items()}
    which = "" if len(present) <= MOST_MOLECULES else f", the worst {MOST_MOLECULES} of {len(present)}"
    return _figure(
        findings, table, f"where_molecule_{place + 1}", f"by molecule{which}", "Molecule", names, shown, counts
    )


def _by_energy(
    findings: Findings, table: Table, frames: dict[str, FloatArray], molecules: IntArray, place: int
) -> PageFigure | None:
    unit, size = reported(table.group.energy_unit)
    energy = table.group.test.energy[table.frames] / size
    known = np.isfinite(energy)
    if table.group.energy_unit != "eV" or not known.all():
        return None
    lowest = np.full(int(molecules.max()) + 1, np.inf)
    np.minimum.at(lowest, molecules, energy)
    above = energy - lowest[molecules]
    bins = min(NUM_BINS, len(above) // FEWEST)
    if bins < 2:
        return None
    edges = np.quantile(above, np.linspace(0, 1, bins + 1)[1:-1])
    group = np.unique(np.searchsorted(edges, above, side="right"), return_inverse=True)[1]
    parts = [above[group == index] for index in range(int(group.max()) + 1)]
    names = [f"{three_digits(part.min())}–{three_digits(part.max())}" for part in parts]
    label = f"Relative energy ({unit})"
    errors, counts = _grouped(table, frames, group), np.bincount(group)
    return _figure(
        findings,
        table,
        f"where_energy_{place + 1}",
        "by energy above the lowest test frame of the molecule",
        label,
        names,
        errors,
        counts,
    )


def _by_distance(findings: Findings, table: Table, place: int) -> PageFigure | None:
    found = by_distance(table, NUM_BINS, FEWEST)
    if found is None:
        return None
    figure = _figure(
        findings,
        table,
        f"where_distance_{place + 1}",
        "by distance to the nearest training frame",
        "Distance to the nearest training frame (Å), root mean square difference of sorted interatomic distances",
        found.groups,
        found.errors,
        found.counts,
    )
    return replace(figure, description=" ".join([figure.description, *found.remarks]))


def _by_element(findings: Findings, table: Table, store: Store, place: int) -> PageFigure:
    """Return errors of force components by element, of the middle training of each architecture."""
    chosen = table.group.test.frames
    elements = store.atoms_of(chosen).atomic_numbers
    present, group = np.unique(elements, return_inverse=True)
    of_components = np.repeat(group, 3)
    errors, counts = {}, np.bincount(group)
    for name, row in table.rows.items():
        if not row.finished:
            continue
        found = on_all_frames(row)
        difference = (found["predicted_forces"].astype(np.float64) - found["forces"]) / KCAL_PER_MOL
        known = np.isfinite(difference)
        values = difference**2 if table.metric.squared else np.abs(difference)
        sums = np.bincount(of_components[known], values[known], len(present))
        with np.errstate(invalid="ignore"):
            mean = sums / np.bincount(of_components[known], minlength=len(present))
        errors[name] = np.sqrt(mean) if table.metric.squared else mean
    names = [SYMBOLS[number] for number in present]
    return _figure(findings, table, f"where_element_{place + 1}", "by element", "Element", names, errors, counts)


def _figure(
    findings: Findings,
    table: Table,
    name: str,
    by: str,
    label: str,
    groups: list[str],
    errors: dict[str, FloatArray],
    counts: IntArray,
) -> PageFigure:
    counted = "Atoms" if by == "by element" else "Frames"
    columns = (Column(label), Column(counted), *(Column(each, table.unit) for each in errors))
    rows = tuple(
        (
            Value(group),
            Value(f"{counts[index]:,}", float(counts[index])),
            *(Value(three_digits(float(values[index])), float(values[index])) for values in errors.values()),
        )
        for index, group in enumerate(groups)
    )
    text = words.title(table.metric.text)
    return PageFigure(
        name,
        f"{text} {by}: {table.title}, {table.num_frames:,} test frames",
        f"{text} of each architecture in each group: "
        + ("of the training in the middle, by its error." if counted == "Atoms" else "the mean over trainings."),
        draw_where(groups, errors, counts, label, text, table.unit, findings.marks),
        PageTable("Numbers of the figure", columns, rows),
    )
