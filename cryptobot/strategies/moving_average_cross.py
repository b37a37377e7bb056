"""Buys when a fast moving average crosses above a slow one, sells when it crosses below."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import ClassVar

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.errors import UserError
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle
from cryptobot.domain.order import OrderIntent, Side
from cryptobot.strategies.strategy import Action, ParamValue, Strategy


class MovingAverageCross(Strategy):
    """Simple moving averages of closes; in or out of the market, never short.

    Parameters:
        symbol: What to trade.
        amount: Base currency a trade.
        fast: Candles of the fast average.
        slow: Candles of the slow average.
        sample_s: Seconds between samples of the price; 0 samples closed candles only.
    """

    name = "moving_average_cross"
    defaults: ClassVar[Mapping[str, ParamValue]] = {
        "symbol": "BTC/USDT",
        "amount": "0.001",
        "fast": 9,
        "slow": 21,
        "sample_s": 0,
    }

    def __init__(
        self,
        params: Mapping[str, ParamValue],
        instrument: Instrument,
        history: Iterable[Candle] = (),
    ) -> None:
        super().__init__(params, instrument, history)
        self._amount = self.decimal("amount")
        self._fast = self.integer("fast")
        self._slow = self.integer("slow", self._fast + 1)
        self._sample_ms = self.integer("sample_s", 0) * 1000
        if self._amount < instrument.min_amount:
            raise UserError(f"strategy {self.name}: amount is below {instrument.min_amount}")
        self._closes: list[Decimal] = []
        if not self._sample_ms:
            self._closes = [candle.close for candle in self.history[:-1]][-self._slow :]
        self._running: Candle | None = None
        self._sampled_ms: int | None = None
        self._above: bool | None = None
        self._long = False

    def on_candle(self, candle: Candle) -> Iterator[Action]:
        """Sample the close of every closed candle, or the price every ``sample_s``."""
        closed, self._running = self._running, candle
        if self._sample_ms or closed is None or closed.open_ms >= candle.open_ms:
            return
        yield from self._sampled(closed.close)

    def on_book(self, book: Book) -> Iterator[Action]:
        """Sample the book's middle when ``sample_s`` have passed by the book's clock."""
        price = book.mid
        if not self._sample_ms or price is None:
            return
        at_ms = book.at_ns // NS_PER_MS
        if self._sampled_ms is None or at_ms - self._sampled_ms >= self._sample_ms:
            self._sampled_ms = at_ms
            yield from self._sampled(price)

    def _sampled(self, close: Decimal) -> Iterator[OrderIntent]:
        self._closes = [*self._closes, close][-self._slow :]
        if len(self._closes) < self._slow:
            return
        fast = sum(self._closes[-self._fast :], Decimal(0)) / self._fast
        slow = sum(self._closes, Decimal(0)) / self._slow
        if fast == slow:
            return
        before, self._above = self._above, fast > slow
        if before is None or before == self._above:
            return
        if self._above and not self._long:
            self._long = True
            yield self.market(Side.BUY, self._amount)
        elif not self._above and self._long:
            self._long = False
            yield self.market(Side.SELL, self._amount)
