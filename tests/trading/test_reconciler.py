import asyncio
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import OrderRefused, OutcomeUnknown, ReadFailed
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Order, OrderState
from cryptobot.journal.records import BalanceBaseline
from cryptobot.trading.balance_book import BalanceBook
from cryptobot.trading.differences import Difference, Outcome, Reconciliation
from cryptobot.trading.differences import DifferenceKind as K
from cryptobot.trading.reconciler import Reconciler

from .order_path import OrderPath
from .scripted_venue import SYMBOL, a_report, a_trade

S = OrderState


class Books:
    """A reconciler over an order path, and what it told."""

    def __init__(self, path: OrderPath) -> None:
        self.path = path
        self.results: list[Reconciliation] = []
        self.told = asyncio.Event()
        self.unresolved: list[Order] = []
        self.kept: list[BalanceBaseline] = []
        self.book = BalanceBook(path.clock, self.kept.append)
        path.tracker.listen(self.book.on_order)
        self.rooms = Reconciler(
            path.live,
            path.tracker,
            (SYMBOL,),
            path.clock,
            book=self.book,
            on_unresolved=self.unresolved.append,
            on_result=self._on_result,
        )

    def _on_result(self, result: Reconciliation) -> None:
        self.results.append(result)
        self.told.set()


@pytest.fixture
def books(path: OrderPath, monkeypatch: pytest.MonkeyPatch) -> Books:
    monkeypatch.setattr("cryptobot.trading.reconciler.CONFIRM_S", 0)
    return Books(path)


async def test_run_with_nothing_anywhere_is_clean(books: Books) -> None:
    result = await books.rooms.run()
    assert result.clean
    assert books.results == [result] == [books.rooms.last]


async def test_run_with_the_same_open_order_on_both_sides_is_clean(
    path: OrderPath, books: Books
) -> None:
    order = await path.place()
    path.live.listed = [a_report(order.client_order_id)]
    assert (await books.rooms.run()).clean
    assert path.live.lookups == []


async def test_run_with_an_order_filled_meanwhile_takes_over_state_and_trades(
    path: OrderPath, books: Books
) -> None:
    order = await path.place()
    path.live.known[order.client_order_id] = a_report(
        order.client_order_id, S.FILLED, filled="1", cost="100"
    )
    path.live.trades = [a_trade("t1", order.client_order_id), a_trade("t9", "somebody else")]
    result = await books.rooms.run()
    assert result.clean
    after = path.tracker.get(order.order_id)
    assert after is not None
    assert (after.state, after.filled) == (S.FILLED, D(1))
    assert not path.tracker.lacks_fills(after)
    await path.orders.drain()
    assert [item.fill.trade_id for item in await path.journal.fills()] == ["t1"]
    [since_ms] = path.live.trades_asked
    assert since_ms is not None
    assert since_ms <= order.created_ns // 1_000_000


async def test_run_with_our_clock_far_ahead_finds_the_trades_all_the_same(
    path: OrderPath, books: Books
) -> None:
    order = await path.place()
    path.live.known[order.client_order_id] = a_report(
        order.client_order_id, S.FILLED, filled="1", cost="100"
    )
    hours_ago = order.created_ns - 3 * 3600 * NS_PER_S
    path.live.trades = [a_trade("t1", order.client_order_id, at_ns=hours_ago)]
    assert (await books.rooms.run()).clean
    assert path.tracker.filled_in_fills(order.order_id) == D(1)


