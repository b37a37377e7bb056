"""The order path's records when the journal's file cannot be written for a while."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from cryptobot.domain.errors import JournalUnavailable, OrderRefused, OutcomeUnknown
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState
from cryptobot.trading.exchange import OrderRequest

from .order_path import OrderPath
from .scripted_venue import Outcome, a_report, a_trade

S = OrderState


async def _settled(path: OrderPath) -> None:
    await path.journal.wait_available()
    async with asyncio.timeout(10):
        while path.orders.waiting:
            await path.orders.drain()
            await asyncio.sleep(0)


async def test_change_with_a_locked_journal_is_kept_in_order_and_counted_once(
    path: OrderPath,
) -> None:
    order = await path.place()
    await path.orders.drain()
    path.counted.clear()
    with path.journal_locked():
        for filled in ("0.2", "0.4", "0.6"):
            path.tracker.apply(
                Mode.LIVE,
                a_report(order.client_order_id, S.PARTIALLY_FILLED, filled=filled, cost="1"),
                "stream",
            )
        await path.orders.drain()
        assert path.orders.waiting == 3
        path.tracker.apply(
            Mode.LIVE,
            a_report(order.client_order_id, S.FILLED, filled="1", cost="100"),
            "stream",
        )
        assert path.orders.waiting == 4
    await _settled(path)
    assert path.on_disk(order.order_id) == "filled"
    events = await path.journal.order_events(order.order_id)
    assert [event.payload["filled"] for event in events[-4:]] == ["0.2", "0.4", "0.6", "1"]
    assert [str(item.filled) for item, _ in path.counted] == ["0.2", "0.4", "0.6", "1"]


async def test_change_right_after_the_loss_does_not_overtake_what_failed(
    path: OrderPath,
) -> None:
    order = await path.place()

    def more(available: bool, _: str | None) -> None:
        if not available:  # told before the failed records' futures are
            path.tracker.apply(
                Mode.LIVE,
                a_report(order.client_order_id, S.FILLED, filled="1", cost="100"),
                "stream",
            )

    path.journal.on_availability(more)
    with path.journal_locked():
        path.tracker.apply(
            Mode.LIVE,
            a_report(order.client_order_id, S.PARTIALLY_FILLED, filled="0.5", cost="50"),
            "stream",
        )
        await path.orders.drain()
    await _settled(path)
    events = await path.journal.order_events(order.order_id)
    assert [event.state for event in events[-2:]] == [S.PARTIALLY_FILLED, S.FILLED]
    assert path.on_disk(order.order_id) == "filled"


async def test_change_with_a_journal_back_before_its_failure_is_heard_is_not_stranded(
    path: OrderPath,
) -> None:
    order = await path.place()
    other = sqlite3.connect(path.database, isolation_level=None)

    def probes() -> int:
        return sum(count for (count,) in other.execute("SELECT attempts FROM write_probe"))

    before = probes()

    def block_the_loop(available: bool, _: str | None) -> None:
        if not available:
            other.execute("ROLLBACK")
            while probes() == before:
                time.sleep(0)

    path.journal.on_availability(block_the_loop)
    other.execute("BEGIN IMMEDIATE")
    path.tracker.apply(
        Mode.LIVE, a_report(order.client_order_id, S.FILLED, filled="1", cost="100"), "stream"
    )
    await path.orders.drain()
    await _settled(path)
    other.close()
    assert path.on_disk(order.order_id) == "filled"
    again = await path.place()
    await path.gateway.cancel(again.order_id)
    await path.orders.drain()
    assert path.on_disk(again.order_id) == "canceled"


async def test_change_with_text_that_no_json_can_hold_is_recorded_all_the_same(
    path: OrderPath,
) -> None:
    path.live.answer = lambda _: OrderRefused("bad \ud800 text", "invalid_order")
    order = await path.place()
    assert order.state is S.REJECTED
    await path.orders.drain()
    assert path.on_disk(order.order_id) == "rejected"
    assert [first for _, first in path.counted].count(True) == 1
    event = (await path.journal.order_events(order.order_id))[-1]
    assert "invalid_order" in str(event.evidence)


async def test_change_refused_by_the_database_does_not_hold_up_the_others(
    path: OrderPath,
) -> None:
    order = await path.place()
    with closing(sqlite3.connect(path.database, isolation_level=None)) as other:
        other.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON fills BEGIN SELECT RAISE(FAIL, 'no'); END"
        )
        fill = a_trade("t1", order.client_order_id)
        path.tracker.apply(
            Mode.LIVE,
            a_report(
                order.client_order_id, S.PARTIALLY_FILLED, filled="1", cost="1", fills=(fill,)
            ),
            "stream",
        )
        await path.orders.drain()
        other.execute("DROP TRIGGER refuse")
    assert path.orders.waiting == 0
    assert (await path.place()).state is S.ACCEPTED


async def test_counts_with_a_journal_lost_halfway_equal_what_the_journal_says(
    path: OrderPath, limit_risk: Callable[..., None]
) -> None:
    limit_risk(block_while_unresolved=False)
    answers = iter([OutcomeUnknown("?", "timeout"), OrderRefused("no", "invalid_order"), None] * 4)

    def answer(request: OrderRequest) -> Outcome:
        return next(answers) or a_report(request.client_order_id)

    path.live.answer = answer
    for number in range(12):
        if number % 4 == 3:
            with path.journal_locked():
                path.live.reply = asyncio.Event()
                with pytest.raises(JournalUnavailable):
                    await path.place()
            await path.journal.wait_available()
            path.live.reply = None
        await path.place()
    await _settled(path)
    metrics = await path.journal.order_metrics((10.0,))
    first = [order for order, is_first in path.counted if is_first]
    assert metrics.failed_total == sum(order.failed for order in first) == 8
    assert metrics.latency_count == len(first) == 12
    assert len({order.order_id for order in first}) == 12
