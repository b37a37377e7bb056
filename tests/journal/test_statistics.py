import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.order import Order, OrderState
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import DailyOrders, ModeChange, OrderMetrics, StatusChange, Summary

from .samples import T0, a_fill, an_order

_DAY_NS = 86_400 * NS_PER_S
_DAY = date(2023, 11, 14)  # of T0


async def _write(journal: Journal, *orders: Order) -> None:
    await asyncio.gather(*(journal.record(order, venue="x") for order in orders))


async def test_order_metrics_with_an_empty_journal_are_zero(journal: Journal) -> None:
    assert await journal.order_metrics([10, 25]) == OrderMetrics(0, (0, 0), 0, 0.0, 0)


async def test_order_metrics_count_live_orders_once_by_their_last_state(journal: Journal) -> None:
    slow = an_order(latency_ms=700.5)
    await _write(
        journal,
        slow,
        replace(slow, state=OrderState.REJECTED, failed=True, latency_ms=750.0),
        an_order(latency_ms=10.0, state=OrderState.FILLED),
        an_order(latency_ms=10.25, state=OrderState.ACCEPTED),
        an_order(),
        an_order(state=OrderState.DENIED),
        an_order(mode=Mode.PAPER, latency_ms=1.0, failed=True),
    )
    assert await journal.order_metrics([10, 25, 750, 800]) == OrderMetrics(
        failed_total=1,
        bucket_counts=(1, 2, 3, 3),
        latency_count=3,
        latency_sum_ms=770.25,
        sent_total=4,
    )


async def test_orders_daily_counts_by_utc_day_and_mode(journal: Journal) -> None:
    midnight = T0 // _DAY_NS * _DAY_NS
    await _write(
        journal,
        an_order(created_ns=midnight, state=OrderState.FILLED),
        an_order(created_ns=midnight + _DAY_NS - 1, state=OrderState.REJECTED, failed=True),
        an_order(created_ns=midnight, mode=Mode.PAPER),
        an_order(created_ns=midnight - 1),
        an_order(created_ns=midnight - _DAY_NS - 1),
    )
    today = DailyOrders(_DAY, Mode.LIVE, 2, 1, {OrderState.FILLED: 1, OrderState.REJECTED: 1})
    paper = DailyOrders(_DAY, Mode.PAPER, 1, 0, {OrderState.SUBMITTED: 1})
    yesterday = DailyOrders(date(2023, 11, 13), Mode.LIVE, 1, 0, {OrderState.SUBMITTED: 1})
    assert await journal.orders_daily(1) == [today, paper]
    assert await journal.orders_daily(2) == [yesterday, today, paper]


async def test_status_changes_count_moves_within_the_days(
    journal: Journal, clock: ManualClock
) -> None:
    order = an_order()
    await _write(
        journal,
        order,
        an_order(updated_ns=T0 - 3 * _DAY_NS),
        an_order(),
        replace(order, state=OrderState.PARTIALLY_FILLED, updated_ns=T0 + 1),
        replace(order, state=OrderState.PARTIALLY_FILLED, updated_ns=T0 + 2, filled=Decimal(1)),
    )
    clock.set(T0 + 10)
    assert await journal.status_changes(1) == [
        StatusChange(None, OrderState.SUBMITTED, 2),
        StatusChange(OrderState.SUBMITTED, OrderState.PARTIALLY_FILLED, 1),
    ]


async def test_summary_adds_up(journal: Journal) -> None:
    assert await journal.summary() == Summary({}, {}, {}, 0, 0, None)
    await _write(
        journal,
        an_order(created_ns=T0 + 9),
        an_order(created_ns=T0 + 3, state=OrderState.UNRESOLVED, failed=True),
        an_order(state=OrderState.FILLED, mode=Mode.PAPER, updated_ns=T0 + 50, failed=True),
    )
    await journal.record(an_order(created_ns=T0 + 4), venue="x", fills=[a_fill()])
    await journal.record_mode(ModeChange(T0, None, Mode.PAPER, ModeTrigger.START, "", ""))
    assert await journal.summary() == Summary(
        by_mode_and_state={
            (Mode.LIVE, OrderState.SUBMITTED): 2,
            (Mode.LIVE, OrderState.UNRESOLVED): 1,
            (Mode.PAPER, OrderState.FILLED): 1,
        },
        oldest_open_ns={Mode.LIVE: T0 + 3},
        fills={Mode.LIVE: 1},
        failed=1,
        mode_changes=1,
        last_event_ns=T0 + 50,
    )
    await journal.ping()
