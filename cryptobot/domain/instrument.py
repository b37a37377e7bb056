"""What an exchange allows for a symbol: steps, minima, maxima."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderIntent, OrderType


@dataclass(frozen=True, slots=True)
class Instrument:
    """A tradable symbol and its rules.

    Attributes:
        symbol: Unified symbol such as ``BTC/USDT``.
        price_step: Prices are multiples of it (quote currency).
        amount_step: Amounts are multiples of it (base currency).
        min_amount: Smallest amount of an order.
        max_amount: Largest amount, ``None`` for no limit.
        min_notional: Smallest price times amount, in quote currency; 0 for none.
        max_notional: Largest price times amount, ``None`` for no limit.
        active: Whether the exchange takes orders for it now.
    """

    symbol: str
    base: str
    quote: str
    price_step: Decimal
    amount_step: Decimal
    min_amount: Decimal
    max_amount: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_notional: Decimal = Decimal(0)
    max_notional: Decimal | None = None
    active: bool = True

    def violation(self, intent: OrderIntent, reference_price: Decimal | None) -> str | None:
        """Return why the exchange would refuse ``intent``, or ``None`` if it would not.

        Args:
            intent: The order wanted.
            reference_price: Price to value a market order at; without it the notional is unchecked.
        """
        if not self.active:
            return f"{self.symbol} is not trading on the exchange now"
        return self._amount_violation(intent.amount) or self._price_violation(
            intent, reference_price
        )

    def _amount_violation(self, amount: Decimal) -> str | None:
        if amount <= 0:
            return f"amount {plain(amount)} must be above 0"
        if not _is_multiple(amount, self.amount_step):
            return f"amount {plain(amount)} is not a multiple of {plain(self.amount_step)}"
        if amount < self.min_amount:
            return f"amount {plain(amount)} is below the minimum {plain(self.min_amount)}"
        if self.max_amount is not None and amount > self.max_amount:
            return f"amount {plain(amount)} is above the maximum {plain(self.max_amount)}"
        return None

    def _price_violation(self, intent: OrderIntent, reference: Decimal | None) -> str | None:
        price = intent.price
        if intent.type is OrderType.MARKET:
            if price is not None:
                return "a market order takes no price"
            price = reference
        elif price is None:
            return f"a {intent.type} order needs a price"
        elif price <= 0 or not _is_multiple(price, self.price_step):
            return f"price {plain(price)} is not a positive multiple of {plain(self.price_step)}"
        elif (self.min_price is not None and price < self.min_price) or (
            self.max_price is not None and price > self.max_price
        ):
            return f"price {plain(price)} is outside the exchange's range"
        if price is None:
            return None
        notional = price * intent.amount
        if notional < self.min_notional:
            return (
                f"order value {plain(notional)} {self.quote} is below the minimum "
                f"{plain(self.min_notional)} {self.quote}"
            )
        if self.max_notional is not None and notional > self.max_notional:
            return (
                f"order value {plain(notional)} {self.quote} is above the maximum "
                f"{plain(self.max_notional)} {self.quote}"
            )
        return None


def _is_multiple(value: Decimal, step: Decimal) -> bool:
    try:
        return not value % step
    except InvalidOperation:  # further apart than the context's digits reach
        return False
