"""The methods of the control socket: a table from name to handler."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from cryptobot.control.protocol import ErrorCode, RpcError
from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, Clock, iso
from cryptobot.domain.market import Book, Candle
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.money import plain
from cryptobot.domain.order import Order
from cryptobot.engine import requests
from cryptobot.engine.control_server import Handler
from cryptobot.engine.dead_letter_methods import DeadLetterMethods
from cryptobot.engine.order_methods import OrderMethods
from cryptobot.engine.publisher import Subscriber
from cryptobot.engine.requests import handler, parse
from cryptobot.engine.status import StatusReport
from cryptobot.strategies.runner import StrategyRunner
from cryptobot.trading.exchange import Exchange, MarketSource
from cryptobot.trading.mode_controller import LiveRefused, Switched
from cryptobot.trading.portfolio import Portfolio

BOOK_LEVELS = 10


_log = structlog.stdlib.get_logger("cryptobot.orders")


@dataclass(slots=True)
class ControlMethods:
    """Answers control requests out of the engine's rooms.

    Attributes:
        status: For ``engine.status``, and the rooms it reaches.
        orders: Answers about orders.
        dead_letters: Answers about what was given up on.
        restart_exchange: Closes and opens the exchange client.
        shut_down: Begins an orderly end: (reason).
        quote: The currency the portfolio is valued in.
        source: Candles of time frames that are not followed.
    """

    status: StatusReport
    orders: OrderMethods
    dead_letters: DeadLetterMethods
    venues: Mapping[Mode, Exchange]
    source: MarketSource
    strategies: StrategyRunner
    portfolio: Portfolio
    clock: Clock
    quote: str
    restart_exchange: Callable[[], Awaitable[None]]
    shut_down: Callable[[str], None]

    def table(self) -> Mapping[str, Handler]:
        """Return the handlers by method name."""
        return {
            "engine.status": handler(requests.Nothing, self._status),
            "engine.shutdown": handler(requests.Shutdown, self._shutdown),
            "mode.get": handler(requests.Nothing, self._mode_get),
            "mode.set": handler(requests.SetMode, self._mode_set),
            "strategy.list": handler(requests.Nothing, self._strategy_list),
            "strategy.start": handler(requests.StartStrategy, self._strategy_start),
            "strategy.stop": handler(requests.StrategyByName, self._strategy_stop),
            "exchange.restart": handler(requests.Nothing, self._exchange_restart),
            "market.candles": handler(requests.Candles, self._candles),
            "market.book": handler(requests.BySymbol, self._book),
            "instrument.list": handler(requests.Nothing, self._instruments),
            "reconciliation.get": handler(requests.Nothing, self._reconciliation),
            "portfolio.get": handler(requests.Nothing, self._portfolio),
            "subscribe": _subscribe,
            **self.orders.table(),
            **self.dead_letters.table(),
        }

    async def _status(self, _: requests.Nothing) -> object:
        return self.status.to_wire()

    async def _shutdown(self, params: requests.Shutdown) -> object:
        self.shut_down(params.reason)
        return {"shutting_down": True}

    async def _mode_get(self, _: requests.Nothing) -> object:
        return self.status.modes.to_wire()

    async def _mode_set(self, params: requests.SetMode) -> object:
        modes = self.status.modes
        if params.mode is Mode.PAPER:
            switched = await modes.to_paper(
                reason=params.reason,
                actor=params.actor,
                trigger=ModeTrigger.OPERATOR,
                cancel_open=params.cancel_open,
            )
        else:
            try:
                switched = await modes.to_live(
                    reason=params.reason, actor=params.actor, confirm=params.confirm
                )
            except LiveRefused as error:
                _log.warning(
                    "live_refused", reason=str(error), actor=params.actor, wanted=params.reason
                )
                raise RpcError(
                    ErrorCode.LIVE_REFUSED,
                    f"live refused: {error}",
                    {
                        "failed": [
                            {"precondition": item.precondition, "detail": item.detail}
                            for item in error.failed
                        ]
                    },
                ) from None
        return {**modes.to_wire(), **_switched_to_wire(switched)}

    async def _strategy_list(self, _: requests.Nothing) -> object:
        return self.strategies.to_wire()

    async def _strategy_start(self, params: requests.StartStrategy) -> object:
        self.strategies.start(params.name, params.params)
        return self.strategies.to_wire()

    async def _strategy_stop(self, params: requests.StrategyByName) -> object:
        await self.strategies.stop(params.name)
        return self.strategies.to_wire()

    async def _exchange_restart(self, _: requests.Nothing) -> object:
        await self.restart_exchange()
        return self.status.to_wire()["exchange"]

    async def _candles(self, params: requests.Candles) -> object:
        market = self.status.market
        self._known(params.symbol)
        timeframe = params.timeframe or market.timeframe
        if timeframe == market.timeframe:
            candles = market.candles(params.symbol, params.limit)
        else:
            candles = await self.source.candles(params.symbol, timeframe, params.limit)
        return {
            "symbol": params.symbol,
            "timeframe": timeframe,
            "candles": [candle_row(candle) for candle in candles],
        }

    async def _book(self, params: requests.BySymbol) -> object:
        self._known(params.symbol)
        book = self.status.market.book(params.symbol)
        if book is None:
            raise RpcError(ErrorCode.NOT_FOUND, f"no book of {params.symbol} yet")
        return book_to_wire(book, self.clock.now_ns())

    def _known(self, symbol: str) -> None:
        if symbol not in self.status.settings.symbols:
            raise RpcError(
                ErrorCode.INVALID_PARAMS,
                f"symbol: {symbol!r} is not watched; watched: "
                f"{', '.join(self.status.settings.symbols)}",
            )

    async def _instruments(self, _: requests.Nothing) -> object:
        known = self.venues[Mode.LIVE].instruments
        return [
            {
                "symbol": item.symbol,
                "base": item.base,
                "quote": item.quote,
                "price_step": plain(item.price_step),
                "amount_step": plain(item.amount_step),
                "min_amount": plain(item.min_amount),
                "min_notional": plain(item.min_notional),
            }
            for symbol in self.status.settings.symbols
            if (item := known.get(symbol)) is not None
        ]

    async def _reconciliation(self, _: requests.Nothing) -> object:
        last = self.status.reconciler.last
        return None if last is None else last.to_wire()

    async def _portfolio(self, _: requests.Nothing) -> object:
        return self.portfolio.to_wire(self.status.modes.mode, self.quote)


async def _subscribe(params: Mapping[str, Any], subscriber: Subscriber) -> object:
    topics = parse(requests.Subscribe, params).topics
    subscriber.topics = frozenset(topics)
    return {"topics": sorted(str(topic) for topic in topics)}


def _switched_to_wire(switched: Switched) -> dict[str, object]:
    def orders(items: tuple[Order, ...]) -> list[dict[str, object]]:
        return [order.to_wire() for order in items]

    return {
        "open_live_orders": orders(switched.open_live_orders),
        "in_flight": [
            {
                "order_id": item.order.order_id,
                "client_order_id": item.order.client_order_id,
                "symbol": item.order.symbol,
                "outcome": item.outcome,
            }
            for item in switched.in_flight
        ],
        "canceled": orders(switched.canceled),
        **_paper_account_to_wire(switched),
    }


def _paper_account_to_wire(switched: Switched) -> dict[str, object]:
    read_ns = switched.paper_from_ns
    if read_ns is None:
        return {"paper_account_from": None, "paper_account_age_s": None}
    age_s = round((switched.status.since_ns - read_ns) / NS_PER_S)
    return {"paper_account_from": iso(read_ns), "paper_account_age_s": age_s}


def candle_row(candle: Candle) -> list[object]:
    """Return a candle as a row: open time in ms, then open, high, low, close, volume."""
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    return [candle.open_ms, *(plain(value) for value in prices)]


def book_to_wire(book: Book, now_ns: int) -> dict[str, object]:
    """Return the best levels of a book as the control socket shows them."""
    return {
        "symbol": book.symbol,
        "bids": [[plain(price), plain(amount)] for price, amount in book.bids[:BOOK_LEVELS]],
        "asks": [[plain(price), plain(amount)] for price, amount in book.asks[:BOOK_LEVELS]],
        "age_ms": round((now_ns - book.at_ns) / NS_PER_MS),
    }
