import math
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potbench.errors import SettingError
from potbench.statistics.interval import Basis, Source
from potbench.statistics.ranking import compare_all, probability_best, rank
from potbench.statistics.ratio import FrameErrors, Ratio
from potbench.statistics.verdict import Remedy, Verdict

NUM_FRAMES = 60
FRAMES = np.arange(NUM_FRAMES)


def cell(random, mean, spread=0.05, trainings=3, hard=0.0, diverged=0):
    """Errors of one architecture, each training off by some share of the mean."""
    factor = 1 + spread * random.normal(size=(trainings, 1)) + 0.1 * random.normal(size=(trainings, NUM_FRAMES)) + hard
    return FrameErrors(np.abs(mean * factor), diverged)


def with_p_value(log_ratio, p_value):
    """A ratio that varies so that it has this p value, with many degrees of freedom."""
    error = abs(log_ratio) / NormalDist().inv_cdf(1 - p_value / 2)
    return Ratio(log_ratio, (), (Source(error**2 * 10**8, 10**8),), Basis.FRAMES)


def ranked(places, p_values):
    names = list(places)
    ratios = {(a, b): with_p_value(places[a] - places[b], p_values[a + b]) for a, b in combinations(names, 2)}
    return rank(dict.fromkeys(names, Basis.FRAMES), ratios)


def verdicts(ranking):
    return {found.first + found.second: bool(found.verdict & Verdict.BETTER) for found in ranking.comparisons}


def assert_consistent(ranking):
    letters, ranks, order = ranking.letters, ranking.ranks, ranking.order
    compared = [found for found in ranking.comparisons if {found.first, found.second} <= set(order)]
    assert {frozenset((found.first, found.second)) for found in compared} == set(map(frozenset, combinations(order, 2)))
    for found in compared:
        first, second = found.first, found.second
        assert order.index(first) < order.index(second)
        better = bool(found.verdict & Verdict.BETTER)
        assert better == (not set(letters[first]) & set(letters[second]))
        overlap = ranks[second][0] <= ranks[first][1]
        if better:
            assert ranks[first][0] < ranks[second][0]
            assert ranks[first][1] < ranks[second][1]
            assert found.interval.high <= 1 + 1e-9
        else:
            assert overlap
            assert found.interval is None or found.interval.low - 1e-9 <= 1 <= found.interval.high + 1e-9
        assert (found.would_decide is None) == bool(found.verdict)
    for place, name in enumerate(order, start=1):
        low, high = ranks[name]
        assert low <= place <= high
        assert high - low == sum(bool(set(letters[name]) & set(letters[other])) for other in order if other != name)
    assert ranking.best == tuple(name for name in order if ranks[name][0] == 1)
    # letters are compact: no group is part of another
    assert not any(set(one) <= set(other) for one in ranking.groups for other in ranking.groups if one != other)


def test_holm_worked_by_hand():
    places = {"a": 0.0, "b": 0.1, "c": 0.2}
    # 0.05/3, 0.05/2, 0.05: all are below
    assert verdicts(ranked(places, {"ab": 0.02, "ac": 0.01, "bc": 0.04})) == {"ab": True, "ac": True, "bc": True}
    # 0.03 is above 0.05/2, so 0.04 is not looked at
    found = ranked(places, {"ab": 0.03, "ac": 0.01, "bc": 0.04})
    assert verdicts(found) == {"ab": False, "ac": True, "bc": False}
    assert found.groups == (("a", "b"), ("b", "c"))
    assert found.letters == {"a": ("a",), "b": ("a", "b"), "c": ("b",)}
    assert found.ranks == {"a": (1, 2), "b": (1, 3), "c": (2, 3)}
    assert found.best == ("a", "b")
    # the interval of the pair that ended it, and of the one after it, has 97.5 %
    (between,) = (one for one in found.comparisons if one.first + one.second == "bc")
    assert between.interval == pytest.approx(with_p_value(-0.1, 0.04).interval(0.975))


