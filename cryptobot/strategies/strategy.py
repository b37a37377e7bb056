"""What a strategy is.

A strategy is a plain object with synchronous handlers: it is told what happens and answers with
what it wants. It is easy to test (call a handler, look at what it returns) and cannot harm
anything: an exception in a handler stops this strategy and nothing else.

Write one by subclassing ``Strategy`` and overriding what you need. A complete one, which buys when
a candle closed well below its open::

    from cryptobot.domain.order import Side
    from cryptobot.strategies.strategy import Strategy

    class BuyTheDip(Strategy):
        name = "buy_the_dip"
        defaults = {"symbol": "BTC/USDT", "amount": "0.001", "drop": "0.01"}
        running = None

        def on_candle(self, candle):
            closed, self.running = self.running, candle
            if closed is None or closed.open_ms == candle.open_ms:
                return  # still the same candle
            if closed.close < closed.open * (1 - self.decimal("drop")):
                yield self.market(Side.BUY, self.decimal("amount"))

Put the file in the folder that the setting ``strategies.folder`` names, or publish the class under
the entry point group ``cryptobot.strategies``. Start it in the window, by ``strategy.start`` on the
control socket, or with the engine by ``strategies.start``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from cryptobot.domain.errors import UserError
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import decimal, floor_to_step, round_to_step
from cryptobot.domain.order import Fill, Order, OrderIntent, OrderType, Side

ParamValue = str | int | float | bool
"""What a parameter may be; amounts and prices are strings."""


@dataclass(frozen=True, slots=True)
class CancelIntent:
    """The wish to cancel one of the strategy's own orders."""

    order_id: str


Action = OrderIntent | CancelIntent


class Strategy:
    """Base of all strategies: the parameters, and handlers that do nothing.

    Args:
        params: Values over ``defaults``.
        instrument: The rules of the symbol traded.
        history: Closed and running candles up to now, oldest first.

    Raises:
        UserError: A parameter is unknown or has a bad value.
    """

    name: ClassVar[str]
    defaults: ClassVar[Mapping[str, ParamValue]] = {"symbol": "BTC/USDT"}

    def __init__(
        self,
        params: Mapping[str, ParamValue],
        instrument: Instrument,
        history: Iterable[Candle] = (),
    ) -> None:
        unknown = sorted(set(params) - set(self.defaults))
        if unknown:
            raise UserError(
                f"strategy {self.name}: unknown parameter {', '.join(unknown)}; "
                f"known: {', '.join(self.defaults)}"
            )
        self.params: Mapping[str, ParamValue] = {**self.defaults, **params}
        self.symbol = str(self.params["symbol"])
        self.instrument = instrument
        self.history = list(history)

    def on_start(self) -> Iterable[Action]:
        """Called once, when the strategy starts."""
        return ()

    def on_candle(self, candle: Candle) -> Iterable[Action]:  # noqa: ARG002 - for subclasses
        """Called for every change of the running candle; a new ``open_ms`` ends the one before."""
        return ()

    def on_book(self, book: Book) -> Iterable[Action]:  # noqa: ARG002 - for subclasses
        """Called for every change of the book; of a burst only the latest."""
        return ()

    def on_order(self, order: Order) -> Iterable[Action]:  # noqa: ARG002 - for subclasses
        """Called for every change of one of the strategy's orders."""
        return ()

    def on_unresolved(self, order: Order) -> Iterable[Action]:  # noqa: ARG002 - for subclasses
        """Called once, after ``on_order``, when the outcome of one of its orders becomes unknown.

        It may have been placed, and may fill. Further orders on its symbol and side are denied
        (``unresolved``) until ``on_order`` brings what became of it.
        """
        return ()

    def on_fill(self, fill: Fill, order: Order) -> Iterable[Action]:  # noqa: ARG002 - for subclasses
        """Called for every fill of one of the strategy's orders, after ``on_order``."""
        return ()

    def on_mode(self, mode: Mode) -> Iterable[Action]:  # noqa: ARG002 - for subclasses
        """Called when orders begin to go elsewhere. Orders of the old mode stay what they are."""
        return ()

    def decimal(self, name: str) -> Decimal:
        """Return a parameter as an exact number. Raises ``UserError`` when it is none."""
        value = self.params[name]
        try:
            return decimal(repr(value) if isinstance(value, float) else value)
        except ValueError as error:
            raise UserError(f"strategy {self.name}: parameter {name}: {error}") from None

    def integer(self, name: str, minimum: int = 1) -> int:
        """Return a parameter as a whole number. Raises ``UserError`` when it is none."""
        value = self.decimal(name)
        if value != value.to_integral_value() or value < minimum:
            raise UserError(
                f"strategy {self.name}: parameter {name} must be a whole number from {minimum}"
            )
        return int(value)

    def market(self, side: Side, amount: Decimal) -> OrderIntent:
        """Return a market order of ``amount``, truncated to the symbol's step."""
        return OrderIntent(
            self.symbol,
            side,
            OrderType.MARKET,
            floor_to_step(amount, self.instrument.amount_step),
            origin=f"strategy:{self.name}",
        )

    def limit(self, side: Side, amount: Decimal, price: Decimal) -> OrderIntent:
        """Return a limit order, amount truncated and price rounded to the symbol's steps."""
        return OrderIntent(
            self.symbol,
            side,
            OrderType.LIMIT,
            floor_to_step(amount, self.instrument.amount_step),
            round_to_step(price, self.instrument.price_step),
            origin=f"strategy:{self.name}",
        )
