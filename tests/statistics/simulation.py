"""How often intervals contain what they are about."""

import numpy as np


def coverage(intervals, truth):
    """Share of intervals that contain the truth; a missing one does not."""
    return np.mean([found is not None and found.low <= truth <= found.high for found in intervals])


def correlated(random, correlation, shape):
    """AR(1) series of variance 1 along the last axis."""
    series = random.normal(size=shape)
    for step in range(1, shape[-1]):
        fresh = np.sqrt(1 - correlation**2) * series[..., step]
        series[..., step] = correlation * series[..., step - 1] + fresh
    return series
