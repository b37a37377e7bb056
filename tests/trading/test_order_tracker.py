from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import (
    TERMINAL,
    TRANSITIONS,
    Fill,
    News,
    Order,
    OrderReport,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)
from cryptobot.trading import order_tracker
from cryptobot.trading.order_tracker import OrderTracker

from .scripted_venue import SYMBOL, a_report, a_trade

S = OrderState
CLIENT_ID = "cb1"


def an_order(order_id: str = "1", **changes: object) -> Order:
    order = Order(
        order_id=order_id,
        request_id="r",
        client_order_id=f"cb{order_id}",
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        amount=D(3),
        price=D(100),
        time_in_force=TimeInForce.GTC,
        origin="manual",
        mode=Mode.LIVE,
        state=S.SUBMITTED,
        created_ns=0,
        updated_ns=0,
    )
    return replace(order, **changes)  # type: ignore[arg-type]


class Tracked:
    """A tracker with one submitted order, and everything it journals and tells."""

    def __init__(self) -> None:
        self.clock = ManualClock(0)
        self.journalled: list[tuple[Order, tuple[Fill, ...], object, News]] = []
        self.tracker = OrderTracker(self.clock, lambda *item: self.journalled.append(item))
        self.told: list[Order] = []
        self.tracker.listen(lambda order, _: self.told.append(order))
        self.tracker.admit(an_order(), 0)

    def apply(self, *reports: OrderReport) -> Order:
        for report in reports:
            self.tracker.apply(Mode.LIVE, report, "test")
        return self.order

    @property
    def order(self) -> Order:
        order = self.tracker.get("1")
        assert order is not None
        return order


TRADES = (
    a_trade("t1", CLIENT_ID, price="100"),
    a_trade("t2", CLIENT_ID, price="99"),
    a_trade("t3", CLIENT_ID, price="98"),
)


def of_trade(fill: Fill) -> OrderReport:
    """A report as the stream of own trades brings it: a lower bound, without our id."""
    return replace(
        a_report(None, S.PARTIALLY_FILLED, filled=str(fill.amount), fills=(fill,)),
        exchange_order_id=fill.exchange_order_id,
    )


ACCEPTED = a_report(CLIENT_ID, S.ACCEPTED)
ONE = a_report(CLIENT_ID, S.PARTIALLY_FILLED, filled="1", cost="100")
TWO = a_report(CLIENT_ID, S.PARTIALLY_FILLED, filled="2", cost="199")
LIVES: dict[str, tuple[OrderReport, ...]] = {
    "filled": (
        ACCEPTED,
        ONE,
        TWO,
        a_report(CLIENT_ID, S.FILLED, filled="3", cost="297"),
        *map(of_trade, TRADES),
    ),
    "canceled": (
        ACCEPTED,
        ONE,
        TWO,
        a_report(CLIENT_ID, S.CANCELED, filled="2", cost="199"),
        *map(of_trade, TRADES[:2]),
    ),
    "expired": (
        a_report(CLIENT_ID, S.EXPIRED, filled="1", cost="100", reason="no liquidity"),
        ONE,
        of_trade(TRADES[0]),
    ),
    "untouched": (ACCEPTED, a_report(CLIENT_ID, S.CANCELED)),
}


def what_matters(order: Order) -> tuple[object, ...]:
    return (
        order.state,
        order.filled,
        order.cost,
        order.fees,
        order.exchange_order_id,
        order.reason,
    )


@given(st.data())
def test_apply_with_any_order_and_repetition_of_a_life_ends_the_same(data: st.DataObject) -> None:
    life = LIVES[data.draw(st.sampled_from(sorted(LIVES)))]
    repeated = [*life, *data.draw(st.lists(st.sampled_from(life)))]
    # The exchange's id is learned from the first answer: trades before it are fetched later.
    first = data.draw(st.sampled_from([report for report in life if report.client_order_id]))
    in_order, shuffled = Tracked(), Tracked()
    in_order.apply(*life)
    shuffled.apply(first, *data.draw(st.permutations(repeated)))
    assert what_matters(shuffled.order) == what_matters(in_order.order)
    assert not shuffled.tracker.lacks_fills(shuffled.order)


