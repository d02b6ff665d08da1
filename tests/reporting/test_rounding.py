import pytest

from potbench.reporting.rounding import exponent, four_decimals, three_digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.04321, "0.0432"),
        (4.3, "4.30"),
        (99.97, "100"),
        (999.7, "1,000"),
        (12345.6, "12,346"),
        (-0.5, "-0.500"),
        (1e-7, "1.00e-07"),
        (None, "not finite"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert three_digits(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.99973, "0.9997"), (-0.5, "-0.5000"), (-8315289.25, "-8,315,289"), (None, "not finite")]
)
def test_r2_has_four_decimals_unless_it_is_absurd(value, text):
    assert four_decimals(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.523, "0.52"), (-0.034, "−0.03"), (-0.004, "0.00"), (3.0, "3.00")])
def test_exponents_have_two_decimals_and_zero_has_no_sign(value, text):
    assert exponent(value) == text
