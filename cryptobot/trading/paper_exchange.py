"""The paper exchange: a venue in this process, matched against the live market's data."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Iterable, Mapping
from decimal import Decimal

from cryptobot.domain.clock import NS_PER_MS, Clock
from cryptobot.domain.errors import NotSent, OrderRefused, ReadFailed
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, PublicTrade
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Fill, Liquidity, Order, OrderReport, OrderState
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.ledger import Ledger
from cryptobot.matching.records import FeeSchedule, NewOrder, OrderRecord, TradeRecord
from cryptobot.matching.refusal import Refusal, RefusalCode
from cryptobot.trading.exchange import Balance, OrderRequest, Permit

_ID_PREFIX = "paper-"

_KEPT_CLOSED = 10_000
"""Closed orders remembered, with their trades; the journal has all of them."""


class PaperExchange:
    """Implements ``Exchange`` on a matching engine; nothing leaves the machine.

    It matches at once and synchronously: an answer is always definite, ``OutcomeUnknown`` is
    never raised.

    Args:
        instruments: By unified symbol; looked at for every order, so it may fill up later.
        balances: What the account starts with, locked or not: all of it is free here.
        fees: Maker and taker fractions.
        clock: Stamps orders and trades.
        exchange_id: What ``id`` answers.
        trade_prefix: Makes trade ids unique over restarts; another for every start.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        balances: Mapping[str, Balance],
        fees: FeeSchedule,
        clock: Clock,
        *,
        exchange_id: str = "paper",
        trade_prefix: str = "",
    ) -> None:
        self._id = exchange_id
        self._instruments = instruments
        self._trade_prefix = trade_prefix
        self._engine = MatchingEngine(
            instruments,
            Ledger(_totals(balances)),
            fees,
            clock,
            on_event=self._publish,
            keep_closed=_KEPT_CLOSED,
        )
        self._before_restart: dict[str, tuple[Decimal, Decimal]] = {}
        self._streams: weakref.WeakSet[_ReportStream] = weakref.WeakSet()
        self._restoring = False
        self._closed = False

    @property
    def id(self) -> str:
        """The id it was given."""
        return self._id

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The tradable symbols."""
        return self._instruments

    async def connect(self) -> None:
        """Do nothing: it is ready. Raises ``ReadFailed`` after ``close``."""
        self._ensure_readable()

    async def close(self) -> None:
        """End every report stream, after what is waiting in it; further calls raise."""
        self._closed = True
        for stream in tuple(self._streams):
            stream.end()

    # The market

    def on_book(self, book: Book) -> None:
        """Take the market's best levels; crossed orders fill."""
        self._engine.set_window(book.symbol, book.bids, book.asks)

    def on_trade(self, trade: PublicTrade) -> None:
        """Take a trade of the market; orders whose turn it is fill."""
        self._engine.apply_trade(trade.symbol, trade.price, trade.amount, trade.side)

    # The account

    def reset(self, balances: Mapping[str, Balance]) -> None:
        """Start the account anew: cancel its open orders, then hold exactly ``balances``.

        Locked amounts count as held and free: what the live account has bound in its own orders
        belongs to its equity too.
        """
        for symbol in dict.fromkeys(record.symbol for record in self._engine.open_orders()):
            self._engine.cancel_all(symbol)
        self._engine.ledger.reset(_totals(balances))

    def restore(self, balances: Mapping[str, Balance], orders: Iterable[Order]) -> list[Order]:
        """Go on after a restart: hold ``balances`` and put ``orders`` back into the book.

        They keep their client order ids and what had filled before; no report is made of it.

        Returns:
            The orders that could not be put back: their symbol is gone, the funds do not cover
            them, or they were no limit orders. They do not exist here.
        """
        self.reset(balances)
        lost = []
        self._restoring = True
        try:
            for order in orders:
                try:
                    self._put_back(order)
                except Refusal:
                    lost.append(order)
        finally:
            self._restoring = False
        return lost

    # Orders

    async def place_order(self, request: OrderRequest, permit: Permit) -> OrderReport:
        """Place an order and match it at once.

        Raises:
            OrderRefused: With the matching engine's code, such as ``insufficient_funds``.
            NotSent: By ``permit``, or with code ``closed``; nothing changed.
        """
        await permit()
        permit.check()
        self._ensure_open()
        try:
            record = self._engine.place(_new_order(request))
        except Refusal as refusal:
            raise OrderRefused(refusal.message, str(refusal.code)) from None
        return self._report(record, record.fills)

    async def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport:
        """Cancel an open order.

        Raises:
            OrderRefused: ``order_not_found``: it is filled, cancelled or unknown.
            NotSent: With code ``closed``.
        """
        self._ensure_open()
        record = self._engine.find(symbol, client_order_id=client_order_id)
        if record is None or not record.is_open:
            raise OrderRefused(f"no open order {client_order_id} of {symbol}", "order_not_found")
        after = self._engine.cancel(symbol, record.order_id)
        return self._report(after, after.fills)

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Look an order up.

        ``None`` when it was never placed, closed before the restart, or closed so long ago that
        it is not among the newest 10,000 closed orders.
        """
        self._ensure_readable()
        record = self._engine.find(symbol, client_order_id=client_order_id)
        return None if record is None else self._report(record, record.fills)

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: str) -> OrderReport | None:
        """Look an order up by this exchange's id, which is made of the client's."""
        return await self.find_order(symbol, exchange_order_id.removeprefix(_ID_PREFIX))

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        """Return the open orders of a symbol, oldest first."""
        self._ensure_readable()
        return [self._report(record, record.fills) for record in self._engine.open_orders(symbol)]

    async def closed_orders(self, symbol: str, since_ms: int | None) -> list[OrderReport]:
        """Return the closed orders of a symbol made since, oldest first: the newest 10,000."""
        self._ensure_readable()
        return [
            self._report(record, record.fills)
            for record in self._engine.orders(symbol)
            if not record.is_open and record.created_ns >= (since_ms or 0) * NS_PER_MS
        ]

    async def my_trades(self, symbol: str, since_ms: int | None = None) -> list[Fill]:
        """Return the trades of a symbol since the start of this process, oldest first.

        Only those of the open and the newest 10,000 closed orders.
        """
        self._ensure_readable()
        since_ns = (since_ms or 0) * NS_PER_MS
        return [
            self._fill(trade) for trade in self._engine.trades(symbol) if trade.at_ns >= since_ns
        ]

    async def balances(self) -> Mapping[str, Balance]:
        """Return the assets that are not zero."""
        self._ensure_readable()
        return {
            asset: Balance(holding.free, holding.locked)
            for asset, holding in self._engine.ledger.balances().items()
            if holding.free or holding.locked
        }

    def watch_order_reports(self) -> AsyncIterator[OrderReport]:
        """Yield every change of our orders from this call on; none is dropped."""
        self._ensure_readable()
        stream = _ReportStream()
        self._streams.add(stream)
        return stream

    # Inside

    def _put_back(self, order: Order) -> None:
        if order.price is None:
            raise Refusal(RefusalCode.FILTER_PRICE, "only limit orders rest")
        self._engine.rest(
            NewOrder(
                symbol=order.symbol,
                side=order.side,
                type=order.type,
                amount=order.remaining,
                price=order.price,
                time_in_force=order.time_in_force,
                client_order_id=order.client_order_id,
            )
        )
        self._before_restart[order.client_order_id] = (order.filled, order.cost)

    def _publish(self, event: ExecutionEvent) -> None:
        if self._restoring:
            return
        fills = () if event.trade is None else (event.trade,)
        report = self._report(event.order, fills)
        for stream in tuple(self._streams):
            stream.put(report)

    def _report(self, record: OrderRecord, trades: Iterable[TradeRecord]) -> OrderReport:
        filled, cost = self._before_restart.get(record.client_order_id, (ZERO, ZERO))
        state = record.state
        if state is OrderState.ACCEPTED and filled:
            state = OrderState.PARTIALLY_FILLED
        return OrderReport(
            symbol=record.symbol,
            client_order_id=record.client_order_id,
            exchange_order_id=_exchange_order_id(record.client_order_id),
            state=state,
            filled=filled + record.executed,
            cost=cost + record.cost,
            at_ns=record.updated_ns,
            fills=tuple(self._fill(trade) for trade in trades),
            reason=record.reason,
            side=record.side,
            amount=filled + record.amount,
        )

    def _fill(self, trade: TradeRecord) -> Fill:
        return Fill(
            trade_id=f"{self._trade_prefix}{trade.trade_id}",
            exchange_order_id=_exchange_order_id(trade.client_order_id),
            client_order_id=trade.client_order_id,
            symbol=trade.symbol,
            side=trade.side,
            price=trade.price,
            amount=trade.amount,
            fee=trade.commission,
            fee_currency=trade.commission_asset,
            liquidity=Liquidity.MAKER if trade.is_maker else Liquidity.TAKER,
            at_ns=trade.at_ns,
        )

    def _ensure_open(self) -> None:
        if self._closed:
            raise NotSent("the paper exchange is closed", "closed")

    def _ensure_readable(self) -> None:
        if self._closed:
            raise ReadFailed("the paper exchange is closed")


class _ReportStream:
    """Reports waiting for one watcher. The exchange holds it weakly: dropped with its watcher."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[OrderReport | None] = asyncio.Queue()
        self._ended = False

    def put(self, report: OrderReport) -> None:
        self._waiting.put_nowait(report)

    def end(self) -> None:
        self._waiting.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[OrderReport]:
        return self

    async def __anext__(self) -> OrderReport:
        report = None if self._ended else await self._waiting.get()
        if report is None:
            self._ended = True
            raise StopAsyncIteration
        return report


def _exchange_order_id(client_order_id: str) -> str:
    """Return an id that stays the same over restarts, as an exchange's does."""
    return f"{_ID_PREFIX}{client_order_id}"


def _totals(balances: Mapping[str, Balance]) -> dict[str, Decimal]:
    return {asset: balance.total for asset, balance in balances.items()}


def _new_order(request: OrderRequest) -> NewOrder:
    return NewOrder(
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        amount=request.amount,
        price=request.price,
        time_in_force=request.time_in_force,
        client_order_id=request.client_order_id,
    )
