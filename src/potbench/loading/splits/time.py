"""Blocks in time, for trajectories."""

from __future__ import annotations

import numpy as np

from potbench.loading.splits.sizes import KEY, Sizes
from potbench.loading.splits.split import Split, SplitIndices, index_dtype
from potbench.loading.store import Store


class TimeSplit(Split):
    """Each trajectory cut into three blocks: its beginning trains, then comes validation, its end tests.

    Neighbouring frames of a trajectory are nearly the same; drawn at random, they stand on both sides. Frames go by
    their place in time, whatever their order in the file.

    Args:
        train: fraction of the frames of each trajectory (all three add up to 1), or how many (whole numbers).
        validation: likewise.
        test: likewise.
        gap: frames left out between blocks, so that their ends are not alike.
    """

    def __init__(self, train: float = 0.8, validation: float = 0.1, test: float = 0.1, gap: int = 0) -> None:
        self.sizes = Sizes.of(train, validation, test)
        if gap < 0:
            raise ValueError(f"The gap between blocks is {gap} frames, expected none or some. {KEY}gap.")
        self.gap = gap

    def divide(self, store: Store) -> SplitIndices:  # noqa: D102
        if store.time is None:
            raise ValueError(
                f"{store.manifest.get('name')} does not say when its frames were: they are no trajectories. "
                "Expected MD17 or the like; change data.init_args.split."
            )
        names, molecule = np.unique(store.molecule_names, return_inverse=True)
        of_frame = np.repeat(molecule, store.frames_per_block)
        order = np.lexsort((store.time, of_frame)).astype(index_dtype(len(store)))
        ends = np.cumsum(np.bincount(of_frame, minlength=len(names)))
        parts: tuple[list[np.ndarray], ...] = ([], [], [])
        for trajectory in np.split(order, ends[:-1]):
            room = len(trajectory) - 2 * self.gap
            if self.gap and room < 3:
                raise ValueError(
                    f"Two gaps of {self.gap} frames leave {max(room, 0)} of a trajectory of {len(trajectory)}. "
                    f"Expected at least three. {KEY}gap."
                )
            counts = self.sizes.counts(room, "frames of a trajectory")
            starts = np.cumsum([0, counts[0] + self.gap, counts[1] + self.gap])
            for part, start, count in zip(parts, starts, counts, strict=True):
                part.append(trajectory[start : start + count])
        return SplitIndices(*(np.sort(np.concatenate(part)) for part in parts))
