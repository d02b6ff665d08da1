"""Reference energies of the elements, fitted to what a trained potential leaves of the energies."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch

from potbench.loading import AtomsDataModule
from potbench.potentials.potential import Potential
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.structures import SYMBOLS, FloatArray, IntArray
from potbench.training.representative import batches, representative_frames
from potbench.units import reported


def fit_reference_energies(potential: SumOverAtoms, data: AtomsDataModule, new: Sequence[str] = ()) -> list[str]:
    """Fit the reference energies to what a trained potential leaves of the energies of the training set.

    Energies that data of a single composition cannot tell apart change as little as possible; new elements are fitted
    before any other is changed.

    Args:
        potential: on the CPU; its offset is changed.
        data: has been set up.
        new: chemical symbols of elements whose offset has no value yet.

    Returns:
        What was done, in lines.
    """
    store, symbols = data.store, potential.elements
    frames = store.with_energy(representative_frames(data))
    counts = store.composition(frames, [SYMBOLS.index(symbol) for symbol in symbols]).astype(np.float64)
    present = counts.sum(axis=0) > 0
    before = np.asarray(store.energy[frames]) - _energies(potential, data, frames)
    offset = potential.offset.numpy().copy()
    if data.reference_energies is None:
        left = before
        for columns in (np.isin(symbols, list(new)), present):
            change = np.linalg.lstsq(counts[:, columns], left)[0]
            offset[columns] += change
            left = left - counts[:, columns] @ change
    else:
        of_data = data.statistics.reference_energies
        given = np.array([of_data.get(SYMBOLS.index(symbol), np.nan) for symbol in symbols])
        offset = np.where(np.isnan(given), offset, given)
        left = before - counts @ (offset - potential.offset.numpy())
    potential.offset.copy_(torch.from_numpy(offset))
    unit, factor = reported(store.energy_unit)
    own, now = (np.sqrt(np.mean(values**2)) / factor for values in (before, left))
    absent = [symbol for symbol, is_there in zip(symbols, present, strict=True) if not is_there]
    return [
        f"Reference energies are {'fitted anew' if data.reference_energies is None else 'those given'}. RMSE of the "
        f"parent with them on {len(frames):,} training frames: {now:,.4g} {unit}"
        f"{'' if new else f'; with its own reference energies: {own:,.4g} {unit}'}; of reference energies alone: "
        f"{data.statistics.energy_spread / factor:,.4g} {unit}.",
        f"The scale is that of the parent, {float(potential.scale):.4g} {store.energy_unit}.",
        *([f"The training set has no {', '.join(absent)}: reference energies as in the parent."] if absent else []),
    ]


def _energies(potential: Potential, data: AtomsDataModule, frames: IntArray) -> FloatArray:
    evaluated = deepcopy(potential).eval()
    with torch.no_grad():
        return torch.cat([evaluated(batch).energy for batch in batches(data, frames)]).numpy()
