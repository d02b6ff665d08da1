"""How good the best of some trials is: of those that were made, and of any as many.

Source: Dodge et al., EMNLP-IJCNLP 2019, 2185, doi:10.18653/v1/D19-1224 (arXiv:1909.03004); there draws are with
replacement.
"""

from __future__ import annotations

import numpy as np

from potbench.structures import FloatArray


def best_so_far(values: FloatArray) -> FloatArray:
    """Return the smallest value after each trial; NaN before the first that is finite.

    Args:
        values: shape (trials,); infinite for a trial without a result.
    """
    best = np.minimum.accumulate(values)
    return np.where(np.isfinite(best), best, np.nan)


def expected_best(values: FloatArray) -> FloatArray:
    """Return the mean of the smallest value of n trials that are drawn without replacement, for each n from 1 on.

    E[min] = Σᵢ vᵢ C(N − i, n − 1) / C(N, n),   v₁ ≤ v₂ ≤ …, i from 1

    Args:
        values: shape (trials,); infinite for a trial without a result: where all that are drawn may be such, NaN.
    """
    ascending, number = np.sort(values), len(values)
    expected = np.empty(number)
    # probability that the i-th value is the smallest of n: that all before it are not drawn, and it is
    all_larger = np.ones(number + 1)  # that none of the first i values is drawn, for one n after another
    for drawn in range(1, number + 1):
        left = number - np.arange(number + 1)
        all_larger = all_larger * np.maximum(left - drawn + 1, 0) / (number - drawn + 1)
        weights = all_larger[:-1] - all_larger[1:]
        counted = weights > 0
        expected[drawn - 1] = (ascending[counted] * weights[counted]).sum()
    return np.where(np.isfinite(expected), expected, np.nan)
