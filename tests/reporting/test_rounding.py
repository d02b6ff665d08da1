import pytest

from potbench.reporting.rounding import four_decimals, three_digits


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
