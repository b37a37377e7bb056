"""Positions from fills: amount held, average cost and realized profit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext

from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Fill, Side

_EXACT = Context(prec=60)
"""Wide enough that sums and products of exchange numbers are exact; only averages round."""


@dataclass(frozen=True, slots=True)
class Position:
    """What fills of one symbol leave, by average cost.

    A fee in the base currency lowers the amount held; the part of it that nothing held can pay is
    spent at the trade's price. One in the quote currency raises the cost (buys) or lowers the
    realized profit (sells); fees in other currencies are only summed.

    Attributes:
        amount: Net, in base currency; negative when more was sold than bought.
        cost: What the amount cost, in quote currency; negative for a negative amount.
        realized: Profit of what was closed, in quote currency.
        fees: All fees, by currency.
    """

    symbol: str
    amount: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def average(self) -> Decimal | None:
        """Average price of the amount held in quote currency; ``None`` while flat."""
        return self.cost / self.amount if self.amount else None

    def after(self, fill: Fill) -> "Position":
        """Return the position after ``fill``."""
        base, _, quote = self.symbol.partition("/")
        with localcontext(_EXACT):
            sign = 1 if fill.side is Side.BUY else -1
            amount, cost, realized = self._traded(sign * fill.amount, fill.price)
            if fill.fee_currency == base:
                lacking = max(ZERO, fill.fee - max(amount, ZERO)) * fill.price
                amount, cost, realized = amount - fill.fee, cost - lacking, realized - lacking
            elif fill.fee_currency == quote and sign > 0:
                cost += fill.fee
            elif fill.fee_currency == quote:
                realized -= fill.fee
            if not amount:  # the rest of a rounded average, or of a quote fee, is spent money
                realized -= cost
                cost = ZERO
            paid = self.fees.get(fill.fee_currency, ZERO) + fill.fee
        fees = {**self.fees, fill.fee_currency: paid}
        return Position(self.symbol, amount, cost, realized, fees)

    def _traded(self, change: Decimal, price: Decimal) -> tuple[Decimal, Decimal, Decimal]:
        held = self.amount
        if held * change >= 0:
            return held + change, self.cost + change * price, self.realized
        closed = change if abs(change) <= abs(held) else -held
        freed = self.cost * (-closed / held) if closed != -held else self.cost
        realized = self.realized + (-closed * price - freed)
        opened = change - closed
        return held + change, self.cost - freed + opened * price, realized


def positions(fills: Iterable[Fill]) -> dict[str, Position]:
    """Return the positions that ``fills``, oldest first, leave, by symbol."""
    result: dict[str, Position] = {}
    for fill in fills:
        held = result.get(fill.symbol) or Position(fill.symbol)
        result[fill.symbol] = held.after(fill)
    return result
