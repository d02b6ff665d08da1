"""The frames that are predicted worst, as molecules."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from potbench.loading import Store
from potbench.reporting.page.content import (
    Arrows,
    AtomValues,
    Block,
    Column,
    PageFigure,
    PageTable,
    Section,
    Structure,
    Structures,
    Value,
)
from potbench.reporting.rounding import three_digits
from potbench.reporting.structure_figure import PREDICTED, draw_structure
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.predicted import on_all_frames, store_of
from potbench.results.row import Row
from potbench.results.table import Table
from potbench.structures import SYMBOLS, FloatArray
from potbench.structures import Column as Array
from potbench.units import reported

NUM_FRAMES = 4
LONGEST_ARROW = 1.4
"""Å."""


def section(findings: Findings) -> Section | None:
    """Return the frames with the largest errors of the best architecture, with those of the others."""
    if not findings.main:
        return None
    table = findings.main[0]
    rows = [row for row in table.rows.values() if row.finished]
    best = next((row for row in rows if not row.baseline), rows[0] if rows else None)
    if best is None:
        return None
    errors = {row.architecture: _of_frames(table, row) for row in rows}
    order = np.argsort(-errors[best.architecture], kind="stable")[:NUM_FRAMES]
    test = table.group.test
    places = np.flatnonzero(table.frames)[order]
    columns = (
        Column("Frame", "", "Its index in the store."),
        Column("Molecule"),
        Column("Atoms"),
        *(Column(name, table.unit) for name in errors),
    )
    rows_shown = tuple(
        (
            Value(f"{test.frames[place]}", float(test.frames[place])),
            Value(test.molecules[test.molecule[place]]),
            Value(f"{test.num_atoms[place]}", float(test.num_atoms[place])),
            *(Value(three_digits(float(each[index])), float(each[index])) for each in errors.values()),
        )
        for index, place in zip(order, places, strict=True)
    )
    title = f"Worst frames of {best.architecture}: {table.title}, {words.title(table.metric.text)}"
    blocks: list[Block] = [PageTable(title, columns, rows_shown, ("Errors are means over trainings.",))]
    store = store_of(table)
    if store is None:
        blocks.append("The molecules are not drawn: the prepared dataset is not at hand.")
    else:
        blocks.append(Structures(tuple(_structures(table, best, store, places.tolist()))))
    return Section("worst", "Worst frames", tuple(blocks))


def _of_frames(table: Table, row: Row) -> FloatArray:
    found: FloatArray = row.errors.errors.mean(axis=0)
    return np.sqrt(found) if table.metric.squared else found


def _structures(table: Table, best: Row, store: Store, places: list[int]) -> list[Structure]:
    test = table.group.test
    found = on_all_frames(best)
    ends = np.cumsum(test.num_atoms)
    structures = []
    for number, place in enumerate(places):
        atoms = store.atoms_of(test.frames[[place]])
        positions = np.asarray(store.positions[atoms.rows], dtype=np.float64)
        rows = slice(int(ends[place] - test.num_atoms[place]), int(ends[place]))
        forces, predicted = _forces(found, slice(3 * rows.start, 3 * rows.stop))
        title = f"{test.molecules[test.molecule[place]]}, frame {test.frames[place]}"
        drawing = PageFigure(
            f"worst_{number + 1}",
            f"{title}: true forces and those of {best.architecture}",
            "The molecule with its true and its predicted forces as arrows.",
            draw_structure(atoms.atomic_numbers.astype(np.int64), positions, forces, predicted),
        )
        lines = [
            f"{SYMBOLS[symbol]} {x:.6f} {y:.6f} {z:.6f}"
            for symbol, (x, y, z) in zip(atoms.atomic_numbers, positions, strict=True)
        ]
        xyz = "\n".join([str(len(lines)), title, *lines]) + "\n"
        values = _atomic_energies(found, rows, store.energy_unit)
        structures.append(Structure(title, xyz, drawing, _arrows(forces, predicted), values))
    return structures


def _arrows(forces: FloatArray | None, predicted: FloatArray | None) -> tuple[Arrows, ...]:
    """Return forces as arrows; the longest of both kinds is as long as a bond, so that they can be compared."""
    if forces is None or predicted is None:
        return ()
    both = np.nan_to_num(np.stack([forces, predicted]), posinf=0, neginf=0)
    both *= LONGEST_ARROW / (np.linalg.norm(both, axis=2).max() or 1.0)
    names = (("reference force", ""), ("predicted force", PREDICTED))
    return tuple(
        Arrows(name, color, tuple((x, y, z) for x, y, z in vectors.round(4).tolist()))
        for (name, color), vectors in zip(names, both, strict=True)
    )


def _atomic_energies(found: Mapping[str, Array], rows: slice, energy_unit: str) -> AtomValues | None:
    if "atomic_energies" not in found:
        return None
    unit, size = reported(energy_unit)
    energies = (np.asarray(found["atomic_energies"][rows], dtype=np.float64) / size).round(4)
    return AtomValues("predicted atomic energy", unit, tuple(energies.tolist()))


def _forces(found: Mapping[str, Array], components: slice) -> tuple[Array | None, Array | None]:
    if "forces" not in found:
        return None, None
    true, predicted = (np.asarray(found[name][components], np.float64) for name in ("forces", "predicted_forces"))
    known = bool(np.isfinite(true).all())
    return (true.reshape(-1, 3), predicted.reshape(-1, 3)) if known else (None, None)
