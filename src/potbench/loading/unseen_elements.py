"""Elements that no training frame has: nothing is learned of them."""

from __future__ import annotations

from potbench.loading.splits.split import SplitIndices
from potbench.loading.statistics import FRAMES_AT_ONCE
from potbench.loading.store import Store
from potbench.structures import SYMBOLS


def unseen_elements(store: Store, indices: SplitIndices) -> str | None:
    """Say which elements of the dataset are in no training frame, and how many other frames have them; else None.

    Args:
        store: the dataset.
        indices: the frames of each set.
    """
    unseen = list(store.manifest.atomic_numbers)
    for start in range(0, len(indices.train), FRAMES_AT_ONCE):
        atoms = store.composition(indices.train[start : start + FRAMES_AT_ONCE], unseen).sum(axis=0)
        unseen = [number for number, count in zip(unseen, atoms.tolist(), strict=True) if not count]
        if not unseen:
            return None
    counts = [
        f"{count:,} {name}"
        for name, frames in (("validation", indices.validation), ("test", indices.test))
        if (count := int(store.composition(frames, unseen).any(axis=1).sum()))
    ]
    if not counts:
        return None
    symbols = " and ".join(SYMBOLS[number] for number in unseen)
    return (
        f"Warning: no training frame has {symbols}: nothing is learned of it, nor its reference energy, unless that is "
        f"given. Frames that have it ({', '.join(counts)}) are predicted blindly, and may decide all averages."
    )
