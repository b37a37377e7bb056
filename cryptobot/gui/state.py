"""The window's picture of the engine: pure Python, fed by the connection, read by the panels.

It is the keyed mailbox: of status, books, candles, portfolio and strategies the latest value is
kept; orders and fills are all kept. ``take_changes`` hands over what changed since the last call,
so that a burst costs the panels one refresh.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cryptobot.control.protocol import Topic
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.order import TERMINAL
from cryptobot.gui.candles import CandleSeries
from cryptobot.gui.engine_start import EngineStart
from cryptobot.gui.engine_status import EngineStatus
from cryptobot.gui.holdings import Portfolio
from cryptobot.gui.log_record import LogRecord
from cryptobot.gui.market_age import BALANCES_OLD_AFTER_S, Age, MarketAges
from cryptobot.gui.order_path import DeadLetter, ReconciliationReport
from cryptobot.gui.reported import (
    BookView,
    ReportedFill,
    ReportedOrder,
    StrategyRow,
    instrument_from_wire,
)
from cryptobot.gui.wire_values import items, mapping, sequence, text

STALE_AFTER_S: Final = 2.5
"""Without a status for this long the engine counts as lost."""

_LOG_BACKLOG: Final = 10_000


class Link(StrEnum):
    """How the window stands with the engine."""

    CONNECTING = "connecting"
    """Never heard from it yet."""
    ALIVE = "alive"
    LOST = "lost"
    """It was heard and is silent, or hung up. Nothing it said is current."""


class Part(StrEnum):
    """What may have changed."""

    LINK = "link"
    STATUS = "status"
    ORDERS = "orders"
    FILLS = "fills"
    CANDLES = "candles"
    BOOK = "book"
    PORTFOLIO = "portfolio"
    STRATEGIES = "strategies"
    INSTRUMENTS = "instruments"
    LETTERS = "dead letters"
    RECONCILIATION = "reconciliation"
    LOG = "log"


@dataclass(slots=True)
class Changes:
    """What arrived since the last look. Orders are the latest of each; fills and log, all new."""

    parts: set[Part] = field(default_factory=set)
    orders: dict[str, ReportedOrder] = field(default_factory=dict)
    fills: list[ReportedFill] = field(default_factory=list)
    log: deque[LogRecord] = field(default_factory=lambda: deque(maxlen=_LOG_BACKLOG))


class EngineState:
    """What is known of the engine.

    Args:
        monotonic: Seconds of a clock that never steps.
        now: Seconds since the epoch.
    """

    def __init__(self, monotonic: Callable[[], float], now: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._now = now
        self._heard: float | None = None
        self._changes = Changes()
        self._ages = MarketAges(monotonic)
        self.link = Link.CONNECTING
        self.lost_because = ""
        self.start: EngineStart | None = None
        """What is known of the engine while it does not speak."""
        self.status: EngineStatus | None = None
        self.orders: dict[str, ReportedOrder] = {}
        self.fills: dict[tuple[str, str], ReportedFill] = {}
        self.books: dict[str, BookView] = {}
        self.candles: dict[tuple[str, str], CandleSeries] = {}
        self.portfolio: Portfolio | None = None
        self.strategies: tuple[StrategyRow, ...] = ()
        self.instruments: dict[str, Instrument] = {}
        self.dead_letters: tuple[DeadLetter, ...] = ()
        self.reconciliation: ReconciliationReport | None = None
        self._readers: dict[str, Callable[[object], None]] = {
            Topic.STATUS: self.read_status,
            Topic.MODE: self._read_mode,
            Topic.ORDERS: self.read_order,
            Topic.FILLS: self.read_fill,
            Topic.CANDLES: self._read_candle,
            Topic.BOOK: self._read_book,
            Topic.PORTFOLIO: self.read_portfolio,
            Topic.LOG: self._read_log,
            Topic.STRATEGIES: self.read_strategies,
        }

    def take_changes(self) -> Changes:
        """Return what changed since the last call, and start anew."""
        changes, self._changes = self._changes, Changes()
        return changes

    @property
    def dirty(self) -> bool:
        """Whether ``take_changes`` would return anything."""
        return bool(self._changes.parts)

    def read_event(self, topic: str, data: object) -> None:
        """Take a notification; topics of a newer engine are passed over.

        Raises:
            Malformed: The data is not what the protocol says; nothing was changed.
        """
        reader = self._readers.get(topic)
        if reader is not None:
            reader(data)

    def read_status(self, data: object) -> None:
        """Take a status: the sign of life.

        Raises:
            Malformed: It cannot be read.
        """
        self.status = EngineStatus.from_wire(data)
        self._heard = self._monotonic()
        self._changes.parts.add(Part.STATUS)
        if self.link is not Link.ALIVE:
            if self.link is Link.LOST:
                self.note("info", "The engine is back")
            self.link = Link.ALIVE
            self._ages.begin()
            self._changes.parts.add(Part.LINK)

    def lose(self, because: str) -> None:
        """Note that the connection closed; nothing known is current any more."""
        if self.link is Link.ALIVE:
            self.link, self.lost_because = Link.LOST, because
            self.note("error", f"The engine is lost: {because}")
            self._changes.parts |= {Part.LINK, Part.STATUS}

    def check_silence(self) -> None:
        """Declare the engine lost when it has been silent too long."""
        silent = self.silent_for
        if self.link is Link.ALIVE and silent is not None and silent > STALE_AFTER_S:
            self.lose(f"no status for {silent:.1f} s")

    @property
    def heard_at(self) -> float | None:
        """When the last status came, by the clock that never steps; ``None`` before the first."""
        return self._heard

    @property
    def silent_for(self) -> float | None:
        """Seconds since the last status; ``None`` before the first."""
        return None if self._heard is None else self._monotonic() - self._heard

    def book_age(self, symbol: str) -> Age:
        """How old the book of ``symbol`` is."""
        return self._ages.book(symbol, lost=self._lost)

    def chart_age(self, symbol: str, timeframe: str) -> Age:
        """How old the candles and the last price of ``symbol`` are."""
        return self._ages.chart(symbol, timeframe, lost=self._lost)

    def balances_age(self) -> Age:
        """Return how old the balances are; those that were never read are not old."""
        read_at = None if self.portfolio is None else self.portfolio.balances_at
        if read_at is None:
            return Age("balances", None, old=False)
        age = max(0.0, self._now() - read_at)
        return Age("balances", age, age > BALANCES_OLD_AFTER_S)

    def market_age(self, *symbols: str) -> Age:
        """How old the freshest price of ``symbols`` is; without any, of all that are watched."""
        watched = symbols or (self.status.symbols if self.status else ())
        return self._ages.prices(watched, lost=self._lost)

    @property
    def _lost(self) -> bool:
        return self.link is not Link.ALIVE

    @property
    def _simulated(self) -> bool:
        return self.status is not None and self.status.simulated

    def note(self, level: str, event: str) -> None:
        """Put a line of the window's own into the log."""
        self._changes.log.append(LogRecord.here(level, event, self._now()))
        self._changes.parts.add(Part.LOG)

    def order_from(self, data: object) -> ReportedOrder:
        """Return an order as the engine sent it, without taking it.

        Raises:
            Malformed: It cannot be read.
        """
        return ReportedOrder.from_wire(data, simulated=self._simulated)

    def read_order(self, data: object) -> None:
        """Take an order; an older report never overwrites a newer one.

        Raises:
            Malformed: It cannot be read.
        """
        order = self.order_from(data)
        known = self.orders.get(order.order_id)
        if known is not None and (
            order.updated < known.updated
            or (known.state in TERMINAL and order.state not in TERMINAL)
        ):
            return
        self.orders[order.order_id] = order
        self._changes.orders[order.order_id] = order
        self._changes.parts.add(Part.ORDERS)

    def read_fill(self, data: object) -> None:
        """Take a fill; one already known is passed over.

        Raises:
            Malformed: It cannot be read.
        """
        fill = ReportedFill.from_wire(data, simulated=self._simulated)
        key = (fill.symbol, fill.trade_id)
        if key not in self.fills:
            self.fills[key] = fill
            self._changes.fills.append(fill)
            self._changes.parts.add(Part.FILLS)

    def read_portfolio(self, data: object) -> None:
        """Take balances and positions.

        Raises:
            Malformed: They cannot be read.
        """
        self.portfolio = Portfolio.from_wire(data)
        self._changes.parts.add(Part.PORTFOLIO)

    def read_strategies(self, data: object) -> None:
        """Take the list of strategies.

        Raises:
            Malformed: It cannot be read.
        """
        rows = sequence(data, "strategies")
        self.strategies = tuple(StrategyRow.from_wire(row) for row in rows)
        self._changes.parts.add(Part.STRATEGIES)

    def read_instruments(self, data: object) -> None:
        """Take the rules of the symbols.

        Raises:
            Malformed: They cannot be read.
        """
        rows = [instrument_from_wire(row) for row in sequence(data, "instruments")]
        self.instruments = {row.symbol: row for row in rows}
        self._changes.parts.add(Part.INSTRUMENTS)

    def read_dead_letters(self, data: object) -> None:
        """Take the list of dead letters, newest first.

        Raises:
            Malformed: It cannot be read.
        """
        rows = sequence(data, "dead letters")
        self.dead_letters = tuple(DeadLetter.from_wire(row) for row in rows)
        self._changes.parts.add(Part.LETTERS)

    def read_reconciliation(self, data: object) -> None:
        """Take the last comparison with the exchange; there is none before the first.

        Raises:
            Malformed: It cannot be read.
        """
        self.reconciliation = None if data is None else ReconciliationReport.from_wire(data)
        self._changes.parts.add(Part.RECONCILIATION)

    def read_candle_history(self, data: object) -> None:
        """Take the answer of ``market.candles``.

        Raises:
            Malformed: It cannot be read.
        """
        source = mapping(data, "candles")
        series = CandleSeries()
        for candle in items(source, "candles"):
            series.put(candle)
        key = (text(source, "symbol"), text(source, "timeframe"))
        self.candles[key] = series
        self._ages.read_candles(*key)
        self._changes.parts.add(Part.CANDLES)

    def _read_mode(self, data: object) -> None:
        if self.status is not None:
            self.status = self.status.with_mode(data)
            self._changes.parts.add(Part.STATUS)

    def _read_candle(self, data: object) -> None:
        source = mapping(data, "candle")
        key = (text(source, "symbol"), text(source, "timeframe"))
        self.candles.setdefault(key, CandleSeries()).put(source.get("candle"))
        self._ages.heard_candle(*key)
        self._changes.parts.add(Part.CANDLES)

    def _read_book(self, data: object) -> None:
        book = BookView.from_wire(data)
        self.books[book.symbol] = book
        self._ages.heard_book(book.symbol, book.age_ms)
        self._changes.parts.add(Part.BOOK)

    def _read_log(self, data: object) -> None:
        record = LogRecord.from_wire(data, self._now())
        dropped = mapping(data, "log record").get("dropped")
        if dropped:
            self.note("warning", f"{dropped} log records were dropped: too many at once")
        if record.event or record.fields:
            self._changes.log.append(record)
            self._changes.parts.add(Part.LOG)
