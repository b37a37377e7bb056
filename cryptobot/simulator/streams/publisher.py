"""Turns what happens at the venue into stream events, for those streams somebody listens to."""

from collections.abc import Callable
from decimal import Decimal

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.market import Level
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Side
from cryptobot.matching.events import ExecutionEvent
from cryptobot.simulator.streams import shapes
from cryptobot.simulator.streams.hub import StreamHub
from cryptobot.simulator.streams.names import Kind, StreamName, parse
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.venue import ChangedLevels, Venue
from cryptobot.simulator.wire.market_shapes import NO_LEVEL, depth

_KLINE_EVERY_MS = {"1s": 1_000}
_KLINE_OTHERWISE_MS = 2_000
_TICKER_EVERY_MS = 1_000
_AVERAGE_MINUTES = 5


class _Live:
    """A stream that somebody listens to, with what it must remember between sends."""

    __slots__ = ("changed", "due_ms", "every_ms", "first_id", "market", "name", "sent")

    def __init__(self, name: StreamName, market: SymbolMarket | None, now_ms: int) -> None:
        self.name = name
        self.market = market
        self.every_ms = _every_ms(name)
        self.due_ms = now_ms + self.every_ms
        self.changed: set[tuple[Side, Decimal]] = set()
        self.first_id = market.update_id + 1 if market else 0
        self.sent: object = None
        if market is not None and name.kind is Kind.KLINE:
            running = market.bars(name.interval).last
            self.sent = running.open_ms if running else None


def _every_ms(name: StreamName) -> int:
    if name.kind is Kind.KLINE:
        return _KLINE_EVERY_MS.get(name.interval, _KLINE_OTHERWISE_MS)
    return name.every_ms or _TICKER_EVERY_MS