@pytest.mark.parametrize(("shown", "runs"), [(True, 2), (False, 3)])
async def test_run_with_what_may_pass_is_made_again_a_few_times(
    path: OrderPath, books: Books, monkeypatch: pytest.MonkeyPatch, *, shown: bool, runs: int
) -> None:
    monkeypatch.setattr("cryptobot.trading.reconciler.SOON_S", 0)
    monkeypatch.setattr("cryptobot.trading.reconciler.AGAIN_S", (0.0, 0.0))
    order = await path.place()
    path.live.known[order.client_order_id] = a_report(
        order.client_order_id, S.FILLED, filled="1", cost="100"
    )
    assert not (await books.rooms.run()).clean
    if shown:
        path.live.trades = [a_trade("t1", order.client_order_id)]
    async with asyncio.timeout(10):
        while books.rooms._again is not None:
            await books.told.wait()
            books.told.clear()
            await asyncio.sleep(0)  # the run that told of itself has ended
    assert books.results[-1].clean is shown
    assert len(books.results) == runs


async def test_run_with_trades_that_the_exchange_does_not_show_yet_is_a_difference(
    path: OrderPath, books: Books
) -> None:
    path.live.answer = lambda request: a_report(
        request.client_order_id, S.FILLED, filled="1", cost="100"
    )
    order = await path.place()
    result = await books.rooms.run()
    assert order.order_id in result.differences[0].detail
    assert "trades" in result.differences[0].detail
    path.live.trades = [a_trade("t1", order.client_order_id)]
    assert (await books.rooms.run()).clean


async def test_run_with_orders_of_others_counts_and_never_touches_them(
    path: OrderPath, books: Books
) -> None:
    path.live.listed = [a_report("web_1"), a_report(None, exchange_order_id="77")]
    result = await books.rooms.run()
    assert result.clean
    assert [(order.symbol, order.client_order_id) for order in result.external] == [
        (SYMBOL, "web_1"),
        (SYMBOL, None),
    ]
    assert (path.live.cancels, path.live.lookups, path.tracker.recent()) == ([], [], [])


async def test_run_with_an_unknown_order_of_ours_on_the_exchange_is_a_difference(
    path: OrderPath, books: Books
) -> None:
    path.live.listed = [a_report("cb" + "0" * 30)]
    result = await books.rooms.run()
    assert not result.clean
    assert "looks like ours" in result.differences[0].detail


async def test_run_with_an_order_the_exchange_forgot_is_a_difference(
    path: OrderPath, books: Books
) -> None:
    order = await path.place()
    result = await books.rooms.run()
    [difference] = result.differences
    assert (
        f"order {order.order_id} was accepted, but the exchange does not know it"
        in difference.detail
    )
    assert path.tracker.get(order.order_id) == order


async def test_run_with_an_order_closed_here_and_open_there_is_a_difference(
    path: OrderPath, books: Books
) -> None:
    path.live.answer = lambda _: OrderRefused("no", "invalid_order")
    order = await path.place()
    path.live.listed = [a_report(order.client_order_id)]
    path.live.known[order.client_order_id] = a_report(order.client_order_id)
    result = await books.rooms.run()
    assert not result.clean
    assert order.order_id in result.differences[0].detail
    assert "rejected" in result.differences[0].detail


async def test_run_with_a_list_older_than_a_cancel_is_clean(path: OrderPath, books: Books) -> None:
    order = await path.place()
    await path.gateway.cancel(order.order_id)
    path.live.listed = [a_report(order.client_order_id)]
    path.live.known[order.client_order_id] = a_report(order.client_order_id, S.CANCELED)
    assert (await books.rooms.run()).clean


async def test_run_with_an_unknown_outcome_is_a_difference_and_looked_up(
    path: OrderPath, books: Books
) -> None:
    path.live.answer = lambda _: OutcomeUnknown("no answer", "timeout")
    order = await path.place()
    result = await books.rooms.run()
    assert "is unknown" in result.differences[0].detail
    assert books.unresolved == [order]
    path.live.listed = [a_report(order.client_order_id)]
    assert (await books.rooms.run()).clean


