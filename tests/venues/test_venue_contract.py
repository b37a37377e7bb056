"""What every venue promises, asked of the ccxt client and of the paper exchange alike."""

import asyncio
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from itertools import count

import pytest

from cryptobot.domain.errors import FenceClosed, NotSent, OrderRefused
from cryptobot.domain.ids import client_order_id
from cryptobot.domain.order import (
    Liquidity,
    OrderReport,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)
from cryptobot.trading.exchange import Exchange, OrderRequest

_numbers = count(1)
SYMBOL = "BTC/USDT"


class OpenPermit:
    """Lets an order through."""

    async def __call__(self) -> None:
        pass

    def check(self) -> None:
        pass


class ShutPermit(OpenPermit):
    """Refuses at the last look only."""

    def check(self) -> None:
        raise FenceClosed("the mode is paper")


def limit(
    side: Side,
    amount: str,
    price: str,
    *,
    type: OrderType = OrderType.LIMIT,  # noqa: A002 - the field's name
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> OrderRequest:
    return OrderRequest(
        client_order_id=client_order_id(f"{next(_numbers):032x}"[::-1]),
        symbol=SYMBOL,
        side=side,
        type=type,
        amount=D(amount),
        price=D(price),
        time_in_force=time_in_force,
    )


def market(side: Side, amount: str) -> OrderRequest:
    return replace(limit(side, amount, "1"), type=OrderType.MARKET, price=None)


async def place(venue: Exchange, request: OrderRequest) -> OrderReport:
    return await venue.place_order(request, OpenPermit())


async def test_limit_order_below_the_market_rests_and_can_be_cancelled(venue: Exchange) -> None:
    request = limit(Side.BUY, "0.01", "60000")
    report = await place(venue, request)
    assert report.state is OrderState.ACCEPTED
    assert report.client_order_id == request.client_order_id
    assert report.filled == 0

    (resting,) = await venue.open_orders(SYMBOL)
    assert resting.client_order_id == request.client_order_id
    assert (await venue.balances())["USDT"].locked == D(600)

    canceled = await venue.cancel_order(SYMBOL, request.client_order_id)
    assert canceled.state is OrderState.CANCELED
    assert canceled.client_order_id == request.client_order_id
    assert await venue.open_orders(SYMBOL) == []
    assert (await venue.balances())["USDT"].locked == 0


async def test_market_order_with_depth_fills_level_by_level_with_exact_fees(
    venue: Exchange,
) -> None:
    before = await venue.balances()
    report = await place(venue, market(Side.BUY, "1.5"))
    assert report.state is OrderState.FILLED
    assert report.filled == D("1.5")
    assert report.cost == D(64001) + D("0.5") * D(64002)
    fills = await venue.my_trades(SYMBOL)
    assert [(fill.price, fill.amount) for fill in fills] == [
        (D(64001), D(1)),
        (D(64002), D("0.5")),
    ]
    assert [fill.fee for fill in fills] == [D("0.001"), D("0.0005")]
    assert {fill.fee_currency for fill in fills} == {"BTC"}
    assert {fill.liquidity for fill in fills} == {Liquidity.TAKER}
    after = await venue.balances()
    assert after["BTC"].total - before["BTC"].total == D("1.5") - D("0.0015")
    assert before["USDT"].total - after["USDT"].total == report.cost


async def test_fills_in_the_answer_have_the_ids_of_my_trades(venue: Exchange) -> None:
    report = await place(venue, market(Side.SELL, "1.2"))
    fills = await venue.my_trades(SYMBOL)
    assert {fill.trade_id for fill in report.fills} == {fill.trade_id for fill in fills}
    assert sum(fill.amount for fill in report.fills) == report.filled


async def test_immediate_or_cancel_with_too_little_depth_fills_a_part_and_expires(
    venue: Exchange,
) -> None:
    request = limit(Side.BUY, "1.4", "64001", time_in_force=TimeInForce.IOC)
    report = await place(venue, request)
    assert (report.state, report.filled) == (OrderState.EXPIRED, D(1))


async def test_fill_or_kill_with_too_little_depth_expires_unfilled(venue: Exchange) -> None:
    request = limit(Side.BUY, "1.4", "64001", time_in_force=TimeInForce.FOK)
    report = await place(venue, request)
    assert (report.state, report.filled) == (OrderState.EXPIRED, D(0))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (limit(Side.BUY, "0.01", "65000", type=OrderType.LIMIT_MAKER), "would_take"),
        (limit(Side.BUY, "2", "60000"), "insufficient_funds"),
    ],
    ids=["post-only that would trade", "more than the account holds"],
)
async def test_order_that_the_venue_refuses_is_refused_and_leaves_no_trace(
    venue: Exchange, request_: OrderRequest, code: str
) -> None:
    before = await venue.balances()
    with pytest.raises(OrderRefused) as refused:
        await place(venue, request_)
    assert refused.value.code == code
    assert await venue.find_order(SYMBOL, request_.client_order_id) is None
    assert await venue.balances() == before