class MarketPublisher:
    """A ``VenueListener`` that feeds the hub; it does no work for streams without listeners.

    Args:
        venue: The exchange.
        hub: Who listens.
    """

    def __init__(self, venue: Venue, hub: StreamHub) -> None:
        self._venue = venue
        self._hub = hub
        self._version = -1
        self._live: dict[str, _Live] = {}
        self._by_market: dict[str, list[_Live]] = {}
        self._timed: list[_Live] = []
        self._timers: dict[Kind, Callable[[_Live, int], None]] = {
            Kind.DEPTH: self._send_depth,
            Kind.PARTIAL_DEPTH: self._send_partial_depth,
            Kind.KLINE: self._send_kline,
            Kind.MINI_TICKER: self._send_mini_ticker,
            Kind.TICKER: self._send_ticker,
            Kind.AVERAGE_PRICE: self._send_average_price,
            Kind.ALL_MINI_TICKERS: self._send_all_mini_tickers,
        }

    @property
    def busy(self) -> bool:
        """Whether anybody listens to anything."""
        return bool(self._live)

    def subscriptions_changed(self) -> None:
        """Look again at who listens; called after every change of the hub."""
        if self._hub.version == self._version:
            return
        self._version = self._hub.version
        now_ms = self._venue.clock.now_ms()
        wanted = dict.fromkeys(
            self._hub.names
        )  # in order: what is sent first repeats with the seed
        for name in [name for name in wanted if name not in self._live]:
            parsed = parse(name)
            if parsed is not None:
                market = self._venue.markets.get(parsed.wire)
                if market is not None or parsed.kind is Kind.ALL_MINI_TICKERS:
                    self._live[name] = _Live(parsed, market, now_ms)
        for name in self._live.keys() - wanted:
            del self._live[name]
        self._by_market = {}
        for live in self._live.values():
            if live.market is not None:
                self._by_market.setdefault(live.market.wire, []).append(live)
        self._timed = [live for live in self._live.values() if live.name.kind in self._timers]

    # VenueListener

    def traded(self, market: SymbolMarket, trade: TapeTrade) -> None:
        """Send ``trade`` and ``aggTrade``."""
        for live in self._by_market.get(market.wire, ()):
            kind = live.name.kind
            if kind is Kind.TRADE:
                self._hub.publish(
                    live.name.name, shapes.trade(market.wire, trade, self._venue.clock.now_ms())
                )
            elif kind is Kind.AGGREGATE_TRADE:
                self._hub.publish(
                    live.name.name,
                    shapes.aggregate_trade(market.wire, trade, self._venue.clock.now_ms()),
                )

    def book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        """Send ``bookTicker`` when the best changed; collect levels for ``depth``."""
        for live in self._by_market.get(market.wire, ()):
            kind = live.name.kind
            if kind is Kind.DEPTH:
                live.changed.update(levels)
            elif kind is Kind.BOOK_TICKER:
                best = self._best(market)
                if best != live.sent:
                    live.sent = best
                    self._hub.publish(
                        live.name.name, shapes.book_ticker(market.wire, market.update_id, *best)
                    )

    def executed(self, market: SymbolMarket, event: ExecutionEvent) -> None:
        """Do nothing: the account's own changes show as trades and levels."""

    def time_passed(self, now_ns: int) -> None:
        """Send what is due."""
        now_ms = now_ns // NS_PER_MS
        for live in self._timed:
            if now_ms >= live.due_ms or self._bar_ended(live, now_ms):
                live.due_ms = now_ms + live.every_ms
                self._timers[live.name.kind](live, now_ms)

    def _bar_ended(self, live: _Live, now_ms: int) -> bool:
        """Whether a kline's bar closed, by time or by a trade of the next one."""
        if live.name.kind is not Kind.KLINE or live.market is None:
            return False
        series = live.market.bars(live.name.interval)
        running = series.last
        return running is not None and (
            now_ms >= series.end_ms or live.sent not in {None, running.open_ms}
        )

    # Timed streams

    def _send_depth(self, live: _Live, now_ms: int) -> None:
        market = live.market
        if market is None or not live.changed:
            return
        amount = self._venue.engine.public_amount
        bids: list[Level] = []
        asks: list[Level] = []
        for side, price in live.changed:
            level = Level(price, amount(market.symbol, side, price))
            (bids if side is Side.BUY else asks).append(level)
        bids.sort(reverse=True)
        asks.sort()
        live.changed.clear()
        self._hub.publish(
            live.name.name,
            shapes.depth_update(
                market.wire, (live.first_id, market.update_id), (bids, asks), now_ms
            ),
        )
        live.first_id = market.update_id + 1

    def _send_partial_depth(self, live: _Live, _: int) -> None:
        market = live.market
        if market is None or live.sent == market.update_id:
            return
        live.sent = market.update_id
        bids, asks = self._venue.engine.book(market.symbol, live.name.levels)
        self._hub.publish(
            live.name.name,
            depth(market.update_id, bids, asks),
        )

    def _send_kline(self, live: _Live, now_ms: int) -> None:
        market = live.market
        if market is None:
            return
        interval = live.name.interval
        series = market.bars(interval)
        series.roll(now_ms)
        running = series.last
        if running is None:
            return
        since_ms = live.sent if isinstance(live.sent, int) else running.open_ms
        for bar in series.select(since_ms, None, len(series)):
            self._hub.publish(
                live.name.name,
                shapes.kline(market.wire, interval, bar, now_ms, closed=bar is not running),
            )
        live.sent = running.open_ms

    def _send_mini_ticker(self, live: _Live, now_ms: int) -> None:
        if live.market is not None:
            event = self._mini_ticker(live.market, now_ms)
            if event is not None:
                self._hub.publish(live.name.name, event)

    def _send_all_mini_tickers(self, live: _Live, now_ms: int) -> None:
        events = [self._mini_ticker(market, now_ms) for market in self._venue.markets.values()]
        self._hub.publish(live.name.name, [event for event in events if event is not None])

    def _send_ticker(self, live: _Live, now_ms: int) -> None:
        market = live.market
        if market is None:
            return
        market.bars("1m").roll(now_ms)
        day = market.day.statistics(now_ms)
        if day is None:
            return
        last = market.tape.last
        self._hub.publish(
            live.name.name,
            shapes.ticker(
                market.wire, day, last.amount if last else ZERO, self._best(market), now_ms
            ),
        )

    def _send_average_price(self, live: _Live, now_ms: int) -> None:
        market = live.market
        if market is None or market.tape.last is None:
            return
        bars = market.bars("1m").select(None, None, _AVERAGE_MINUTES)
        volume = sum((bar.volume for bar in bars), ZERO)
        cost = sum((bar.quote_volume for bar in bars), ZERO)
        last = market.tape.last
        price = cost / volume if volume else last.price
        self._hub.publish(
            live.name.name, shapes.average_price(market.wire, price, last.at_ms, now_ms)
        )

    def _mini_ticker(self, market: SymbolMarket, now_ms: int) -> dict[str, object] | None:
        market.bars("1m").roll(now_ms)
        day = market.day.statistics(now_ms)
        return None if day is None else shapes.mini_ticker(market.wire, day, now_ms)

    def _best(self, market: SymbolMarket) -> tuple[Level, Level]:
        bids, asks = self._venue.engine.book(market.symbol, 1)
        return bids[0] if bids else NO_LEVEL, asks[0] if asks else NO_LEVEL
