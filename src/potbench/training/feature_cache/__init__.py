"""Features that never change, computed once."""

from potbench.training.feature_cache.callback import FeatureCache

__all__ = ["FeatureCache"]