async def test_order_stopped_by_the_permit_never_reaches_the_venue(venue: Exchange) -> None:
    request = limit(Side.BUY, "0.01", "60000")
    with pytest.raises(FenceClosed):
        await venue.place_order(request, ShutPermit())
    assert await venue.find_order(SYMBOL, request.client_order_id) is None
    assert await venue.open_orders(SYMBOL) == []
    # And the venue is as well as before.
    assert (await place(venue, request)).state is OrderState.ACCEPTED


async def test_permit_that_waits_holds_the_order_back(venue: Exchange) -> None:
    gate = asyncio.Event()

    class Waiting(OpenPermit):
        async def __call__(self) -> None:
            waiting.set()
            await gate.wait()

    waiting = asyncio.Event()
    request = limit(Side.BUY, "0.01", "60000")
    task = asyncio.create_task(venue.place_order(request, Waiting()))
    await waiting.wait()
    assert await venue.find_order(SYMBOL, request.client_order_id) is None
    gate.set()
    assert (await task).state is OrderState.ACCEPTED


async def test_find_order_knows_open_closed_and_unknown_orders(venue: Exchange) -> None:
    resting, filled = limit(Side.SELL, "0.1", "70000"), market(Side.BUY, "0.1")
    await place(venue, resting)
    await place(venue, filled)
    found = await venue.find_order(SYMBOL, resting.client_order_id)
    assert found is not None
    assert (found.state, found.filled) == (OrderState.ACCEPTED, D(0))
    found = await venue.find_order(SYMBOL, filled.client_order_id)
    assert found is not None
    assert (found.state, found.filled) == (OrderState.FILLED, D("0.1"))
    assert await venue.find_order(SYMBOL, "cbnothing") is None


async def test_cancel_of_an_order_that_is_not_open_is_refused_as_not_found(
    venue: Exchange,
) -> None:
    request = market(Side.BUY, "0.1")
    await place(venue, request)
    for client_id in (request.client_order_id, "cbnothing"):
        with pytest.raises(OrderRefused) as refused:
            await venue.cancel_order(SYMBOL, client_id)
        assert refused.value.code == "order_not_found"


async def test_own_order_stream_tells_of_acceptance_fills_and_cancels(venue: Exchange) -> None:
    reports = venue.watch_order_reports()
    seen: list[OrderReport] = []
    resting, filled = limit(Side.BUY, "0.01", "60000"), market(Side.BUY, "1.5")

    async def collect() -> None:
        async for report in reports:
            seen.append(report)
            told.set()

    told = asyncio.Event()
    task = asyncio.create_task(collect())
    try:
        async with asyncio.timeout(20):
            # The subscription takes a moment; orders are placed until the stream tells of one.
            while not seen:
                probe = limit(Side.BUY, "0.01", "50000")
                await place(venue, probe)
                await venue.cancel_order(SYMBOL, probe.client_order_id)
                await asyncio.wait({asyncio.create_task(told.wait())}, timeout=0.3)
            await place(venue, resting)
            await place(venue, filled)
            await venue.cancel_order(SYMBOL, resting.client_order_id)
            while not _complete(seen, resting, filled):
                told.clear()
                await told.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    amounts = {fill.trade_id: fill.amount for report in seen for fill in report.fills}
    assert sum(amounts.values()) == D("1.5")


def _complete(seen: list[OrderReport], resting: OrderRequest, filled: OrderRequest) -> bool:
    ends = {(report.client_order_id, report.state) for report in seen}
    return {
        (resting.client_order_id, OrderState.ACCEPTED),
        (resting.client_order_id, OrderState.CANCELED),
        (filled.client_order_id, OrderState.FILLED),
    } <= ends and sum({f.trade_id: f.amount for r in seen for f in r.fills}.values()) >= D("1.5")


async def test_closed_venue_takes_no_orders(venue: Exchange) -> None:
    await venue.close()
    with pytest.raises(NotSent):
        await place(venue, limit(Side.BUY, "0.01", "60000"))


async def test_closed_orders_list_what_was_cancelled_or_filled_and_nothing_that_rests(
    venue: Exchange,
) -> None:
    resting, cancelled = (limit(Side.BUY, "0.01", "60000") for _ in range(2))
    filled = market(Side.BUY, "0.5")
    for request in (resting, cancelled, filled):
        await place(venue, request)
    await venue.cancel_order(SYMBOL, cancelled.client_order_id)
    closed = {report.client_order_id: report for report in await venue.closed_orders(SYMBOL, 0)}
    assert {client_id: report.state for client_id, report in closed.items()} == {
        cancelled.client_order_id: OrderState.CANCELED,
        filled.client_order_id: OrderState.FILLED,
    }
    said = closed[cancelled.client_order_id]
    assert (said.side, said.amount) == (Side.BUY, D("0.01"))
    assert await venue.closed_orders(SYMBOL, said.at_ns // 1_000_000 + 3_600_000) == []


async def test_find_by_exchange_id_gives_the_order_with_our_id(venue: Exchange) -> None:
    request = limit(Side.BUY, "0.01", "60000")
    report = await place(venue, request)
    found = await venue.find_by_exchange_id(SYMBOL, report.exchange_order_id)
    assert found is not None
    assert found.client_order_id == request.client_order_id
    assert await venue.find_by_exchange_id(SYMBOL, "999999") is None
