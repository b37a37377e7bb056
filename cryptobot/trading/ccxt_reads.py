"""The reading half of the exchange client: its clock, the account's lists, market data by REST."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from cryptobot.domain.clock import NS_PER_MS, Clock
from cryptobot.domain.errors import OutcomeUnknown, ReadFailed
from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.domain.order import TERMINAL, Fill, OrderReport
from cryptobot.trading import ccxt_history as history
from cryptobot.trading import ccxt_translation as translate
from cryptobot.trading.capabilities import Capabilities
from cryptobot.trading.ccxt_streams import UNREADABLE, CcxtStreams, StreamObserver
from cryptobot.trading.exchange import Balance
from cryptobot.trading.traffic import PRECEDENCE, Precedence, Traffic

CLOCK_SAMPLES: Final = 3

LOOKUPS: Final = dict.fromkeys(
    ("find_order", "open_orders", "closed_orders", "my_trades", "balances"), Precedence.LOOKUP
)
"""Reads that go before market data."""

RequestObserver = Callable[[str, str, float], None]
"""Told of every request: operation, outcome (``ok``, ``failed``, ``refused``, ``not_sent``,
``unknown``), seconds."""


class CcxtReads(CcxtStreams):
    """Asks a ccxt exchange by REST; every read that gives nothing usable is ``ReadFailed``."""

    def __init__(
        self,
        clock: Clock,
        *,
        book_depth: int,
        on_stream: StreamObserver | None,
        on_request: RequestObserver | None,
        capabilities: Capabilities,
        traffic: Traffic,
    ) -> None:
        super().__init__(
            clock,
            book_depth=book_depth,
            on_stream=on_stream,
            capabilities=capabilities,
            traffic=traffic,
        )
        self._on_request = on_request
        self._orders: Any = None
        self.clock_skew_ms: float | None = None
        """Exchange's clock minus ours, by the last ``sync_clock``."""

    async def sync_clock(self) -> float:
        """Measure the exchange's clock against ours and use it in signatures.

        Returns:
            The skew in milliseconds, positive when the exchange is ahead.

        Raises:
            ReadFailed: The exchange did not tell the time.
        """
        samples = [await self._clock_sample() for _ in range(CLOCK_SAMPLES)]
        # The quickest round trip bounds the error best; a first one also pays for its connection.
        self.clock_skew_ms = min(samples)[1]
        for instance in (self._reads, self._orders):
            instance.options["timeDifference"] = round(-self.clock_skew_ms)
        return self.clock_skew_ms

    async def _clock_sample(self) -> tuple[int, float]:
        """Return a round trip in ns and the skew in ms that it measured.

        It goes through the instance that writes orders, which keeps its connection warm.
        """
        before = self._clock.now_ns()
        server = await self._read("time", "fetch_time", of=self._orders)
        after = self._clock.now_ns()
        if not isinstance(server, int):
            raise ReadFailed("the exchange's time could not be read")
        return after - before, server - (before + after) / 2 / NS_PER_MS

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        """Return the account's open orders; see ``Exchange.open_orders``."""
        now = self._clock.now_ns()
        rows = await self._read("open_orders", "fetch_open_orders", symbol)
        with sense("open_orders"):
            return [translate.order_report(row, None, now) for row in rows]

    async def closed_orders(self, symbol: str, since_ms: int | None) -> list[OrderReport]:
        """Return the account's closed orders; see ``Exchange.closed_orders``."""
        now = self._clock.now_ns()
        method = history.closed_orders_method(self._reads)
        with sense("closed_orders"):
            rows = await history.pages(
                partial(self._read, "closed_orders", method, symbol), since_ms
            )
            reports = [translate.order_report(row, None, now) for row in rows]
        return [report for report in reports if report.state in TERMINAL]

    async def my_trades(self, symbol: str, since_ms: int | None = None) -> list[Fill]:
        """Return our trades, oldest first; see ``Exchange.my_trades``."""
        with sense("my_trades"):
            rows = await history.pages(
                partial(self._read, "my_trades", "fetch_my_trades", symbol), since_ms
            )
            return [translate.fill(row) for row in rows]

    async def balances(self) -> Mapping[str, Balance]:
        """Return the account's assets that are not zero; see ``Exchange.balances``."""
        raw = await self._read("balances", "fetch_balance")
        with sense("balances"):
            part = self.capabilities.balances_in
            if part is not None and part not in (raw.get("info") or {}):
                raise ReadFailed("balances: the account reply had none")
            return {
                asset: balance
                for asset in raw.get("total") or {}
                if (
                    balance := Balance(
                        translate.amount(raw["free"].get(asset)),
                        translate.amount(raw["used"].get(asset)),
                    )
                ).total
            }

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        """Return the latest candles, oldest first; see ``MarketSource.candles``."""
        rows = await self._read("candles", "fetch_ohlcv", symbol, timeframe, None, limit)
        with sense("candles"):
            found = [translate.candle(symbol, timeframe, row) for row in rows]
            return [candle for candle in found if candle is not None]

    async def book(self, symbol: str) -> Book:
        """Return the book by REST. Raises ``ReadFailed``."""
        raw = await self._read("book", "fetch_order_book", symbol, self._book_depth)
        with sense("book"):
            return translate.book(raw, self._book_depth, self._clock.now_ns())

    async def trades(self, symbol: str, limit: int) -> list[PublicTrade]:
        """Return the latest public trades, oldest first, by REST. Raises ``ReadFailed``."""
        rows = await self._read("trades", "fetch_trades", symbol, None, limit)
        with sense("trades"):
            return [translate.public_trade(row) for row in rows]

    async def _read(self, operation: str, method: str, *args: object, of: Any = None) -> Any:
        """Call a method of an instance, by default the reading one. Raises ``ReadFailed``."""
        instance = of or self._reads
        if instance is None:
            raise ReadFailed(f"{operation}: the exchange client is not connected", "not_connected")
        call = getattr(instance, method)
        started = self._clock.monotonic_ns()
        outcome = "failed"
        precedence = PRECEDENCE.set(LOOKUPS.get(operation, Precedence.READ))
        try:
            reply = await call(*args)
            outcome = "ok"
        except Exception as error:
            # ccxt lets the parser's own errors through when a reply is malformed, and a session
            # that is being closed raises what it likes: whatever it is, nothing was read.
            codes = self.capabilities.codes
            reason = translate.reason_of(error, codes)
            code = translate.read_code(error, codes)
            raise ReadFailed(f"{operation}: {reason}", code) from error
        else:
            return reply
        finally:
            PRECEDENCE.reset(precedence)
            self._observe(operation, outcome, started)

    def _observe(self, operation: str, outcome: str, started_ns: int) -> None:
        if self._on_request is not None:
            seconds = (self._clock.monotonic_ns() - started_ns) / 1e9
            self._on_request(operation, outcome, seconds)


@contextmanager
def sense(operation: str) -> Iterator[None]:
    """Raise ``ReadFailed`` for a reply that makes no sense."""
    try:
        yield
    except (*UNREADABLE, OutcomeUnknown) as error:
        raise ReadFailed(f"{operation}: {translate.one_line(error)}") from error
