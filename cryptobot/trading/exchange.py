"""The one Protocol behind which every venue stands: the ccxt client and the paper exchange."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle, PublicTrade
from cryptobot.domain.order import Fill, OrderReport, OrderType, Side, TimeInForce


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a venue is asked to place.

    Attributes:
        amount: In base currency.
        price: In quote currency; ``None`` for market orders.
    """

    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None
    time_in_force: TimeInForce


@dataclass(frozen=True, slots=True)
class Balance:
    """An asset's holdings: ``locked`` is bound in open orders."""

    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        """Free and locked together."""
        return self.free + self.locked


class Permit(Protocol):
    """Leave to send one order, asked for at the last point before bytes leave."""

    async def __call__(self) -> None:
        """Return when the intent is journalled and the fence is open.

        Raises:
            NotSent: The order must not leave.
        """
        ...

    def check(self) -> None:
        """Look at the fence once more, without waiting, right before the bytes are written.

        A venue that waits between the call above and the write must call this too; from its
        return on the order counts as sent.

        Raises:
            NotSent: The order must not leave.
        """
        ...


class Exchange(Protocol):
    """A venue that trades.

    Every contract here is held by one suite that all venues pass (``tests/trading/``).
    """

    @property
    def id(self) -> str:
        """Its ccxt id, such as ``binance``."""
        ...

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Its tradable symbols; empty before ``connect``."""
        ...

    async def connect(self) -> None:
        """Load instruments and make ready. Raises ``ReadFailed`` when that cannot be done now."""
        ...

    async def close(self) -> None:
        """Close every connection. Further calls raise."""
        ...

    async def place_order(self, request: OrderRequest, permit: Permit) -> OrderReport:
        """Place an order and return the venue's answer.

        Raises:
            OrderRefused: The venue definitely refused.
            NotSent: It provably was not executed (also raised by ``permit``).
            OutcomeUnknown: Anything else. Nothing else is raised but ``CancelledError``.
        """
        ...

    async def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport:
        """Cancel an open order; the report is the order's state after it.

        Raises:
            OrderRefused: With code ``order_not_found``: it is filled, cancelled or unknown.
            NotSent, OutcomeUnknown: As for ``place_order``.
        """
        ...

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Look an order up by our id; ``None`` means "the venue says it does not know it (yet)".

        Raises:
            ReadFailed: The look-up itself failed; it says nothing about the order.
        """
        ...

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: str) -> OrderReport | None:
        """Look an order up by the venue's own id; else as ``find_order``.

        The report carries the client order id that the venue knows, which need not be ours.
        """
        ...

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        """Return the account's open orders of a symbol. Raises ``ReadFailed``."""
        ...

    async def closed_orders(self, symbol: str, since_ms: int | None) -> list[OrderReport]:
        """Return the account's orders of a symbol that are filled, cancelled, expired or rejected.

        Args:
            symbol: The unified symbol.
            since_ms: All orders made at or after this UTC time in milliseconds, however many;
                ``None``: only the latest.

        Raises:
            ReadFailed: They could not be read.
            ReadUnsupported: The venue keeps no such list.
        """
        ...

    async def my_trades(self, symbol: str, since_ms: int | None = None) -> list[Fill]:
        """Return the account's trades of a symbol, oldest first. Raises ``ReadFailed``.

        Args:
            symbol: The unified symbol.
            since_ms: All trades at or after this UTC time in milliseconds, however many;
                ``None``: only the latest.
        """
        ...

    async def balances(self) -> Mapping[str, Balance]:
        """Return the account's assets that are not zero. Raises ``ReadFailed``."""
        ...

    def watch_order_reports(self) -> AsyncIterator[OrderReport]:
        """Yield changes of our own orders as they happen. Gaps are possible: reconcile."""
        ...


class MarketSource(Protocol):
    """Public market data of a venue: streams that reconnect by themselves, and REST backfill."""

    def watch_book(self, symbol: str) -> AsyncIterator[Book]:
        """Yield the book at every change."""
        ...

    def watch_trades(self, symbol: str) -> AsyncIterator[PublicTrade]:
        """Yield public trades."""
        ...

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncIterator[Candle]:
        """Yield the running candle at every change, and each new one."""
        ...

    async def candles(self, symbol: str, timeframe: str, limit: int) -> list[Candle]:
        """Return the latest candles, oldest first, by REST. Raises ``ReadFailed``."""
        ...
