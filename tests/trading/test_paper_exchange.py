import asyncio
from collections.abc import Mapping
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from cryptobot.domain.errors import FenceClosed, NotSent, OrderRefused, ReadFailed
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Level, PublicTrade
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import (
    Liquidity,
    Order,
    OrderReport,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)
from cryptobot.matching.records import FeeSchedule
from cryptobot.trading.exchange import Balance, Exchange, OrderRequest
from cryptobot.trading.paper_exchange import PaperExchange

SYMBOL = "BTC/USDT"
BUY, SELL = Side.BUY, Side.SELL
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
INSTRUMENT = Instrument(SYMBOL, "BTC", "USDT", D("0.01"), D("0.001"), D("0.001"), min_notional=D(5))
HELD = {"BTC": Balance(D(8), D(2)), "USDT": Balance(D(10000), D(0)), "ETH": Balance(D(0), D(0))}


class OpenGate:
    """A permit that lets everything through and counts."""

    def __init__(self) -> None:
        self.asked = self.checked = 0

    async def __call__(self) -> None:
        self.asked += 1

    def check(self) -> None:
        self.checked += 1


class ShutGate(OpenGate):
    """A permit that refuses: when asked, or only at the last look."""

    def __init__(self, *, when: str) -> None:
        super().__init__()
        self.when = when

    async def __call__(self) -> None:
        if self.when == "asked":
            raise FenceClosed("the fence is closed")

    def check(self) -> None:
        raise FenceClosed("the fence is closed")


class Paper:
    """A paper exchange with short words for what tests do."""

    def __init__(self, instruments: Mapping[str, Instrument] | None = None) -> None:
        self.clock = ManualClock()
        self.exchange = PaperExchange(
            {SYMBOL: INSTRUMENT} if instruments is None else instruments,
            HELD,
            FeeSchedule(),
            self.clock,
            trade_prefix="run7-",
        )

    def book(self, bid: str | None = "99", ask: str | None = "101", amount: str = "2") -> None:
        self.exchange.on_book(
            Book(
                SYMBOL,
                () if bid is None else (Level(D(bid), D(amount)), Level(D(bid) - 5, D(50))),
                () if ask is None else (Level(D(ask), D(amount)), Level(D(ask) + 5, D(50))),
                self.clock.now_ns(),
            )
        )

    def trade(self, taker: Side, amount: str, price: str) -> None:
        at_ns = self.clock.now_ns()
        self.exchange.on_trade(PublicTrade(SYMBOL, "1", taker, D(price), D(amount), at_ns))

    async def place(
        self,
        client_order_id: str,
        side: Side,
        amount: str,
        price: str | None = None,
        *,
        permit: OpenGate | None = None,
        symbol: str = SYMBOL,
    ) -> OrderReport:
        return await self.exchange.place_order(
            OrderRequest(
                client_order_id,
                symbol,
                side,
                MARKET if price is None else LIMIT,
                D(amount),
                None if price is None else D(price),
                TimeInForce.GTC,
            ),
            permit or OpenGate(),
        )


@pytest.fixture
def paper() -> Paper:
    paper = Paper()
    paper.book()
    return paper


def rested(client_order_id: str, *, amount: str, filled: str = "0", price: str = "95") -> Order:
    return Order(
        order_id=client_order_id,
        request_id="r",
        client_order_id=client_order_id,
        symbol=SYMBOL,
        side=BUY,
        type=LIMIT,
        amount=D(amount),
        price=D(price),
        time_in_force=TimeInForce.GTC,
        origin="manual",
        mode=Mode.PAPER,
        state=OrderState.PARTIALLY_FILLED if D(filled) else OrderState.ACCEPTED,
        created_ns=0,
        updated_ns=0,
        filled=D(filled),
        cost=D(filled) * D(price),
    )


async def test_paper_exchange_is_an_exchange(paper: Paper) -> None:
    exchange: Exchange = paper.exchange
    await exchange.connect()
    assert exchange.id == "paper"
    assert exchange.instruments[SYMBOL] is INSTRUMENT


async def test_market_order_with_book_fills_at_once(paper: Paper) -> None:
    gate = OpenGate()
    report = await paper.place("a", BUY, "1.5", permit=gate)
    assert (gate.asked, gate.checked) == (1, 1)
    assert (report.state, report.filled, report.cost) == (OrderState.FILLED, D("1.5"), D("151.5"))
    (fill,) = report.fills
    assert (fill.fee, fill.fee_currency) == (D("0.0015"), "BTC")
    assert fill.liquidity is Liquidity.TAKER
    assert fill.client_order_id == report.client_order_id == "a"
    assert fill.trade_id == "run7-1"


async def test_market_order_with_empty_book_is_refused() -> None:
    with pytest.raises(OrderRefused) as caught:
        await Paper().place("a", BUY, "1")
    assert caught.value.code == "no_liquidity"


