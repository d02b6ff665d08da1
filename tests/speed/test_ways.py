import pytest

from potbench.speed.spread import Spread
from potbench.speed.ways import Trained, compare


class Played:
    """A way whose turns are known beforehand."""

    def __init__(self, name, calls, seconds, losses=(3.0, 2.0)):
        self.name = name
        self.calls = calls
        self.seconds = iter(seconds)
        self.losses = list(losses)

    def train(self):
        self.calls.append(self.name)
        return Trained(100, next(self.seconds), self.losses)


def test_ways_take_turns_and_the_first_turn_does_not_count():
    calls = []
    slow, fast = Played("slow", calls, [9.0, 1.0, 2.0, 4.0]), Played("fast", calls, [9.0, 0.5, 0.5, 0.5])
    first, second = compare([slow, fast], num_rounds=3)
    assert calls == ["slow", "fast"] * 4
    assert first.frames_per_second == Spread(50.0, 25.0, 100.0)
    assert first.ratio == Spread(1.0, 1.0, 1.0)
    assert second.frames_per_second == Spread(200.0, 200.0, 200.0)
    assert second.ratio == Spread(4.0, 2.0, 8.0)


def test_ways_that_do_not_do_the_same_are_not_compared():
    ways = [Played("one", [], [1.0, 1.0]), Played("other", [], [1.0, 1.0], losses=(3.0, 2.01))]
    with pytest.raises(ValueError, match=r"other has the losses \[3.0, 2.01\] and one \[3.0, 2.0\], expected the same"):
        compare(ways, num_rounds=1)


def test_rounding_is_no_difference():
    ways = [Played("one", [], [1.0, 1.0]), Played("other", [], [1.0, 1.0], losses=(3.0, 2.00001))]
    assert len(compare(ways, num_rounds=1)) == 2


def test_a_spread_is_read_at_a_glance():
    assert Spread.of([3.0, 1000.0, 2.0]).text(",.0f") == "3 (2 to 1,000)"
