"""The sample, divided, with batches of a size of one's choice."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest

from potbench.datasets import Sample
from potbench.loading import AtomsDataModule


@pytest.fixture
def sample() -> Callable[[int], AtomsDataModule]:
    """Open the sample with a batch size."""
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")

    def opened(batch_size: int) -> AtomsDataModule:
        data = AtomsDataModule(Sample(), batch_size=batch_size)
        data.prepare_data()
        data.setup("fit")
        return data

    return opened
