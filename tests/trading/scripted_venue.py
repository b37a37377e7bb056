"""A venue at the network's edge that answers as the test says and remembers what reached it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

from cryptobot.domain.clock import NS_PER_MS, ManualClock
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.order import Fill, Liquidity, OrderReport, OrderState, Side
from cryptobot.trading.exchange import Balance, OrderRequest, Permit

SYMBOL = "BTC/USDT"
NOW_NS = ManualClock().now_ns()
INSTRUMENT = Instrument(SYMBOL, "BTC", "USDT", D("0.01"), D("0.001"), D("0.001"), min_notional=D(5))

Outcome = OrderReport | BaseException
Answer = Callable[[OrderRequest], Outcome]


def a_report(
    client_order_id: str | None,
    state: OrderState = OrderState.ACCEPTED,
    *,
    filled: str = "0",
    cost: str | None = None,
    fills: tuple[Fill, ...] = (),
    exchange_order_id: str | None = None,
    reason: str | None = None,
) -> OrderReport:
    return OrderReport(
        symbol=SYMBOL,
        client_order_id=client_order_id,
        exchange_order_id=exchange_order_id or f"x-{client_order_id}",
        state=state,
        filled=D(filled),
        cost=None if cost is None else D(cost),
        at_ns=NOW_NS,
        fills=fills,
        reason=reason,
    )


def a_trade(
    trade_id: str,
    client_order_id: str,
    *,
    amount: str = "1",
    price: str = "100",
    side: Side = Side.BUY,
    at_ns: int = NOW_NS,
) -> Fill:
    """A trade as an exchange lists it: it names the order by the exchange's id only."""
    return Fill(
        trade_id=trade_id,
        exchange_order_id=f"x-{client_order_id}",
        client_order_id=None,
        symbol=SYMBOL,
        side=side,
        price=D(price),
        amount=D(amount),
        fee=D("0.1"),
        fee_currency="USDT",
        liquidity=Liquidity.TAKER,
        at_ns=at_ns,
    )


def accept(request: OrderRequest) -> OrderReport:
    return a_report(request.client_order_id)


class ScriptedVenue:
    """Implements ``Exchange``."""

    def __init__(self, venue_id: str = "binance") -> None:
        self.id = venue_id
        self.instruments: dict[str, Instrument] = {SYMBOL: INSTRUMENT}
        self.answer: Answer = accept
        self.refuse_unasked: BaseException | None = None
        """Raised before leave is asked for, as a client without a connection does."""
        self.at_permit: Callable[[OrderRequest], None] = lambda _: None
        """Called when leave was given, before the last look at the fence."""
        self.queue: asyncio.Event | None = None
        """An order waits for it before it asks for leave: a limiter, a lock, a connection."""
        self.reply: asyncio.Event | None = None
        """The answer waits for it after the order has left."""
        self.on_the_wire: list[OrderRequest] = []
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()
        self.cancels: list[str] = []
        self.cancel_answer: Callable[[str], Outcome] = lambda client_id: a_report(
            client_id, OrderState.CANCELED
        )
        self.known: dict[str, Outcome] = {}
        self.lookups: list[str] = []
        self.looked_up = asyncio.Event()
        self.by_exchange_id: dict[str, OrderReport] = {}
        self.listed: list[OrderReport] = []
        self.closed: list[OrderReport] = []
        self.closed_error: Exception | None = None
        self.trades_error: Exception | None = None
        self.list_error: Exception | None = None
        self.trades: list[Fill] = []
        self.held: dict[str, str] = {"USDT": "1000"}
        self.held_next: list[dict[str, str]] = []
        """What the account holds at the next reads; then it goes on holding the last."""
        self.balances_asked = 0
        self.trades_asked: list[int | None] = []
        self.closed_asked: list[int | None] = []

    async def connect(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def place_order(self, request: OrderRequest, permit: Permit) -> OrderReport:
        if self.refuse_unasked is not None:
            raise self.refuse_unasked
        self.arrived.set()
        if self.queue is not None:
            await self.queue.wait()
        await permit()
        self.at_permit(request)
        permit.check()
        self.on_the_wire.append(request)
        self.left.set()
        if self.reply is not None:
            await self.reply.wait()
        return _given(self.answer(request))

    async def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport:
        assert symbol == SYMBOL
        self.cancels.append(client_order_id)
        if self.reply is not None:
            await self.reply.wait()
        return _given(self.cancel_answer(client_order_id))

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        assert symbol == SYMBOL
        self.lookups.append(client_order_id)
        self.looked_up.set()
        outcome = self.known.get(client_order_id)
        return None if outcome is None else _given(outcome)

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: str) -> OrderReport | None:
        assert symbol == SYMBOL
        return self.by_exchange_id.get(exchange_order_id)

    async def closed_orders(self, symbol: str, since_ms: int | None) -> list[OrderReport]:
        assert symbol == SYMBOL
        self.closed_asked.append(since_ms)
        if self.closed_error is not None:
            raise self.closed_error
        return [said for said in self.closed if said.at_ns >= (since_ms or 0) * NS_PER_MS]

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        assert symbol == SYMBOL
        if self.list_error is not None:
            raise self.list_error
        return list(self.listed)

    async def my_trades(self, symbol: str, since_ms: int | None = None) -> list[Fill]:
        assert symbol == SYMBOL
        self.trades_asked.append(since_ms)
        if self.trades_error is not None:
            raise self.trades_error
        return [trade for trade in self.trades if trade.at_ns >= (since_ms or 0) * NS_PER_MS]

    async def balances(self) -> Mapping[str, Balance]:
        self.balances_asked += 1
        if self.held_next:
            self.held = self.held_next.pop(0)
        return {asset: Balance(D(total), D(0)) for asset, total in self.held.items()}

    async def watch_order_reports(self) -> AsyncIterator[OrderReport]:
        for report in self.listed:
            yield report


def _given(outcome: Outcome) -> OrderReport:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
