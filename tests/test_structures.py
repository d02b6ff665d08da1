from __future__ import annotations

import numpy as np
import pytest

from potbench.structures import MOST_ATOMS, MOST_PAIRS, bounded_parts


@pytest.mark.parametrize(
    ("atoms", "most_frames", "sizes"),
    [
        ([], None, []),
        ([3, 3, 3], 2, [2, 1]),
        ([MOST_ATOMS // 2] * 5, None, [1, 1, 1, 1, 1]),
        ([10] * 1000, None, [409, 409, 182]),
        ([5, 10**6, 5, 5], None, [1, 1, 2]),
    ],
)
def test_parts_are_bounded_and_hold_every_frame_once(atoms: list[int], most_frames: int, sizes: list[int]) -> None:
    counts = np.array(atoms, dtype=np.int64)
    parts = [counts[part] for part in bounded_parts(counts, most_frames)]
    assert [len(part) for part in parts] == sizes
    assert [count for part in parts for count in part.tolist()] == atoms
    assert all(len(part) == 1 or (part * (part - 1) // 2).sum() <= MOST_PAIRS for part in parts)