@pytest.mark.parametrize(
    ("order", "symbol", "code"),
    [
        ((BUY, "1", "90"), "ETH/USDT", "unknown_symbol"),
        ((BUY, "1000", "90"), SYMBOL, "insufficient_funds"),
        ((SELL, "10.001", "110"), SYMBOL, "insufficient_funds"),
        ((BUY, "1.0001", "90"), SYMBOL, "filter_lot"),
        ((BUY, "1", "90.001"), SYMBOL, "filter_price"),
        ((BUY, "0.001", "90"), SYMBOL, "filter_notional"),
        ((BUY, "1", "91"), SYMBOL, "duplicate_client_order_id"),
    ],
)
async def test_place_with_bad_order_is_refused_with_its_code(
    paper: Paper, order: tuple[Side, str, str], symbol: str, code: str
) -> None:
    await paper.place("taken", BUY, "1", "90")
    before = await paper.exchange.balances()
    client_order_id = "taken" if code == "duplicate_client_order_id" else "a"
    with pytest.raises(OrderRefused) as caught:
        await paper.place(client_order_id, *order, symbol=symbol)
    assert caught.value.code == code
    assert await paper.exchange.balances() == before


@pytest.mark.parametrize("when", ["asked", "checked"])
async def test_place_with_refusing_permit_leaves_no_trace(paper: Paper, when: str) -> None:
    before = await paper.exchange.balances()
    reports = paper.exchange.watch_order_reports()
    with pytest.raises(FenceClosed):
        await paper.place("a", BUY, "1", permit=ShutGate(when=when))
    assert await paper.exchange.find_order(SYMBOL, "a") is None
    assert await paper.exchange.my_trades(SYMBOL) == []
    assert await paper.exchange.balances() == before
    await paper.exchange.close()
    assert [report async for report in reports] == []


