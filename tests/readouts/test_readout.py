import pytest

from potbench.errors import SettingError
from potbench.readouts import Attention, FeedForward, Residual

ELEMENTS = ["H", "C"]


@pytest.mark.parametrize(
    ("readout", "settings", "name"),
    [
        (FeedForward, {"hidden_sizes": [8, 0]}, "hidden_sizes"),
        (FeedForward, {"hidden_sizes": {"H": [8], "C": [-1]}}, "hidden_sizes"),
        (FeedForward, {"hidden_sizes": [8], "dropout": 1.5}, "dropout"),
        (Residual, {"dropout": -1}, "dropout"),
        *[(Residual, {name: 0}, name) for name in ("width", "num_layers", "last_width")],
        *[(Attention, {name: 0}, name) for name in ("width", "num_heads", "hidden_width", "cutoff")],
    ],
)
def test_a_readout_that_cannot_work_is_refused(readout, settings, name):
    with pytest.raises(SettingError, match=rf"Change the argument {name} of {readout.__name__}\.$") as refusal:
        readout(ELEMENTS, 5, **settings)
    assert (refusal.value.owner, refusal.value.setting) == (readout, name)