@given(st.data())
def test_apply_with_any_subset_of_a_life_never_moves_backwards(data: st.DataObject) -> None:
    life = LIVES[data.draw(st.sampled_from(sorted(LIVES)))]
    tracked = Tracked()
    before = tracked.order
    for report in data.draw(st.lists(st.sampled_from(life))):
        after = tracked.apply(report)
        assert after.state is before.state or after.state in TRANSITIONS[before.state]
        assert before.filled <= after.filled <= after.amount
        assert before.exchange_order_id in {None, after.exchange_order_id}
        assert before.answered_ns in {None, after.answered_ns}
        before = after
    assert [order for order, *_ in tracked.journalled] == tracked.told[1:]
    answers = sum(News.ANSWERED in news for *_, news in tracked.journalled)
    assert answers == (tracked.order.answered_ns is not None)


@given(st.lists(st.sampled_from(TRADES)))
def test_apply_with_repeated_trades_tells_and_journals_each_once(fills: list[Fill]) -> None:
    tracked = Tracked()
    tracked.apply(ACCEPTED, *map(of_trade, fills))
    told = [fill.trade_id for _, new, *_ in tracked.journalled for fill in new]
    assert sorted(told) == sorted({fill.trade_id for fill in fills})
    assert tracked.order.filled == len(set(told))


def test_apply_with_a_trade_after_the_close_counts_it_and_stays_closed() -> None:
    tracked = Tracked()
    tracked.apply(ACCEPTED, a_report(CLIENT_ID, S.CANCELED, filled="1", cost="100"))
    order = tracked.apply(of_trade(TRADES[0]), of_trade(TRADES[1]))
    assert (order.state, order.filled, order.cost) == (S.CANCELED, D(2), D(199))
    assert order.fees == {"USDT": D("0.2")}
    assert [fill.trade_id for fill in tracked.journalled[-1][1]] == ["t2"]


def test_apply_with_trades_alone_fills_the_order() -> None:
    tracked = Tracked()
    tracked.apply(ACCEPTED)
    assert tracked.apply(of_trade(TRADES[0])).state is S.PARTIALLY_FILLED
    order = tracked.apply(*map(of_trade, TRADES))
    assert (order.state, order.filled, order.average) == (S.FILLED, D(3), D(99))


def test_apply_with_a_fill_report_but_no_trades_knows_what_it_lacks() -> None:
    tracked = Tracked()
    order = tracked.apply(a_report(CLIENT_ID, S.FILLED, filled="3", cost="297"))
    assert tracked.tracker.lacking_fills(Mode.LIVE) == [order]
    assert tracked.tracker.lacking_fills(Mode.PAPER) == []
    order = tracked.apply(*map(of_trade, TRADES))
    assert tracked.tracker.lacking_fills(Mode.LIVE) == []


def test_apply_with_a_report_of_the_other_mode_or_of_a_stranger_touches_nothing() -> None:
    tracked = Tracked()
    assert tracked.tracker.apply(Mode.PAPER, ACCEPTED, "test") is None
    assert tracked.tracker.apply(Mode.LIVE, a_report("web_123"), "test") is None
    assert tracked.journalled == []


def test_apply_with_the_same_report_again_journals_nothing() -> None:
    tracked = Tracked()
    tracked.apply(ACCEPTED, ACCEPTED, ACCEPTED)
    assert len(tracked.journalled) == 1


def test_apply_with_the_answer_found_later_drops_the_reason_of_the_doubt() -> None:
    tracked = Tracked()
    tracked.tracker.settle("1", S.UNRESOLVED, "timeout: no answer", {})
    order = tracked.apply(ACCEPTED)
    assert (order.state, order.reason) == (S.ACCEPTED, None)


def test_apply_with_a_listener_that_raises_journals_and_tells_the_others() -> None:
    tracked = Tracked()
    heard: list[S] = []

    def broken(_: Order, __: tuple[Fill, ...]) -> None:
        raise RuntimeError("a listener broke")

    tracked.tracker.listen(broken)
    tracked.tracker.listen(lambda order, _: heard.append(order.state))
    assert tracked.apply(ACCEPTED).state is S.ACCEPTED
    assert heard == [S.ACCEPTED]
    assert [order.state for order, *_ in tracked.journalled] == [S.ACCEPTED]


