"""Exact decimal arithmetic for prices, amounts and balances.

Money is ``Decimal`` from the wire to the journal; a ``float`` never enters it.
"""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

ZERO = Decimal(0)

MAX_DIGITS = 40
"""No market has more; ``1e999999`` written out would take a megabyte."""


def decimal(value: object) -> Decimal:
    """Return ``value`` as an exact, finite ``Decimal``.

    Args:
        value: A ``str``, ``int`` or ``Decimal``. Floats are refused: they are not exact.

    Raises:
        ValueError: If the value is a float, not a number, not finite, or absurdly long.
    """
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, str | int) and not isinstance(value, bool):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise ValueError(f"not a decimal number: {value!r}") from None
    else:
        raise ValueError(f"not an exact number: {value!r} (write it as a string)")  # noqa: TRY004 - one error for every bad value
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    _, digits, exponent = number.as_tuple()
    if len(digits) > MAX_DIGITS or abs(int(exponent)) > MAX_DIGITS:
        raise ValueError("not a number of any market: it has too many digits")
    return number


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of ``step`` not above ``value`` (amounts truncate)."""
    return (value / step).to_integral_value(rounding=ROUND_DOWN) * step


def round_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Return the multiple of ``step`` nearest to ``value`` (prices round, halves up)."""
    return (value / step).to_integral_value(rounding=ROUND_HALF_UP) * step


def plain(value: Decimal) -> str:
    """Return ``value`` without exponent and without trailing zeros, exactly.

    ``Decimal("0.00100")`` gives ``"0.001"``, ``Decimal("1E+3")`` gives ``"1000"``.
    """
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
