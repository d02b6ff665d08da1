"""Whether the numbers of a store are those that were written, and finite."""

from __future__ import annotations

import numpy as np

from potbench.data_quality.finding import Finding, Verdict
from potbench.loading import Store
from potbench.loading.seal import fingerprint

ROWS_AT_ONCE = 2**20


def unchanged(store: Store) -> Finding:
    """Compare all bytes of the arrays with those that were written."""
    same = fingerprint(store.folder, store.manifest) == store.fingerprint
    return Finding(
        "fingerprint",
        Verdict.FINE if same else Verdict.WRONG,
        "all arrays are as they were written" if same else "the arrays were changed after they were written",
        "the sha256 of what preparing the dataset wrote",
    )


def finite(store: Store) -> Finding:
    """Find NaN and infinity among all energies, positions and forces."""
    arrays = {"energies": store.energy, "positions": store.positions, "forces": store.forces}
    broken = []
    for name, array in arrays.items():
        if array is None:
            continue
        rows = 0
        for start in range(0, len(array), ROWS_AT_ONCE):
            finite_values = np.isfinite(array[start : start + ROWS_AT_ONCE])
            rows += int((~finite_values).reshape(len(finite_values), -1).any(axis=1).sum())
        if rows:
            broken.append(f"{rows:,} {name}")
    seen = f"{' and '.join(broken)} are NaN or infinite" if broken else f"{len(store):,} frames, all finite"
    return Finding("numbers", Verdict.WRONG if broken else Verdict.FINE, seen, "finite energies, positions and forces")
