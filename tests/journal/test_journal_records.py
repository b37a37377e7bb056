import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.order import Order, OrderState, Side
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import (
    AccountSnapshot,
    Holding,
    ModeChange,
    RecordRefused,
    Run,
    RunEnd,
    RunStart,
)

from .samples import T0, a_fill, an_order


async def _write_lifecycle(journal: Journal, order: Order) -> Order:
    await journal.record(order, venue="binance")
    accepted = replace(
        order.moved(OrderState.ACCEPTED, T0 + 10), exchange_order_id="77", latency_ms=12.5
    )
    await journal.record(accepted, venue="binance", evidence={"answer": {"orderId": 77}})
    return accepted


async def test_record_with_a_new_order_is_read_back_equal(journal: Journal) -> None:
    order = an_order(fees={"BNB": Decimal("0.00100")}, reason="naïve\N{SNOWMAN}", failed=True)
    recorded = await journal.record(order, venue="binance")
    assert (recorded.seq, recorded.duplicate, recorded.new_fills) == (1, False, ())
    assert await journal.order(order.order_id) == order
    assert await journal.order_by_client_id(order.client_order_id) == order


async def test_order_events_with_two_states_tell_the_history(journal: Journal) -> None:
    order = an_order()
    accepted = await _write_lifecycle(journal, order)
    first, second = await journal.order_events(order.order_id)
    assert (first.seq, first.from_state, first.state) == (1, None, OrderState.SUBMITTED)
    assert (second.seq, second.from_state, second.state) == (
        2,
        OrderState.SUBMITTED,
        OrderState.ACCEPTED,
    )
    assert second.evidence == {"answer": {"orderId": 77}}
    assert second.payload["amount"] == "0.5"
    assert second.payload["fees"] == {}
    assert await journal.order(order.order_id) == accepted


async def test_record_with_the_same_content_again_stores_nothing_and_answers_the_same(
    journal: Journal,
) -> None:
    order = an_order(state=OrderState.FILLED, filled=Decimal("0.5"))
    fill = a_fill()
    first = await journal.record(order, venue="binance", fills=[fill])
    again = await journal.record(order, venue="binance", fills=[fill])
    assert (first.new_fills, first.duplicate) == ((fill,), False)
    assert (again.new_fills, again.duplicate, again.seq) == ((fill,), True, first.seq)
    assert len(await journal.order_events(order.order_id)) == 1
    assert len(await journal.fills()) == 1


async def test_record_with_the_same_content_twice_in_one_batch_stores_it_once(
    journal: Journal,
) -> None:
    order = an_order()
    one = journal.record(order, venue="binance", fills=[a_fill()])
    two = journal.record(order, venue="binance", fills=[a_fill()])
    assert [r.duplicate for r in await asyncio.gather(one, two)] == [False, True]
    assert len(await journal.order_events(order.order_id)) == 1


async def test_record_with_an_intent_known_from_an_earlier_run_is_a_duplicate(
    url: str, clock: ManualClock
) -> None:
    order = an_order()
    async with Journal.open(url, clock=clock) as journal:
        await _write_lifecycle(journal, order)
    async with Journal.open(url, clock=clock) as journal:
        other = journal.record(an_order(), venue="binance")
        again = await journal.record(order, venue="binance")
        assert (await other).duplicate is False
        assert again.duplicate
        assert again.seq == 1
        found = await journal.order(order.order_id)
        assert found is not None
        assert found.state is OrderState.ACCEPTED
        later = replace(found, state=OrderState.CANCELED, updated_ns=T0 + 99)
        assert (await journal.record(later, venue="binance")).seq == 3


async def test_record_with_fills_known_already_names_only_the_new_ones(journal: Journal) -> None:
    order = await _write_lifecycle(journal, an_order())
    one, two = a_fill("1"), a_fill("2")
    partly = replace(order, state=OrderState.PARTIALLY_FILLED, filled=one.amount)
    assert (await journal.record(partly, venue="binance", fills=[one])).new_fills == (one,)
    more = replace(partly, filled=one.amount * 2)
    recorded = await journal.record(more, venue="binance", fills=[one, two, two])
    assert recorded.new_fills == (two,)
    assert [entry.fill for entry in await journal.fills()] == [two, one]
    assert (await journal.fills())[0].order_id == order.order_id


async def test_fills_with_one_trade_between_two_orders_of_ours_keep_both(journal: Journal) -> None:
    buy, sell = an_order(), an_order(side=Side.SELL)
    bought, sold = a_fill("9"), a_fill("9", side=Side.SELL)
    results = await asyncio.gather(
        journal.record(buy, venue="binance", fills=[bought]),
        journal.record(sell, venue="binance", fills=[sold]),
    )
    assert [result.new_fills for result in results] == [(bought,), (sold,)]
    assert [entry.fill for entry in await journal.fills(order_id=sell.order_id)] == [sold]


async def test_record_with_many_changes_in_one_batch_leaves_the_last_in_view(
    journal: Journal,
) -> None:
    order = an_order()
    steps = [replace(order, filled=Decimal(n), updated_ns=T0 + n) for n in range(50)]
    recorded = await asyncio.gather(*(journal.record(step, venue="x") for step in steps))
    assert [result.seq for result in recorded] == list(range(1, 51))
    assert await journal.order(order.order_id) == steps[-1]
    assert journal.status().commits < 50


