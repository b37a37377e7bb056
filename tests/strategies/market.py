"""Scripted books, candles and orders for strategies."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

from cryptobot.domain.errors import NotSent
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle, Level
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import (
    Fill,
    Liquidity,
    Order,
    OrderIntent,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)

SYMBOL = "BTC/USDT"
INSTRUMENT = Instrument(SYMBOL, "BTC", "USDT", D("0.01"), D("0.001"), D("0.001"))
MINUTE_MS = 60_000


def a_book(bid: str, ask: str | None = None, *, at_ms: int = 0, symbol: str = SYMBOL) -> Book:
    asks = () if ask is None else (Level(D(ask), D(1)),)
    return Book(symbol, (Level(D(bid), D(1)),), asks, at_ms * 1_000_000)


def candles(closes: Iterable[float | str], *, symbol: str = SYMBOL) -> list[Candle]:
    return [
        Candle(symbol, "1m", number * MINUTE_MS, *(D(str(close)),) * 4, D(1))
        for number, close in enumerate(closes)
    ]


def an_order(order_id: str, side: Side = Side.BUY, price: str = "100", **changes: object) -> Order:
    order = Order(
        order_id=order_id,
        request_id="r",
        client_order_id=f"cb{order_id}",
        symbol=SYMBOL,
        side=side,
        type=OrderType.LIMIT,
        amount=D(1),
        price=D(price),
        time_in_force=TimeInForce.GTC,
        origin="strategy:test",
        mode=Mode.LIVE,
        state=OrderState.ACCEPTED,
        created_ns=0,
        updated_ns=0,
    )
    return replace(order, **changes)  # type: ignore[arg-type]


def a_fill(order: Order) -> Fill:
    return Fill(
        trade_id="t1",
        exchange_order_id="x1",
        client_order_id=order.client_order_id,
        symbol=SYMBOL,
        side=order.side,
        price=order.price or D(100),
        amount=order.amount,
        fee=D(0),
        fee_currency="USDT",
        liquidity=Liquidity.MAKER,
        at_ns=0,
    )


class ScriptedOrders:
    """Where a runner's actions end."""

    def __init__(self) -> None:
        self.placed: list[OrderIntent] = []
        self.cancelled: list[str] = []
        self.open: list[Order] = []
        self.fail: Exception | None = None
        self.acted = asyncio.Event()

    async def place(self, intent: OrderIntent) -> Order:
        self.placed.append(intent)
        self.acted.set()
        if self.fail is not None:
            raise self.fail
        return an_order(str(len(self.placed)), intent.side, origin=intent.origin)

    async def cancel(self, order_id: str) -> Order:
        self.cancelled.append(order_id)
        self.acted.set()
        if self.fail is not None:
            raise self.fail
        return an_order(order_id, state=OrderState.CANCELED)

    def unreachable(self) -> None:
        self.fail = NotSent("no route", "network")

    async def until(self, *, placed: int = 0, cancelled: int = 0) -> None:
        async with asyncio.timeout(10):
            while len(self.placed) < placed or len(self.cancelled) < cancelled:
                self.acted.clear()
                await self.acted.wait()


def sides(intents: Sequence[object]) -> list[str]:
    return [str(intent.side) for intent in intents if isinstance(intent, OrderIntent)]
