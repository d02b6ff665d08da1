"""Elements that no training frame has: nothing is learned of them."""

from __future__ import annotations

from typing import NamedTuple

from potbench.loading.splits.split import SplitIndices
from potbench.loading.statistics import FRAMES_AT_ONCE
from potbench.loading.store import Store
from potbench.structures import SYMBOLS


class UnseenElements(NamedTuple):
    """Elements that frames are evaluated with, and that no training frame has.

    Attributes:
        elements: chemical symbols; empty for none.
        validation: validation frames that have any of them.
        test: test frames that have any of them.
    """

    elements: tuple[str, ...] = ()
    validation: int = 0
    test: int = 0

    @property
    def symbols(self) -> str:
        """Return the elements, for readers."""
        return " and ".join(self.elements)

    @property
    def warning(self) -> str:
        """Return what this means for errors."""
        counts = ", ".join(f"{getattr(self, name):,} {name}" for name in ("validation", "test") if getattr(self, name))
        return (
            f"Warning: no training frame has {self.symbols}: nothing is learned of it, nor its reference energy, "
            f"unless that is given. Frames that have it ({counts}) are predicted blindly, and may decide all averages."
        )


def unseen_elements(store: Store, indices: SplitIndices) -> UnseenElements:
    """Find the elements of validation and test frames that no training frame has.

    Args:
        store: the dataset.
        indices: the frames of each set.
    """
    unseen = list(store.manifest.atomic_numbers)
    for start in range(0, len(indices.train), FRAMES_AT_ONCE):
        atoms = store.composition(indices.train[start : start + FRAMES_AT_ONCE], unseen).sum(axis=0)
        unseen = [number for number, count in zip(unseen, atoms.tolist(), strict=True) if not count]
        if not unseen:
            return UnseenElements()
    validation, test = (
        int(store.composition(frames, unseen).any(axis=1).sum()) for frames in (indices.validation, indices.test)
    )
    if not validation and not test:  # calibration frames alone have them, or none that is used
        return UnseenElements()
    return UnseenElements(tuple(SYMBOLS[number] for number in unseen), validation, test)
