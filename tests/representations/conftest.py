import pytest
import torch


@pytest.fixture
def double_precision() -> None:
    """What a test makes is in double precision, and the same each time; the default comes back by itself."""
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
