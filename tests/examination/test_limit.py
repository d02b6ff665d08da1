import math

from potbench.examination.limit import Limit

LIMIT = Limit("jump of the forces", 1.0, "eV/Å")


def test_the_largest_of_several_is_named_with_how_many_fail() -> None:
    worst = LIMIT.judge_worst("dimers", "HCOOH", {"C–C": 3.0, "C–O": 2.0, "O–H": 0.5})
    assert (worst.value, worst.verdict) == (3.0, "FAIL")
    assert worst.note == "The largest, of C–C; 2 of 3 fail."
    assert LIMIT.judge_worst("dimers", "HCOOH", {"C–C": 0.3, "C–O": 0.2}).note == "The largest, of C–C; all 2 pass."


def test_a_single_value_is_named_alone() -> None:
    assert LIMIT.judge_worst("stretch", "H2", {"H–H": 0.1}).note == "Of H–H."


def test_what_is_not_a_number_comes_first_and_fails() -> None:
    worst = LIMIT.judge_worst("dimers", "HCOOH", {"C–C": 3.0, "C–O": math.nan, "O–H": 0.5})
    assert worst.verdict == "FAIL"
    assert worst.note == "The largest, of C–O; 2 of 3 fail."