async def test_place_cancelled_while_the_permit_waits_leaves_no_trace(paper: Paper) -> None:
    waiting = asyncio.Event()

    class Slow(OpenGate):
        async def __call__(self) -> None:
            waiting.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(paper.place("a", BUY, "1", permit=Slow()))
    await asyncio.wait_for(waiting.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await paper.exchange.find_order(SYMBOL, "a") is None


async def test_resting_order_with_trades_and_books_fills_as_maker(paper: Paper) -> None:
    report = await paper.place("a", BUY, "1", "99")
    assert (report.state, report.fills) == (OrderState.ACCEPTED, ())
    paper.trade(SELL, "2.25", "99")  # 2 are ahead of us
    found = await paper.exchange.find_order(SYMBOL, "a")
    assert found is not None
    assert (found.state, found.filled) == (OrderState.PARTIALLY_FILLED, D("0.25"))
    paper.book("97", "98")
    found = await paper.exchange.find_order(SYMBOL, "a")
    assert found is not None
    assert (found.state, found.cost) == (OrderState.FILLED, D(99))
    assert {fill.liquidity for fill in found.fills} == {Liquidity.MAKER}


async def test_snapshots_repeating_what_we_took_do_not_give_it_twice(paper: Paper) -> None:
    await paper.place("a", BUY, "2")
    paper.book()
    report = await paper.place("b", BUY, "1")
    assert report.fills[0].price == D(106)
    paper.book("90", "95")  # shows up to 100: 101 is out of the window
    paper.book()
    assert (await paper.place("c", BUY, "1")).fills[0].price == D(106)
    paper.book("97", "99")  # shows up to 104: 101 is gone
    paper.book()
    assert (await paper.place("d", BUY, "1")).fills[0].price == D(101)


async def test_cancel_with_open_order_reports_it_and_frees_its_funds(paper: Paper) -> None:
    await paper.place("a", BUY, "1", "90")
    assert (await paper.exchange.balances())["USDT"] == Balance(D(9910), D(90))
    report = await paper.exchange.cancel_order(SYMBOL, "a")
    assert (report.state, report.client_order_id) == (OrderState.CANCELED, "a")
    assert (await paper.exchange.balances())["USDT"] == Balance(D(10000), D(0))


@pytest.mark.parametrize("client_order_id", ["filled", "never"])
async def test_cancel_with_closed_or_unknown_order_is_refused(
    paper: Paper, client_order_id: str
) -> None:
    await paper.place("filled", BUY, "1")
    with pytest.raises(OrderRefused) as caught:
        await paper.exchange.cancel_order(SYMBOL, client_order_id)
    assert caught.value.code == "order_not_found"


async def test_open_orders_with_several_lists_open_ones_of_the_symbol(paper: Paper) -> None:
    await paper.place("a", BUY, "1", "90")
    await paper.place("b", BUY, "1")
    await paper.place("c", SELL, "1", "110")
    found = await paper.exchange.open_orders(SYMBOL)
    assert [report.client_order_id for report in found] == ["a", "c"]
    assert await paper.exchange.open_orders("ETH/USDT") == []


async def test_my_trades_with_since_gives_those_at_or_after_it(paper: Paper) -> None:
    await paper.place("a", BUY, "1")
    paper.clock.advance(NS_PER_S)
    await paper.place("b", SELL, "1")
    since_ms = paper.clock.now_ns() // NS_PER_MS
    trades = await paper.exchange.my_trades(SYMBOL)
    assert [fill.client_order_id for fill in trades] == ["a", "b"]
    assert await paper.exchange.my_trades(SYMBOL, since_ms) == trades[1:]
    assert await paper.exchange.my_trades(SYMBOL, since_ms + 1) == []


async def test_balances_at_the_start_are_all_free_and_leave_out_zeros(paper: Paper) -> None:
    assert await paper.exchange.balances() == {
        "BTC": Balance(D(10), D(0)),
        "USDT": Balance(D(10000), D(0)),
    }


async def test_reports_with_two_watchers_give_each_every_change_in_order(paper: Paper) -> None:
    watchers = [paper.exchange.watch_order_reports() for _ in range(2)]
    await paper.place("a", BUY, "3", "101")
    paper.trade(SELL, "0.5", "101")
    await paper.exchange.cancel_order(SYMBOL, "a")
    await paper.exchange.close()
    for watcher in watchers:
        reports = [report async for report in watcher]
        assert [(report.state, report.filled) for report in reports] == [
            (OrderState.ACCEPTED, D(0)),
            (OrderState.PARTIALLY_FILLED, D(2)),
            (OrderState.PARTIALLY_FILLED, D("2.5")),
            (OrderState.CANCELED, D("2.5")),
        ]
        assert [len(report.fills) for report in reports] == [0, 1, 1, 0]


async def test_reports_with_nobody_reading_for_long_drop_nothing(paper: Paper) -> None:
    reports = paper.exchange.watch_order_reports()
    for number in range(3000):
        await paper.place(f"o{number}", BUY, "0.1", "90")
        await paper.exchange.cancel_order(SYMBOL, f"o{number}")
    await paper.exchange.close()
    assert len([report async for report in reports]) == 6000


async def test_reports_with_a_waiting_watcher_wake_it(paper: Paper) -> None:
    reports = paper.exchange.watch_order_reports()
    waiting = asyncio.ensure_future(anext(reports))
    await paper.place("a", BUY, "1", "90")
    assert (await waiting).client_order_id == "a"


async def test_reset_cancels_what_is_open_and_holds_the_new_balances(paper: Paper) -> None:
    await paper.place("a", BUY, "1", "90")
    reports = paper.exchange.watch_order_reports()
    paper.exchange.reset({"USDT": Balance(D(5), D(7))})
    assert (await anext(reports)).state is OrderState.CANCELED
    assert await paper.exchange.balances() == {"USDT": Balance(D(12), D(0))}
    report = await paper.place("b", BUY, "0.1")  # the book is still there
    assert report.fills[0].price == D(101)


async def test_restore_with_partly_filled_order_goes_on_from_there() -> None:
    paper = Paper()
    reports = paper.exchange.watch_order_reports()
    lost = paper.exchange.restore(
        {"USDT": Balance(D(900), D(95))}, [rested("old", amount="1.5", filled="0.5")]
    )
    assert lost == []
    assert await paper.exchange.balances() == {"USDT": Balance(D(900), D(95))}
    (found,) = await paper.exchange.open_orders(SYMBOL)
    assert (found.client_order_id, found.state) == ("old", OrderState.PARTIALLY_FILLED)
    assert (found.filled, found.cost) == (D("0.5"), D("47.5"))
    paper.book("90", "95")
    report = await anext(reports)  # the restoring itself told nobody
    assert (report.state, report.filled, report.cost) == (OrderState.FILLED, D("1.5"), D("142.5"))
    assert report.exchange_order_id == found.exchange_order_id


async def test_restore_with_remainder_below_the_minimum_keeps_it() -> None:
    paper = Paper()
    order = rested("old", amount="1", filled="0.99")
    assert paper.exchange.restore({"USDT": Balance(D(10), D(0))}, [order]) == []
    assert len(await paper.exchange.open_orders(SYMBOL)) == 1


async def test_restore_with_too_little_money_returns_what_is_lost() -> None:
    paper = Paper()
    fits, lost = rested("fits", amount="1"), rested("lost", amount="1")
    assert paper.exchange.restore({"USDT": Balance(D(100), D(0))}, [fits, lost]) == [lost]
    assert await paper.exchange.find_order(SYMBOL, "lost") is None


async def test_instruments_filled_in_later_are_used() -> None:
    instruments: dict[str, Instrument] = {}
    paper = Paper(instruments)
    paper.book()
    instruments[SYMBOL] = INSTRUMENT
    assert (await paper.place("a", BUY, "1")).state is OrderState.FILLED


async def test_closed_exchange_refuses_every_call(paper: Paper) -> None:
    exchange = paper.exchange
    await exchange.close()
    for read in (
        exchange.connect(),
        exchange.balances(),
        exchange.open_orders(SYMBOL),
        exchange.my_trades(SYMBOL),
        exchange.find_order(SYMBOL, "a"),
    ):
        with pytest.raises(ReadFailed):
            await read
    with pytest.raises(ReadFailed):
        exchange.watch_order_reports()
    for write in (paper.place("a", BUY, "1"), exchange.cancel_order(SYMBOL, "a")):
        with pytest.raises(NotSent) as caught:
            await write
        assert caught.value.code == "closed"
