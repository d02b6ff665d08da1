"""Consecutive sets of a trajectory."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError, require_not_negative
from potbench.loading.splits.sizes import SizedSplit
from potbench.loading.splits.split import SplitIndices, index_dtype
from potbench.loading.store import Store


class TimeSplit(SizedSplit):
    """Each trajectory cut in three: its beginning trains, then comes validation, its end tests.

    Neighboring frames of a trajectory are nearly equal; a random draw puts them into the training and the test set.
    Frames are ordered by their place in the trajectory, whatever their order in the file.

    Args:
        train: fraction of the frames of each trajectory (all three add up to 1), or how many (whole numbers).
        validation: likewise.
        test: likewise.
        gap: frames left out between the sets, so that the ends of one are unlike the beginnings of the next.
    """

    def __init__(self, train: float = 0.8, validation: float = 0.1, test: float = 0.1, gap: int = 0) -> None:
        super().__init__(train, validation, test)
        require_not_negative(self, gap=gap)
        self.gap = gap

    @override
    def divide(self, store: Store) -> SplitIndices:
        if store.time is None:
            raise self.unsuitable(
                f"The frames of {store.manifest.name} are not known to be a trajectory", "those of MD17 or the like"
            )
        names, molecule = np.unique(store.molecule_names, return_inverse=True)
        of_frame = np.repeat(molecule, store.frames_per_chunk)
        order = np.lexsort((store.time, of_frame)).astype(index_dtype(len(store)))
        ends = np.cumsum(np.bincount(of_frame, minlength=len(names)))
        sets: tuple[list[np.ndarray], ...] = ([], [], [])
        for trajectory in np.split(order, ends[:-1]):
            room = len(trajectory) - 2 * self.gap
            if self.gap and room < 3:
                raise SettingError(
                    self,
                    "gap",
                    self.gap,
                    "at least three frames",
                    f"Two gaps of {self.gap} frames leave {max(room, 0)} of a trajectory of {len(trajectory)}",
                )
            counts = self.counts(room, "frames of a trajectory")
            starts = np.cumsum([0, counts[0] + self.gap, counts[1] + self.gap])
            for frames, start, count in zip(sets, starts, counts, strict=True):
                frames.append(trajectory[start : start + count])
        return SplitIndices(*(np.sort(np.concatenate(frames)) for frames in sets))
