from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.errors import OrderRefused, OutcomeUnknown, ReadFailed
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Order, OrderState
from cryptobot.trading.reconciler import Reconciler, Reconciliation

from .order_path import OrderPath
from .scripted_venue import SYMBOL, a_report, a_trade

S = OrderState


class Books:
    """A reconciler over an order path, and what it told."""

    def __init__(self, path: OrderPath) -> None:
        self.path = path
        self.results: list[Reconciliation] = []
        self.unresolved: list[Order] = []
        self.rooms = Reconciler(
            path.live,
            path.tracker,
            (SYMBOL,),
            path.clock,
            on_unresolved=self.unresolved.append,
            on_result=self.results.append,
        )


@pytest.fixture
def books(path: OrderPath) -> Books:
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


async def test_run_with_trades_that_the_exchange_does_not_show_yet_is_a_difference(
    path: OrderPath, books: Books
) -> None:
    path.live.answer = lambda request: a_report(
        request.client_order_id, S.FILLED, filled="1", cost="100"
    )
    order = await path.place()
    result = await books.rooms.run()
    assert order.order_id in result.differences[0]
    assert "trades" in result.differences[0]
    path.live.trades = [a_trade("t1", order.client_order_id)]
    assert (await books.rooms.run()).clean


async def test_run_with_orders_of_others_counts_and_never_touches_them(
    path: OrderPath, books: Books
) -> None:
    path.live.listed = [a_report("web_1"), a_report(None, exchange_order_id="77")]
    result = await books.rooms.run()
    assert (result.clean, result.external_orders) == (True, 2)
    assert (path.live.cancels, path.live.lookups, path.tracker.recent()) == ([], [], [])


async def test_run_with_an_unknown_order_of_ours_on_the_exchange_is_a_difference(
    path: OrderPath, books: Books
) -> None:
    path.live.listed = [a_report("cb" + "0" * 30)]
    result = await books.rooms.run()
    assert not result.clean
    assert "looks like ours" in result.differences[0]


async def test_run_with_an_order_the_exchange_forgot_is_a_difference(
    path: OrderPath, books: Books
) -> None:
    order = await path.place()
    result = await books.rooms.run()
    [difference] = result.differences
    assert f"order {order.order_id} was accepted, but the exchange does not know it" in difference
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
    assert order.order_id in result.differences[0]
    assert "rejected" in result.differences[0]


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
    assert "is unknown" in result.differences[0]
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
    assert result.differences == ("the exchange could not be read: busy",)
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
