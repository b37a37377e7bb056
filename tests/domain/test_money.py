from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobot.domain.money import decimal, floor_to_step, plain, round_to_step

NUMBERS = st.decimals(min_value=D("1e-9"), max_value=D("1e9"), places=10)
STEPS = st.sampled_from([D("0.00000001"), D("0.001"), D("0.01"), D("0.5"), D(1), D(10)])


@pytest.mark.parametrize(
    ("value", "exact"),
    [("0.1", D("0.1")), (7, D(7)), ("-3", D(-3)), (D("1E+3"), D(1000)), ("1e-8", D("0.00000001"))],
)
def test_decimal_with_an_exact_value_returns_it(value: object, exact: D) -> None:
    assert decimal(value) == exact


@pytest.mark.parametrize(
    "value",
    [0.1, 1.0, True, None, "", "much", "0x10", "1,5", [], "NaN", "sNaN", "Infinity", D("-Inf"),
     "1e99999", "0e99999", "1e-99999", "9" * 41, D("1E+1000")],
)  # fmt: skip
def test_decimal_with_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"^not a"):
        decimal(value)


@given(NUMBERS, STEPS)
def test_floor_is_a_multiple_at_most_a_step_below(value: D, step: D) -> None:
    floored = floor_to_step(value, step)
    assert floored % step == 0
    assert floored <= value < floored + step


@given(NUMBERS, STEPS)
def test_round_is_the_nearest_multiple(value: D, step: D) -> None:
    rounded = round_to_step(value, step)
    assert rounded % step == 0
    assert abs(rounded - value) <= step / 2


def test_round_with_halves_goes_up() -> None:
    assert round_to_step(D("0.125"), D("0.01")) == D("0.13")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.00100", "0.001"),
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("-0.000", "0"),
        ("0", "0"),
        ("-1.50", "-1.5"),
        ("100", "100"),
    ],
)
def test_plain_has_no_exponent_and_no_trailing_zeros(value: str, text: str) -> None:
    assert plain(D(value)) == text


@given(NUMBERS)
def test_plain_loses_no_digit(value: D) -> None:
    assert D(plain(value)) == value