async def test_orders_with_filters_are_newest_first_and_limited(journal: Journal) -> None:
    old = an_order(created_ns=T0)
    new = an_order(created_ns=T0 + 1, mode=Mode.PAPER, symbol="ETH/USDT")
    done = an_order(created_ns=T0 + 2, state=OrderState.FILLED)
    await asyncio.gather(*(journal.record(order, venue="x") for order in (new, done, old)))
    assert await journal.orders() == [done, new, old]
    assert await journal.orders(limit=1) == [done]
    assert await journal.orders(state=OrderState.FILLED) == [done]
    assert await journal.orders(mode=Mode.PAPER) == [new]
    assert await journal.orders(symbol="BTC/USDT") == [done, old]
    assert await journal.open_orders() == [old, new]
    assert await journal.open_orders(Mode.LIVE) == [old]
    assert await journal.order("0" * 32) is None
    assert await journal.order_by_client_id("stranger") is None


async def test_record_with_text_that_databases_refuse_is_kept_readable(journal: Journal) -> None:
    order = an_order(state=OrderState.REJECTED, reason="bad \x00 and \ud800")
    await journal.record(order, venue="binance", evidence={"raw": "\x00"})
    found = await journal.order(order.order_id)
    assert found is not None
    assert found.reason == "bad \ufffd and ?"
    assert (await journal.order_events(order.order_id))[0].evidence == {"raw": "\x00"}


@pytest.mark.parametrize(
    "bad", [{"amount": Decimal("NaN")}, {"created_ns": 2**80}, {"symbol": None}]
)
async def test_record_with_an_impossible_value_fails_alone(
    journal: Journal, bad: dict[str, object]
) -> None:
    wrong, right = an_order(**bad), an_order()
    failing = journal.record(wrong, venue="binance")
    working = journal.record(right, venue="binance", fills=[a_fill()])
    with pytest.raises(RecordRefused, match="cannot store this"):
        await failing
    assert len((await working).new_fills) == 1
    assert journal.available
    assert await journal.orders() == [right]


async def test_record_with_evidence_that_is_not_json_raises_at_once(journal: Journal) -> None:
    with pytest.raises(TypeError):
        journal.record(an_order(), venue="binance", evidence={1: 2})


async def test_record_with_a_cancelled_caller_is_committed_with_its_batch(
    journal: Journal,
) -> None:
    left, stayed = an_order(), an_order()
    abandoned = journal.record(left, venue="binance")
    abandoned.cancel()
    await journal.record(stayed, venue="binance")
    assert len(await journal.orders()) == 2


async def test_mode_changes_are_read_back_newest_first(journal: Journal) -> None:
    assert await journal.last_mode() is None
    first = ModeChange(T0, None, Mode.PAPER, ModeTrigger.START, "first start", "engine")
    # The wall clock stepped back in between: the order of writing counts.
    second = ModeChange(T0 - 9, Mode.PAPER, Mode.LIVE, ModeTrigger.OPERATOR, "go", "sam")
    for change in (first, second, second):
        await journal.record_mode(change)
    assert await journal.last_mode() == second
    assert await journal.mode_changes() == [second, first]


async def test_runs_with_and_without_an_orderly_end_are_told_apart(journal: Journal) -> None:
    await journal.record_run_started(RunStart(T0, 10, "0.1"))
    await journal.record_run_ended(RunEnd(T0, 10, T0 + 5))
    await journal.record_run_started(RunStart(T0 + 6, 11, "0.2"))
    assert await journal.recent_runs(5) == [
        Run(T0 + 6, None, clean=False, pid=11, version="0.2"),
        Run(T0, T0 + 5, clean=True, pid=10, version="0.1"),
    ]
    assert len(await journal.recent_runs(1)) == 1


async def test_last_account_returns_the_newest_snapshot_of_the_mode(journal: Journal) -> None:
    assert await journal.last_account(Mode.PAPER) is None
    holdings = {
        "BTC": Holding(Decimal("0.10"), Decimal("1E-30")),
        "USDT": Holding(Decimal(5), Decimal(0)),
    }
    await journal.record_account(AccountSnapshot(Mode.PAPER, T0, {}))
    await journal.record_account(AccountSnapshot(Mode.PAPER, T0 + 1, holdings))
    await journal.record_account(AccountSnapshot(Mode.LIVE, T0 + 2, {}))
    expected = AccountSnapshot(Mode.PAPER, T0 + 1, holdings, after_fill=0)
    assert await journal.last_account(Mode.PAPER) == expected


async def test_snapshot_among_fills_of_one_batch_says_which_were_written_before(
    journal: Journal,
) -> None:
    await asyncio.gather(
        journal.record(an_order(), venue="x", fills=[a_fill("1"), a_fill("2")]),
        journal.record_account(AccountSnapshot(Mode.PAPER, T0, {})),
        journal.record(an_order(), venue="x", fills=[a_fill("3")]),
    )
    snapshot = await journal.last_account(Mode.PAPER)
    assert snapshot is not None
    numbers = {item.fill.trade_id: item.number for item in await journal.fills()}
    assert numbers["1"] < numbers["2"] == snapshot.after_fill
    assert numbers["3"] > numbers["2"]


async def test_record_after_close_raises_at_once(url: str, clock: ManualClock) -> None:
    journal = Journal.open(url, clock=clock)
    with pytest.raises(JournalUnavailable, match="not started"):
        journal.record(an_order(), venue="x")
    await journal.start()
    await journal.close()
    await journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        journal.record(an_order(), venue="x")
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.orders()
    with pytest.raises(JournalUnavailable, match="closed"):
        await journal.wait_available()


async def test_close_with_records_queued_commits_them_first(url: str, clock: ManualClock) -> None:
    journal = Journal.open(url, clock=clock)
    await journal.start()
    waiting = [journal.record(an_order(), venue="x") for _ in range(300)]
    await journal.close()
    assert [future.result().seq for future in waiting] == [1] * 300
    async with Journal.open(url, clock=clock) as again:
        assert len(await again.orders(limit=1000)) == 300
