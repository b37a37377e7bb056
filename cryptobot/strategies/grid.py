"""Rests buys below and sells above the price; every fill is answered one step on the other side."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import ClassVar, Final

from cryptobot.domain.errors import UserError
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import TERMINAL, Fill, Order, OrderState, Side
from cryptobot.strategies.strategy import Action, CancelIntent, ParamValue, Strategy

RECENTRE_STEPS: Final = 3
"""The grid is laid anew when the price has left it by this many steps."""


class Grid(Strategy):
    """A symmetric grid of limit orders around the price at the start.

    Parameters:
        symbol: What to trade.
        amount: Base currency of each order.
        levels: Orders a side.
        step: Distance between levels as a fraction of the price.
    """

    name = "grid"
    defaults: ClassVar[Mapping[str, ParamValue]] = {
        "symbol": "ETH/USDT",
        "amount": "0.01",
        "levels": 3,
        "step": "0.002",
    }

    def __init__(
        self,
        params: Mapping[str, ParamValue],
        instrument: Instrument,
        history: Iterable[Candle] = (),
    ) -> None:
        super().__init__(params, instrument, history)
        self._amount = self.decimal("amount")
        self._levels = self.integer("levels")
        self._step = self.decimal("step")
        if not 0 < self._step < Decimal("0.2"):
            raise UserError(f"strategy {self.name}: step must be between 0 and 0.2")
        self._centre: Decimal | None = None
        self._open: dict[str, Order] = {}
        self._mode: Mode | None = None

    def on_book(self, book: Book) -> Iterator[Action]:
        """Lay the grid on the first price, and again when the price has left it."""
        price = book.mid
        if price is None:
            return
        if self._centre is None and self._open:
            self._centre = price  # orders of an earlier run are resting: go on with them
            return
        if self._centre is not None:
            reach = self._centre * self._step * (self._levels + RECENTRE_STEPS)
            if abs(price - self._centre) <= reach:
                return
            for order_id in list(self._open):
                yield CancelIntent(order_id)
        self._centre = price
        for level in range(1, self._levels + 1):
            distance = price * self._step * level
            yield self.limit(Side.BUY, self._amount, price - distance)
            yield self.limit(Side.SELL, self._amount, price + distance)

    def on_order(self, order: Order) -> Iterator[Action]:
        """Remember what rests; answer a filled order one step on the other side."""
        if self._mode not in {None, order.mode}:
            return  # of before the switch: what becomes of it is no reason to trade here
        if order.state not in TERMINAL:
            self._open[order.order_id] = order
            return
        known = self._open.pop(order.order_id, None)
        if known is None or order.state is not OrderState.FILLED or self._centre is None:
            return
        paid = order.average or order.price
        if paid is None:
            return
        shift = self._centre * self._step
        price = paid + shift if order.side is Side.BUY else paid - shift
        yield self.limit(order.side.opposite, self._amount, price)

    def on_fill(self, fill: Fill, order: Order) -> Iterator[Action]:  # noqa: ARG002 - see on_order
        """Do nothing: a level is answered when its order is filled whole."""
        return iter(())

    def on_mode(self, mode: Mode) -> Iterator[Action]:
        """Begin anew where orders go now: with what rests there, else with a new grid."""
        self._mode = mode
        self._centre = None
        self._open.clear()
        return iter(())
