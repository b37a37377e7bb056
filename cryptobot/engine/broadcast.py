"""From what happens in the engine to the notifications of the control socket."""

import asyncio
from collections.abc import Callable, Mapping

from cryptobot.control.protocol import Topic
from cryptobot.domain.clock import Clock
from cryptobot.domain.market import Book, Candle
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Fill, Order
from cryptobot.engine.methods import book_to_wire, candle_row
from cryptobot.engine.publisher import Publisher
from cryptobot.trading.market_data import MarketEvent
from cryptobot.trading.mode_controller import ModeStatus


class Broadcast:
    """Publishes what subscribers want and builds nothing that nobody wants.

    Args:
        publisher: Knows the subscribers.
        clock: For ages.
        status: Answers ``engine.status``.
        mode: Answers ``mode.get``.
        portfolio: Answers ``portfolio.get``.
        strategies: Answers ``strategy.list``.
    """

    def __init__(
        self,
        publisher: Publisher,
        clock: Clock,
        *,
        status: Callable[[], object],
        mode: Callable[[], object],
        portfolio: Callable[[], object],
        strategies: Callable[[], object],
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._status = status
        self._mode = mode
        self._portfolio = portfolio
        self._strategies = strategies
        self._loop = asyncio.get_running_loop()

    def status(self) -> None:
        """Tell the status and the portfolio."""
        if self._publisher.wanted(Topic.STATUS):
            self._publisher.publish(Topic.STATUS, self._status())
        if self._publisher.wanted(Topic.PORTFOLIO):
            self._publisher.publish(Topic.PORTFOLIO, self._portfolio())

    def strategies(self) -> None:
        """Tell the strategies."""
        if self._publisher.wanted(Topic.STRATEGIES):
            self._publisher.publish(Topic.STRATEGIES, self._strategies())

    def on_mode(self, _status: ModeStatus, _before: Mode) -> None:
        """Tell a mode change, and the status that goes with it."""
        self._publisher.publish(Topic.MODE, self._mode())
        self.status()

    def on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        """Tell an order's change and its new fills."""
        if self._publisher.wanted(Topic.ORDERS):
            self._publisher.publish(Topic.ORDERS, order.to_wire())
        if fills and self._publisher.wanted(Topic.FILLS):
            for fill in fills:
                self._publisher.publish(
                    Topic.FILLS,
                    {**fill.to_wire(), "order_id": order.order_id, "mode": str(order.mode)},
                )

    def on_market(self, event: MarketEvent) -> None:
        """Tell books and candles."""
        if isinstance(event, Book):
            if self._publisher.wanted(Topic.BOOK):
                data = book_to_wire(event, self._clock.now_ns())
                self._publisher.publish(Topic.BOOK, data, event.symbol)
        elif isinstance(event, Candle) and self._publisher.wanted(Topic.CANDLES):
            self._publisher.publish(
                Topic.CANDLES,
                {
                    "symbol": event.symbol,
                    "timeframe": event.timeframe,
                    "candle": candle_row(event),
                },
                event.symbol,
            )

    def on_log(self, record: Mapping[str, object]) -> None:
        """Tell a log record; called on the log writer's thread."""
        if self._publisher.wanted(Topic.LOG):
            self._loop.call_soon_threadsafe(self._publisher.publish, Topic.LOG, dict(record))