def test_first_answer_with_later_ones_is_stamped_once_by_the_monotonic_clock() -> None:
    tracked = Tracked()
    tracked.clock.advance(250 * NS_PER_MS)
    tracked.clock.set(tracked.clock.now_ns() - NS_PER_S)  # the wall clock steps back
    order = tracked.apply(ACCEPTED)
    assert (order.latency_ms, order.answered_ns) == (250.0, tracked.clock.now_ns())
    tracked.clock.advance(NS_PER_S)
    order = tracked.apply(*LIVES["filled"])
    assert order.latency_ms == 250.0
    assert sum(News.ANSWERED in news for *_, news in tracked.journalled) == 1


@pytest.mark.parametrize(
    ("state", "failed", "measured"),
    [
        (S.ACCEPTED, False, True),
        (S.FILLED, False, True),
        (S.EXPIRED, False, True),
        (S.REJECTED, True, True),
        (S.UNRESOLVED, True, True),
        (S.DENIED, False, False),
    ],
)
def test_first_answer_with_each_state_counts_as_failed_by_the_contract(
    state: S, failed: bool, measured: bool
) -> None:
    tracked = Tracked()
    order = tracked.tracker.settle("1", state, "why", {})
    assert (order.failed, order.latency_ms is not None) == (failed, measured)


def test_failed_with_an_unknown_outcome_that_filled_stays_counted_once() -> None:
    tracked = Tracked()
    tracked.tracker.settle("1", S.UNRESOLVED, "timeout", {})
    order = tracked.apply(*LIVES["filled"])
    assert (order.state, order.failed) == (S.FILLED, True)
    assert sum(News.ANSWERED in news for *_, news in tracked.journalled) == 1


def test_rejected_after_it_was_accepted_counts_as_failed_once() -> None:
    tracked = Tracked()
    tracked.apply(ACCEPTED)
    order = tracked.tracker.settle("1", S.REJECTED, "market_closed: judged afterwards", {})
    assert (order.state, order.failed) == (S.REJECTED, True)
    assert [news for *_, news in tracked.journalled] == [News.ANSWERED, News.FAILED]


def test_load_with_an_unanswered_order_of_an_earlier_run_measures_by_the_wall_clock() -> None:
    clock = ManualClock(5 * NS_PER_S)
    tracker = OrderTracker(clock, lambda *_: None)
    tracker.load(an_order(created_ns=2 * NS_PER_S), ())
    order = tracker.settle("1", S.UNRESOLVED, "the engine stopped", {})
    assert order.latency_ms == 3000.0
    tracker.load(an_order("2", created_ns=9 * NS_PER_S), ())
    assert tracker.settle("2", S.UNRESOLVED, "the clock stepped back", {}).latency_ms == 0


def test_load_with_known_trades_does_not_tell_them_again() -> None:
    journalled: list[tuple[object, ...]] = []
    tracker = OrderTracker(ManualClock(0), lambda *item: journalled.append(item))
    known = an_order(
        state=S.PARTIALLY_FILLED, filled=D(1), cost=D(100), exchange_order_id="x-cb1", answered_ns=1
    )
    tracker.load(replace(known, fees={"USDT": D("0.1")}), [TRADES[0]])
    tracker.apply(Mode.LIVE, of_trade(TRADES[0]), "reconciliation")
    assert journalled == []
    order = tracker.apply(Mode.LIVE, of_trade(TRADES[1]), "reconciliation")
    assert order is not None
    assert (order.filled, order.cost, order.fees) == (D(2), D(199), {"USDT": D("0.2")})


def test_memory_with_many_closed_orders_keeps_the_latest_and_every_open_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order_tracker, "CLOSED_KEPT", 3)
    tracker = OrderTracker(ManualClock(0), lambda *_: None)
    tracker.admit(an_order("open"), 0)
    for number in range(10):
        tracker.admit(an_order(str(number)), 0)
        tracker.settle(str(number), S.REJECTED, "no", {})
        tracker.admit(an_order(f"d{number}", state=S.DENIED, answered_ns=1), 0)
    assert tracker.get("open") is not None
    assert len(tracker.recent()) == 4
    assert all(order.state in TERMINAL for order in tracker.recent()[:-1])
    assert len(tracker._by_client_id) == 4
    assert set(tracker._accepted_ns) == {"open"}
