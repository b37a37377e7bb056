"""What an arriving order would take from the book, worked out before anything changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from cryptobot.domain.market import Level
from cryptobot.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class Sweep:
    """The takes of an order on arrival.

    Attributes:
        takes: Price and amount of each, best first.
        wanted: The whole order's amount, in base currency.
        blocked: Whether it stopped at an order of our own.
    """

    takes: tuple[Level, ...]
    wanted: Decimal
    blocked: bool = False

    @property
    def amount(self) -> Decimal:
        """All that is taken, in base currency."""
        return sum((take.amount for take in self.takes), ZERO)

    @property
    def complete(self) -> bool:
        """Whether all that was wanted is taken."""
        return self.amount == self.wanted

    @property
    def cost(self) -> Decimal:
        """What it is worth, in quote currency."""
        return sum((take.price * take.amount for take in self.takes), ZERO)


def sweep_amount(levels: Iterator[Level | None], amount: Decimal) -> Sweep:
    """Take ``amount`` of the base currency.

    Args:
        levels: What is there, best first; ``None`` is an order of our own.
        amount: In base currency.
    """
    takes: list[Level] = []
    left = amount
    while left > 0:
        level = next(levels, _END)
        if level is None or level is _END:
            return Sweep(tuple(takes), amount, blocked=level is None)
        take = Level(level.price, min(level.amount, left))
        takes.append(take)
        left -= take.amount
    return Sweep(tuple(takes), amount)


def sweep_quote(levels: Iterator[Level | None], quote_amount: Decimal, step: Decimal) -> Sweep:
    """Take what ``quote_amount`` of the quote currency is worth, to within one ``step``.

    Where the book runs out, the rest counts as wanted at the last price met.

    Args:
        levels: As for ``sweep_amount``.
        quote_amount: To spend or to receive, never exceeded.
        step: The amounts' step, in base currency.
    """
    takes: list[Level] = []
    swept, left, lot = ZERO, quote_amount, quote_amount
    while lot <= left:
        level = next(levels, _END)
        if level is None or level is _END:
            rest = left // lot * step if takes else ZERO
            return Sweep(tuple(takes), swept + rest, blocked=level is None)
        lot = level.price * step
        amount = min(level.amount, left // lot * step)
        if amount > 0:
            takes.append(Level(level.price, amount))
            swept += amount
            left -= level.price * amount
    return Sweep(tuple(takes), swept)


_END = Level(ZERO, ZERO)
