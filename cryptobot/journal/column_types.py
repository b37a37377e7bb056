"""Column types that keep money exact on every database."""

from decimal import Decimal

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from cryptobot.domain.money import plain

_PLAIN_DIGITS = 64


def decimal_text(number: Decimal) -> str:
    """Return the one text under which ``value`` is stored: equal numbers, equal texts.

    Written out in full while that is short; an exponent beyond 64 digits is kept as such, so that
    no number can blow up the file.

    Raises:
        ValueError: If it is not a finite number.
    """
    # No bound on digits here: an outcome must be kept whatever number the exchange put in it.
    if not number.is_finite():
        raise ValueError(f"not a finite number: {number!r}")
    if not number:
        return "0"
    _, digits, exponent = number.as_tuple()
    power = int(exponent)
    small = number.adjusted() < _PLAIN_DIGITS
    if power > -_PLAIN_DIGITS and small:
        return plain(number)
    significant = "".join(map(str, digits)).lstrip("0")
    kept = significant.rstrip("0")
    power += len(significant) - len(kept)
    if power > -_PLAIN_DIGITS and small:  # only zeros at its end made it long
        return plain(number)
    return f"{'-' if number < 0 else ''}{kept}E{power:+d}"


class DecimalText(TypeDecorator[Decimal]):
    """An exact ``Decimal`` as text: SQLite has no decimal type, and one form serves both."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Return the text to store."""
        del dialect
        return None if value is None else decimal_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        """Return the number stored."""
        del dialect
        return None if value is None else Decimal(value)
