"""What a start makes of what the journal holds after a crash."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path

import pytest

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.order import Fill, Order, OrderState, Side
from cryptobot.engine import recovery
from cryptobot.engine.metrics_feed import MetricsFeed
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import AccountSnapshot, Holding, ModeChange
from cryptobot.trading.exchange import Balance
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.portfolio import Portfolio
from telemetry.metrics import Metrics
from telemetry.testing import sample
from tests.journal.samples import T0, a_fill, an_order

S = OrderState


class Started:
    """A new run over an old journal."""

    def __init__(self, journal: Journal, clock: ManualClock) -> None:
        self.journal = journal
        self.metrics = Metrics(exchanges=("binance",), symbols=("BTC/USDT",), currencies=("USDT",))
        self.feed = MetricsFeed(self.metrics, "binance", clock)
        self.orders = OrderJournal(journal, "binance")
        self.tracker = OrderTracker(clock, self.orders.change)
        self.portfolio = Portfolio(lambda _: D(100))

    async def recover(self) -> list[Order]:
        await recovery.restore_metrics(self.journal, self.feed)
        self.orders.listen(self.feed.on_recorded)
        unresolved = await recovery.restore_orders(self.journal, self.tracker)
        await recovery.restore_positions(self.journal, self.portfolio)
        await self.orders.drain()
        return unresolved

    def amount(self, mode: Mode) -> D:
        return self.portfolio.position(mode, "BTC/USDT")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0 + 60 * NS_PER_S)


@pytest.fixture
async def journal(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Journal]:
    async with Journal.open(f"sqlite:///{tmp_path}/cryptobot.db", clock=clock) as journal:
        yield journal


@pytest.fixture
def started(journal: Journal, clock: ManualClock) -> Started:
    return Started(journal, clock)


async def write(journal: Journal, *orders: Order, fills: tuple[Fill, ...] = ()) -> None:
    await asyncio.gather(*(journal.record(order, venue="binance", fills=fills) for order in orders))


ANSWERED: dict[str, object] = {"answered_ns": T0 + 1, "latency_ms": 12.0}


async def test_recover_with_an_order_without_an_answer_makes_it_unresolved_and_counts_it_once(
    journal: Journal, started: Started
) -> None:
    order = an_order()
    await write(journal, order)
    [unresolved] = await started.recover()
    assert (unresolved.order_id, unresolved.state, unresolved.failed) == (
        order.order_id,
        S.UNRESOLVED,
        True,
    )
    assert unresolved.latency_ms == 60_000.0
    assert await journal.order(order.order_id) == unresolved
    assert sample(started.metrics, "cryptobot_orders_failed_total") == 1
    assert sample(started.metrics, "cryptobot_order_latency_count") == 1
    assert (started.feed.failed_total, started.feed.sent_total) == (1, 1)


async def test_recover_twice_counts_nothing_twice(
    journal: Journal, started: Started, clock: ManualClock
) -> None:
    await write(journal, an_order(), an_order(state=S.REJECTED, failed=True, **ANSWERED))
    await started.recover()
    again = Started(journal, clock)
    assert len(await again.recover()) == 1
    metrics = await journal.order_metrics(())
    assert (again.feed.failed_total, metrics.failed_total) == (2, 2)
    assert sample(again.metrics, "cryptobot_orders_failed_total") == 2
    assert sample(again.metrics, "cryptobot_order_latency_count") == metrics.latency_count == 2
    assert again.feed.sent_total == 2


async def test_recover_with_open_orders_takes_them_over_with_their_trades(
    journal: Journal, started: Started
) -> None:
    order = an_order(
        state=S.PARTIALLY_FILLED,
        filled=D("0.1"),
        cost=D("6000.01"),
        exchange_order_id="77",
        **ANSWERED,
    )
    await write(journal, order, fills=(a_fill(),))
    assert await started.recover() == []
    assert started.tracker.open_orders() == [order]
    assert not started.tracker.lacks_fills(order)
    assert started.amount(Mode.LIVE) == D("0.1")


async def test_recover_with_a_closed_order_whose_trades_are_missing_goes_on_looking_for_them(
    journal: Journal, started: Started
) -> None:
    known = an_order(state=S.FILLED, filled=D("0.1"), cost=D("6000.01"), **ANSWERED)
    await write(journal, known, fills=(a_fill(),))
    lacking = an_order(state=S.FILLED, filled=D("0.5"), cost=D(30_000), **ANSWERED)
    await write(journal, lacking)
    await started.recover()
    assert started.tracker.lacking_fills(Mode.LIVE) == [lacking]


async def test_recover_with_paper_orders_under_way_closes_them(
    journal: Journal, started: Started
) -> None:
    order = an_order(mode=Mode.PAPER)
    await write(journal, order)
    assert await started.recover() == []
    found = started.tracker.get(order.order_id)
    assert found is not None
    assert found.state is S.DENIED
    assert sample(started.metrics, "cryptobot_orders_failed_total") == 0


async def test_drop_with_a_paper_order_that_cannot_rest_again_closes_it(
    journal: Journal, started: Started
) -> None:
    order = an_order(mode=Mode.PAPER, state=S.ACCEPTED, **ANSWERED)
    await write(journal, order)
    await started.recover()
    recovery.drop_paper_order(started.tracker, order)
    await started.orders.drain()
    stored = await journal.order(order.order_id)
    assert stored is not None
    assert stored.state is S.CANCELED


class TestPaperAccount:
    FIRST = {"USDT": D(10_000)}  # noqa: RUF012 - never changed

    async def test_first_start_holds_what_the_settings_say(self, journal: Journal) -> None:
        assert await recovery.paper_balances(journal, self.FIRST) == {
            "USDT": Balance(D(10_000), D(0))
        }

    async def test_later_start_holds_the_snapshot_and_the_paper_fills_since(
        self, journal: Journal, started: Started
    ) -> None:
        switch = T0 + 10
        live = an_order(state=S.FILLED, **ANSWERED)
        paper = an_order(state=S.FILLED, mode=Mode.PAPER, **ANSWERED)
        # The order of writing counts. Clocks tell nothing: ours is set, and theirs is another.
        await write(journal, live, fills=(a_fill("l1", at_ns=switch + 5),))
        await write(journal, paper, fills=(a_fill("p1", at_ns=switch + 5),))
        await journal.record_account(
            AccountSnapshot(Mode.PAPER, switch, {"USDT": Holding(D(20_000), D(10_000))})
        )
        await write(
            journal, replace(live, updated_ns=T0 + 99), fills=(a_fill("l2", at_ns=switch - 5),)
        )
        await write(
            journal,
            replace(paper, updated_ns=T0 + 99),
            fills=(a_fill("p2", at_ns=switch - 5, fee_currency="USDT"),),
        )
        await journal.record_mode(
            ModeChange(switch, Mode.LIVE, Mode.PAPER, ModeTrigger.OPERATOR, "r", "a")
        )
        balances = await recovery.paper_balances(journal, self.FIRST)
        assert balances["BTC"].free == D("0.1")
        assert balances["USDT"].free == D(30_000) - D("6000.010") - D("0.0001")
        await started.recover()
        assert started.amount(Mode.LIVE) == D("0.2")
        assert started.amount(Mode.PAPER) == D("0.2")  # l1 came along, p2 was bought since

    async def test_start_on_paper_after_a_crash_loop_goes_on_from_the_same_snapshot(
        self, journal: Journal, started: Started
    ) -> None:
        await journal.record_account(AccountSnapshot(Mode.PAPER, T0, {"USDT": Holding(D(1), D(0))}))
        live = an_order(state=S.FILLED, **ANSWERED)
        await write(journal, live, fills=(a_fill("l1", at_ns=T0 + 5),))
        await journal.record_mode(  # no account was started by this change
            ModeChange(T0 + 9, Mode.LIVE, Mode.PAPER, ModeTrigger.CRASH_LOOP, "r", "engine")
        )
        await started.recover()
        assert started.amount(Mode.PAPER) == D(0)
        assert "BTC" not in await recovery.paper_balances(journal, self.FIRST)

    async def test_balances_never_fall_below_nothing(self, journal: Journal) -> None:
        order = an_order(state=S.FILLED, mode=Mode.PAPER, side=Side.BUY, **ANSWERED)
        await write(journal, order, fills=(replace(a_fill("p1"), amount=D(9)),))
        balances = await recovery.paper_balances(journal, self.FIRST)
        assert balances["USDT"].free == 0


async def test_recover_with_a_closed_order_still_knows_the_request_that_made_it(
    journal: Journal, started: Started
) -> None:
    for mode in Mode:
        closed = an_order(mode=mode, state=S.SUBMITTED, request_id=f"r-{mode}")
        await write(journal, closed, replace(closed, state=S.CANCELED, **ANSWERED))  # type: ignore[arg-type]
    await started.recover()
    for mode in Mode:
        order = started.tracker.by_request_id(f"r-{mode}")
        assert order is not None
        assert (order.mode, order.state) == (mode, S.CANCELED)
    assert started.tracker.open_orders() == []
