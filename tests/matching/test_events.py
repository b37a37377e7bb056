from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.order import OrderState
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.events import DepthChange, ExecutionEvent, ExecutionKind
from cryptobot.matching.ledger import Holding
from cryptobot.matching.records import FeeSchedule

from .venue import BUY, SELL, SYMBOL, D, Venue

NEW, TRADE = ExecutionKind.NEW, ExecutionKind.TRADE
CANCELED, EXPIRED = ExecutionKind.CANCELED, ExecutionKind.EXPIRED


def market() -> Venue:
    venue = Venue()
    venue.book("99 x 2", "101 x 2, 102 x 1")
    return venue


def test_events_with_taking_and_resting_tell_each_step_with_rising_ids() -> None:
    venue = market()
    order = venue.limit(BUY, "4", "102")
    assert venue.kinds() == [NEW, TRADE, TRADE]
    assert [event.execution_id for event in venue.events] == [1, 2, 3]
    assert [event.order.executed for event in venue.events] == [0, 2, 3]
    assert [event.order.state for event in venue.events] == [
        OrderState.ACCEPTED,
        OrderState.PARTIALLY_FILLED,
        OrderState.PARTIALLY_FILLED,
    ]
    assert venue.last_event().order == order


def test_events_with_end_of_an_order_tell_why() -> None:
    venue = market()
    canceled = venue.limit(BUY, "1", "90")
    venue.engine.cancel(SYMBOL, canceled.order_id)
    venue.ioc(BUY, "1", "90")
    assert venue.kinds() == [NEW, CANCELED, NEW, EXPIRED]
    assert venue.last_event().order.reason == "unfilled"


def test_events_with_funds_moved_carry_the_assets_as_they_stand() -> None:
    venue = market()
    venue.limit(BUY, "3", "101")
    new, trade = venue.events
    assert new.balances == {"USDT": Holding(D(99697), D(303))}
    assert trade.balances == {
        "USDT": Holding(D(99697), D(101)),
        "BTC": Holding(D("101.998"), D(0)),
    }
    assert trade.trade == venue.engine.trades(SYMBOL)[0]


def test_events_with_taken_and_rested_levels_carry_the_public_depth() -> None:
    venue = market()
    venue.limit(BUY, "3", "101")
    assert [event.depth for event in venue.events] == [
        (),
        (DepthChange(SELL, D(101), D(0)), DepthChange(BUY, D(101), D(1))),
    ]
    venue.trade(SELL, "0.25", "101")
    assert venue.last_event().depth == (DepthChange(BUY, D(101), D("0.75")),)
    venue.diff(asks="101 x 4")  # of which 2 are ours already
    assert venue.last_event().depth == (
        DepthChange(BUY, D(101), D(0)),
        DepthChange(SELL, D(101), D("1.25")),
    )


def test_depth_with_every_event_replayed_gives_the_public_book() -> None:
    venue = market()
    bids, asks = (dict(side) for side in venue.engine.book(SYMBOL))
    venue.limit(BUY, "3", "101")
    venue.limit(SELL, "2", "110")
    venue.trade(SELL, "0.5", "101")
    venue.engine.cancel_all(SYMBOL)
    venue.market(SELL, "1")
    venue.limit(SELL, "2", "110")
    resting = venue.limit(BUY, "2", "99")
    venue.engine.cancel(SYMBOL, resting.order_id)
    for event in venue.events:
        for change in event.depth:
            side = bids if change.side is BUY else asks
            side[change.price] = change.amount
    seen_bids, seen_asks = venue.engine.book(SYMBOL)
    assert {price: amount for price, amount in bids.items() if amount} == dict(seen_bids)
    assert {price: amount for price, amount in asks.items() if amount} == dict(seen_asks)


def test_public_print_with_each_cause_names_the_taker_and_is_left_out_for_feed_trades() -> None:
    venue = market()
    venue.limit(BUY, "3", "101")
    taken = venue.last_event().public
    assert taken is not None
    assert (taken.taker_side, taken.price, taken.amount) == (BUY, D(101), D(2))
    venue.trade(SELL, "0.5", "101")
    assert venue.last_event().public is None
    venue.diff(asks="100 x 4")
    crossed = venue.last_event().public
    assert crossed is not None
    assert (crossed.taker_side, crossed.price, crossed.amount) == (SELL, D(101), D("0.5"))


def test_times_with_clock_moving_stamp_creation_and_changes() -> None:
    venue = market()
    created = venue.clock.now_ns()
    order = venue.limit(BUY, "1", "100")
    venue.clock.advance(NS_PER_S)
    venue.trade(SELL, "1", "100")
    after = venue.now(order)
    assert (after.created_ns, after.updated_ns) == (created, created + NS_PER_S)
    assert after.fills[0].at_ns == venue.last_event().at_ns == created + NS_PER_S


def test_receiver_that_calls_the_engine_gets_its_events_after_those_waiting() -> None:
    venue = market()
    seen: list[tuple[int, ExecutionKind]] = []

    def cancel_at_first_trade(event: ExecutionEvent) -> None:
        seen.append((event.execution_id, event.kind))
        if event.execution_id == 2:
            engine.cancel(SYMBOL, event.order.order_id)

    engine = MatchingEngine(
        venue.engine.instruments,
        venue.ledger,
        fees=FeeSchedule(),
        clock=venue.clock,
        on_event=cancel_at_first_trade,
    )
    venue.engine = engine
    venue.book("99 x 2", "101 x 2, 102 x 1")
    venue.limit(BUY, "4", "102")
    assert seen == [(1, NEW), (2, TRADE), (3, TRADE), (4, CANCELED)]
    assert engine.open_orders() == []


def test_last_price_with_market_trade_and_our_own_is_the_latest() -> None:
    venue = market()
    assert venue.engine.last_price(SYMBOL) is None
    venue.trade(BUY, "1", "100.50")
    assert venue.engine.last_price(SYMBOL) == D("100.50")
    venue.market(BUY, "1")
    assert venue.engine.last_price(SYMBOL) == D(101)


def test_book_with_depth_limits_both_sides_and_merges_ours() -> None:
    venue = market()
    venue.limit(BUY, "1", "99")
    venue.limit(SELL, "1", "101.50")
    bids, asks = venue.engine.book(SYMBOL, 2)
    assert bids == [(D(99), D(3))]
    assert asks == [(D(101), D(2)), (D("101.50"), D(1))]