async def test_run_with_an_exchange_that_cannot_be_read_is_incomplete_and_no_verdict(
    path: OrderPath, books: Books
) -> None:
    order = await path.place()
    path.live.list_error = ReadFailed("busy")
    result = await books.rooms.run()
    assert (result.complete, result.clean) == (False, False)
    [difference] = result.differences
    assert difference.kind is K.UNREADABLE
    assert difference.detail == "the exchange could not be read: busy"
    assert path.tracker.get(order.order_id) == order


async def test_run_with_paper_orders_leaves_them_alone(path: OrderPath, books: Books) -> None:
    await path.modes.to_paper(reason="r", actor="a", trigger=path.modes.status.trigger)
    order = await path.place()
    assert order.mode is Mode.PAPER
    assert (await books.rooms.run()).clean


async def test_request_several_times_runs_once(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cryptobot.trading.reconciler.SOON_S", 0)
    books.rooms.request()
    books.rooms.request()
    assert books.rooms._requested is not None
    await books.rooms._requested
    assert len(books.results) == 1
    books.rooms.request()
    await books.rooms.close()


async def filled(path: OrderPath, trade_id: str = "t1") -> Order:
    """Buy 1 at 100 for a fee of 0.1 USDT."""
    path.live.answer = lambda request: a_report(
        request.client_order_id,
        S.FILLED,
        filled="1",
        cost="100",
        fills=(a_trade(trade_id, request.client_order_id),),
    )
    return await path.place()


async def test_balances_that_changed_by_our_trades_only_are_clean(
    path: OrderPath, books: Books
) -> None:
    assert (await books.rooms.run()).balances_compared
    await filled(path)
    path.live.held = {"USDT": "899.9", "BTC": "1"}
    assert (await books.rooms.run()).outcome is Outcome.CLEAN
    path.live.held = {"USDT": "899.9", "BTC": "1.000000001"}  # digits that exchanges do not keep
    assert (await books.rooms.run()).clean


async def test_balance_that_our_trades_do_not_explain_is_told_once_and_not_touched(
    path: OrderPath, books: Books
) -> None:
    await books.rooms.run()
    path.live.held = {"USDT": "1050"}
    result = await books.rooms.run()
    [difference] = result.differences
    assert (difference.kind, difference.subject) == (K.BALANCE, "USDT")
    assert "holds 1050, our trades explain 1000" in difference.detail
    assert result.outcome is Outcome.MISMATCH
    assert (await books.rooms.run()).clean
    assert (path.live.on_the_wire, path.live.cancels) == ([], [])


async def test_balance_changed_by_trades_of_others_says_so(path: OrderPath, books: Books) -> None:
    await books.rooms.run()
    path.clock.advance(1_000_000)
    external = replace(a_trade("t9", "web"), at_ns=path.clock.now_ns())
    path.live.trades = [external]
    path.live.held = {"USDT": "899.9", "BTC": "1"}
    result = await books.rooms.run()
    assert [difference.subject for difference in result.differences] == ["BTC", "USDT"]
    assert "1 of the difference of 1 by trades that are not ours" in result.differences[0].detail
    assert "-100.1 of the difference of -100.1" in result.differences[1].detail


async def test_order_settled_as_never_placed_that_traded_is_told_and_its_trades_are_taken_over(
    path: OrderPath, books: Books
) -> None:
    await books.rooms.run()
    path.live.answer = lambda _: OutcomeUnknown("no answer", "timeout")
    order = await path.place()
    path.tracker.settle(order.order_id, S.REJECTED, "not_placed: settled by ann: r", {})
    path.live.trades = [a_trade("t1", "web"), a_trade("t2", "theirs")]
    path.live.trades = [replace(fill, at_ns=path.clock.now_ns()) for fill in path.live.trades]
    path.live.by_exchange_id["x-web"] = a_report(order.client_order_id, S.FILLED, filled="1")
    path.live.by_exchange_id["x-theirs"] = a_report("web_7", S.FILLED, filled="1")
    path.live.held = {"USDT": "799.8", "BTC": "2"}
    result = await books.rooms.run()
    first, *others = result.differences
    assert (first.kind, first.order_id) == (K.TRADED_AFTER_ALL, order.order_id)
    assert "settled by ann: r), but it traded 1 on the exchange" in first.detail
    # What others traded stays theirs.
    assert "1 of the difference of 1 by trades that are not ours" in others[0].detail
    after = path.tracker.get(order.order_id)
    assert after is not None
    assert (after.state, after.filled, after.failed) == (S.REJECTED, D(1), True)
    assert (await books.rooms.run()).clean


async def test_balance_changed_by_a_trade_of_ours_that_nobody_told_is_repaired(
    path: OrderPath, books: Books
) -> None:
    order = await path.place()
    path.live.listed = [a_report(order.client_order_id)]
    await books.rooms.run()
    path.live.trades = [replace(a_trade("t1", order.client_order_id), amount=D("0.5"))]
    path.live.held = {"USDT": "949.9", "BTC": "0.5"}
    result = await books.rooms.run()
    assert (result.outcome, result.repaired) == (Outcome.REPAIRED, 1)
    after = path.tracker.get(order.order_id)
    assert after is not None
    assert after.filled == D("0.5")


async def test_balances_that_lag_behind_a_trade_are_read_once_more(
    path: OrderPath, books: Books
) -> None:
    await books.rooms.run()
    await filled(path)
    path.live.held_next = [{"USDT": "1000"}, {"USDT": "899.9", "BTC": "1"}]
    assert (await books.rooms.run()).clean


@pytest.mark.parametrize("nothing", [{}, {"USDT": "0", "BTC": "0"}])
async def test_account_that_is_empty_all_of_a_sudden_is_not_believed(
    path: OrderPath, books: Books, nothing: dict[str, str]
) -> None:
    await books.rooms.run()
    path.live.held = nothing
    for _ in range(2):
        [difference] = (await books.rooms.run()).differences
        assert difference.kind is K.BALANCE_NOT_BELIEVED
    path.live.held = {"USDT": "1000"}
    assert (await books.rooms.run()).clean


@pytest.mark.parametrize("state", ["unresolved", "lacking"])
async def test_balances_while_a_trade_may_be_under_way_are_not_compared(
    path: OrderPath, books: Books, state: str
) -> None:
    await books.rooms.run()
    path.live.answer = lambda request: (
        OutcomeUnknown("no answer", "timeout")
        if state == "unresolved"
        else a_report(request.client_order_id, S.FILLED, filled="1", cost="100")
    )
    await path.place()
    path.live.held = {"USDT": "899.9", "BTC": "1"}
    result = await books.rooms.run()
    assert not result.balances_compared
    assert K.BALANCE not in [difference.kind for difference in result.differences]


async def test_balances_after_a_restart_are_compared_with_what_they_were(
    path: OrderPath, books: Books
) -> None:
    await filled(path)
    path.live.held = {"USDT": "899.9", "BTC": "1"}
    await books.rooms.run()
    await books.rooms.run()
    [kept] = books.kept  # the same is not stored twice
    await path.journal.record_baseline(kept)
    await path.orders.drain()
    restarted = Books(path)
    fills = [item.fill for item in await path.journal.fills()]
    restarted.book.restore(fills, await path.journal.last_baseline())
    assert (await restarted.rooms.run()).clean
    path.live.held = {"USDT": "899.9", "BTC": "0.4"}  # taken out while no engine ran
    restarted.book.restore((), kept)
    [difference] = (await restarted.rooms.run()).differences
    assert difference.subject == "BTC"


async def test_outcome_of_each_result() -> None:
    difference = Difference(K.BALANCE, "USDT", "")
    assert [
        Reconciliation(1).outcome,
        Reconciliation(1, repaired=1).outcome,
        Reconciliation(1, (difference,), repaired=1).outcome,
        Reconciliation(1, (difference,), complete=False).outcome,
    ] == ["clean", "repaired", "mismatch", "failed"]