def test_nothing_smaller_than_the_first_of_holm_is_a_difference():
    found = ranked({"a": 0.0, "b": 0.1, "c": 0.2}, {"ab": 0.03, "ac": 0.02, "bc": 0.04})
    assert found.groups == (("a", "b", "c"),)
    assert set(found.ranks.values()) == {(1, 3)}


def test_what_follows_from_two_differences_is_one():
    found = ranked({"a": 0.0, "b": 0.1, "c": 0.2}, {"ab": 1e-5, "ac": 0.2, "bc": 1e-5})
    assert verdicts(found) == {"ab": True, "ac": True, "bc": True}
    assert found.ranks == {"a": (1, 1), "b": (2, 2), "c": (3, 3)}
    (outer,) = (one for one in found.comparisons if one.first + one.second == "ac")
    assert outer.interval.high == 1


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ranks_letters_and_intervals_never_contradict_each_other_whatever_varies(data):
    places = data.draw(st.lists(st.floats(-1, 1), min_size=1, max_size=6, unique=True))
    names = "abcdef"[: len(places)]
    numbers = st.integers(2, 40)
    ratios = {}
    for one, other in combinations(range(len(places)), 2):
        sources = tuple(Source(data.draw(st.floats(1e-6, 2)), data.draw(numbers)) for _ in range(3))
        pair = Ratio(places[one] - places[other], sources[:2], sources[2:], Basis.TRAININGS)
        swapped = data.draw(st.booleans())
        ratios[(names[other], names[one]) if swapped else (names[one], names[other])] = (
            pair.inverse() if swapped else pair
        )
    assert_consistent(rank(dict.fromkeys(names, Basis.TRAININGS), ratios))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(
        st.tuples(st.floats(0.8, 1.4), st.floats(0, 0.2), st.integers(1, 5), st.sampled_from([0, 0, 0, 1])), max_size=6
    ),
    st.sampled_from([1, 9, 10, NUM_FRAMES]),
    st.booleans(),
)
def test_ranks_letters_and_intervals_never_contradict_each_other(seed, architectures, num_blocks, paired):
    random = np.random.default_rng(seed)
    cells = {
        f"architecture {number}": cell(random, mean, spread, trainings, diverged=diverged)
        for number, (mean, spread, trainings, diverged) in enumerate(architectures)
    }
    found = compare_all(cells, FRAMES * num_blocks // NUM_FRAMES, paired=paired)
    assert_consistent(found)
    assert {*found.order, *found.unranked} == set(cells)
    assert len(found.comparisons) == math.comb(len(cells), 2)
    for pair in found.comparisons:
        if {pair.first, pair.second} & set(found.unranked) or num_blocks < 10:
            assert pair.verdict is Verdict.UNDECIDED
            assert pair.would_decide is not None


def test_equal_architectures_are_told_apart_in_at_most_5_percent_of_studies():
    random = np.random.default_rng(22)
    wrong, unadjusted = [], []
    for _ in range(250):
        hard = 0.3 * random.normal(size=NUM_FRAMES)
        found = compare_all({name: cell(random, 1, hard=hard, trainings=5) for name in "abcde"}, FRAMES)
        wrong.append(len(found.groups) > 1)
        unadjusted.append(min(pair.ratio.p_value() for pair in found.comparisons) < 0.05)
    assert np.mean(wrong) <= 0.06
    assert np.mean(unadjusted) > 0.15


def test_architectures_far_apart_get_a_rank_each():
    random = np.random.default_rng(23)
    found = compare_all({"worst": cell(random, 4), "best": cell(random, 1), "middle": cell(random, 2)}, FRAMES)
    assert found.order == ("best", "middle", "worst")
    assert found.ranks == {"best": (1, 1), "middle": (2, 2), "worst": (3, 3)}
    assert all(pair.verdict is Verdict.BETTER and pair.interval.high < 1 for pair in found.comparisons)


def test_a_difference_may_be_real_and_too_small_to_matter():
    random = np.random.default_rng(24)
    cells = {"a": cell(random, 1, 0.002, 8), "b": cell(random, 1.02, 0.002, 8)}
    (pair,) = compare_all(cells, FRAMES).comparisons
    assert pair.verdict == Verdict.BETTER | Verdict.EQUAL
    (pair,) = compare_all(cells, FRAMES, smallest_difference=0.01).comparisons
    assert pair.verdict is Verdict.BETTER


def test_who_cannot_be_ranked_is_named_with_the_reason():
    random = np.random.default_rng(25)
    cells = {
        "one": cell(random, 1, trainings=1),
        "two": cell(random, 1, trainings=2),
        "a": cell(random, 2),
        "diverged": cell(random, 0.1, trainings=2, diverged=1),
        "b": cell(random, 4),
        "lost": FrameErrors(np.empty((0, NUM_FRAMES)), 3),
    }
    found = compare_all(cells, FRAMES)
    assert found.unranked == {
        "one": "one training",
        "two": "two trainings",
        "diverged": "some trainings diverged",
        "lost": "some trainings diverged",
    }
    assert found.ranks == {"a": (1, 1), "b": (2, 2)}
    remedies = {(pair.first, pair.second): pair.would_decide for pair in found.comparisons}
    assert remedies["one", "a"].trainings == 3
    assert remedies["a", "diverged"].remedy is Remedy.FINISHED_TRAININGS
    assert not any("lost" in pair for pair in remedies)


@pytest.mark.parametrize("names", ["", "a"])
def test_one_architecture_or_none_has_nothing_to_be_compared_with(names):
    found = compare_all({name: cell(np.random.default_rng(26), 1) for name in names}, FRAMES)
    assert (found.order, found.best, found.comparisons) == (tuple(names), tuple(names), ())
    assert found.letters == ({"a": ("a",)} if names else {})


def test_the_probability_to_be_best_is_shared_by_equals():
    random = np.random.default_rng(27)
    hard = 0.1 * random.normal(size=NUM_FRAMES)
    shares = []
    for _ in range(100):
        cells = {name: cell(random, 1, hard=hard, trainings=5) for name in "abc"}
        shares.append(probability_best({**cells, "worse": cell(random, 3)}, FRAMES, draws=200))
    means = {name: np.mean([share[name] for share in shares]) for name in "abc"}
    assert all(1 / 3 - 0.1 < mean < 1 / 3 + 0.1 for mean in means.values())
    assert all(sum(share.values()) == pytest.approx(1) and share["worse"] == 0 for share in shares)


def test_the_probability_to_be_best_of_two_worked_by_hand():
    # blocks of differences −1 and +2: the first is best where the first block is drawn twice, and that in 1 of 4
    cells = {name: FrameErrors(np.array([errors] * 2)) for name, errors in {"a": [1.0, 4.0], "b": [2.0, 2.0]}.items()}
    found = probability_best(cells, np.array([0, 1]), draws=20_000)
    assert found["a"] == pytest.approx(0.25, abs=0.015)


def test_few_trainings_leave_it_open_which_is_best():
    errors = {"a": np.array([[0.8], [1.0], [1.2]]), "b": np.array([[0.9], [1.1], [1.3]])}
    cells = {name: FrameErrors(np.repeat(values, NUM_FRAMES, axis=1)) for name, values in errors.items()}
    assert 0.6 < probability_best(cells, FRAMES)["a"] < 0.85


def test_one_training_has_no_probability_to_be_best():
    with pytest.raises(SettingError, match="b has fewer"):
        probability_best({"a": FrameErrors(np.ones((2, 3))), "b": FrameErrors(np.ones((1, 3)))}, np.arange(3))


def test_letters_go_on_after_z():
    names = [f"{number:02}" for number in range(30)]
    ratios = {(a, b): with_p_value(int(a) - int(b), 1e-9) for a, b in combinations(names, 2)}
    letters = rank(dict.fromkeys(names, Basis.FRAMES), ratios).letters
    assert (letters["25"], letters["26"], letters["29"]) == (("z",), ("aa",), ("ad",))
