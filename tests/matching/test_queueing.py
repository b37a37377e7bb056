import pytest

from cryptobot.domain.order import OrderState, OrderType
from cryptobot.matching.records import NewOrder
from cryptobot.matching.refusal import Refusal, RefusalCode

from .venue import BUY, SELL, SYMBOL, D, Venue, fills


@pytest.fixture
def venue() -> Venue:
    venue = Venue()
    venue.book("99 x 2, 98 x 5", "101 x 2, 102 x 5")
    return venue


def test_trade_at_our_price_eats_the_queue_ahead_then_fills_us(venue: Venue) -> None:
    ours = venue.limit(BUY, "1", "99")
    venue.trade(SELL, "1.5", "99")
    assert venue.now(ours).executed == 0
    venue.trade(SELL, "0.8", "99")
    assert venue.now(ours).executed == D("0.3")
    venue.trade(SELL, "5", "99")
    assert venue.now(ours).state is OrderState.FILLED
    assert all(fill.is_maker for fill in venue.now(ours).fills)


def test_trade_by_the_other_taker_side_fills_nothing(venue: Venue) -> None:
    ours = venue.limit(BUY, "1", "99")
    venue.trade(BUY, "50", "99")
    venue.trade(BUY, "50", "98")
    assert venue.now(ours).executed == 0


def test_trade_through_our_price_fills_us_up_to_its_amount_at_our_price(venue: Venue) -> None:
    ours = venue.limit(SELL, "3", "101")
    venue.trade(BUY, "1", "102")
    assert fills(venue.now(ours)) == "101 x 1"
    venue.trade(BUY, "1", "101")  # nobody is left ahead
    assert fills(venue.now(ours)) == "101 x 1, 101 x 1"


def test_trade_with_two_of_our_orders_fills_by_price_then_time(venue: Venue) -> None:
    later_price = venue.limit(BUY, "1", "99.50")
    first = venue.limit(BUY, "1", "99.60")
    second = venue.limit(BUY, "1", "99.60")
    venue.trade(SELL, "2.5", "99.50")
    assert [venue.now(order).executed for order in (first, second, later_price)] == [
        D(1),
        D(1),
        D("0.5"),
    ]


def test_trade_with_market_amount_between_our_orders_fills_it_in_between(venue: Venue) -> None:
    first = venue.limit(BUY, "1", "99")  # behind 2
    venue.diff(bids="99 x 5")
    second = venue.limit(BUY, "1", "99")  # behind 5: 3 joined after our first
    venue.trade(SELL, "4", "99")
    assert venue.now(first).state is OrderState.FILLED
    assert venue.now(second).executed == 0
    venue.trade(SELL, "2.4", "99")
    assert venue.now(second).executed == D("0.4")


def test_queue_with_level_shrinking_moves_us_up_to_what_is_left(venue: Venue) -> None:
    ours = venue.limit(BUY, "1", "99")
    venue.trade(SELL, "1", "99")
    venue.diff(bids="99 x 1")  # the same trade, seen in the depth: not counted twice
    venue.trade(SELL, "1", "99")
    assert venue.now(ours).executed == 0
    venue.trade(SELL, "0.1", "99")
    assert venue.now(ours).executed == D("0.1")


def test_queue_with_level_gone_puts_us_first(venue: Venue) -> None:
    ours = venue.limit(BUY, "1", "99")
    venue.diff(bids="99 x 0")
    venue.trade(SELL, "0.4", "99")
    assert venue.now(ours).executed == D("0.4")


def test_queue_with_our_own_taker_eating_ahead_moves_us_up(venue: Venue) -> None:
    ours = venue.limit(BUY, "1", "99")
    venue.ioc(SELL, "1.5", "99")
    venue.trade(SELL, "0.7", "99")
    assert venue.now(ours).executed == D("0.2")


def test_crossing_book_fills_us_as_maker_at_our_price_once(venue: Venue) -> None:
    ours = venue.limit(BUY, "3", "100")
    venue.diff(asks="99.50 x 1, 100 x 0.5, 100.50 x 9", bids="99 x 0")
    assert fills(venue.now(ours)) == "100 x 1, 100 x 0.5"
    assert all(fill.is_maker for fill in venue.now(ours).fills)
    venue.diff(asks="99.50 x 1, 100 x 0.5")
    assert venue.now(ours).executed == D("1.5")
    venue.diff(asks="99.50 x 1.25")
    assert venue.now(ours).executed == D("1.75")
    assert venue.public()[0].startswith("100 x 1.25, 98 x 5")


def test_crossing_snapshot_fills_our_sells(venue: Venue) -> None:
    ours = venue.limit(SELL, "3", "100")
    venue.book("100.50 x 2, 99 x 9", "101 x 2")
    assert fills(venue.now(ours)) == "100 x 2"
    assert venue.public() == ("99 x 9", "100 x 1, 101 x 2")


def test_window_with_order_beyond_it_waits_behind_what_shows_up() -> None:
    venue = Venue()
    venue.window("99 x 1", "101 x 1")
    ours = venue.limit(BUY, "1", "90")
    venue.window("90 x 4, 89 x 1", "91 x 1")
    venue.trade(SELL, "4", "90")
    assert venue.now(ours).executed == 0
    venue.trade(SELL, "1", "90")
    assert venue.now(ours).state is OrderState.FILLED


def test_book_with_order_at_an_empty_price_is_first_there() -> None:
    venue = Venue()
    venue.book("99 x 1", "101 x 1")
    ours = venue.limit(BUY, "1", "90")
    venue.book("90 x 4, 89 x 1", "91 x 1")
    venue.trade(SELL, "1", "90")
    assert venue.now(ours).state is OrderState.FILLED


def test_cancel_with_resting_order_leaves_the_book_and_frees_its_funds(venue: Venue) -> None:
    ours = venue.limit(BUY, "3", "100")
    venue.trade(SELL, "1", "100")
    after = venue.engine.cancel(SYMBOL, ours.order_id)
    assert (after.state, after.executed) == (OrderState.CANCELED, D(1))
    assert venue.funds("USDT") == (D(99900), D(0))
    venue.trade(SELL, "10", "100")
    assert venue.now(ours) == after


def test_cancel_with_closed_or_unknown_order_is_refused(venue: Venue) -> None:
    filled = venue.market(BUY, "1")
    for order_id in (filled.order_id, 99):
        with pytest.raises(Refusal) as caught:
            venue.engine.cancel(SYMBOL, order_id)
        assert caught.value.code is RefusalCode.NOT_FOUND


def test_cancel_all_with_several_open_orders_cancels_them_oldest_first(venue: Venue) -> None:
    placed = [venue.limit(BUY, "1", price) for price in ("97", "99", "98")]
    canceled = venue.engine.cancel_all(SYMBOL)
    assert [order.order_id for order in canceled] == [order.order_id for order in placed]
    assert venue.engine.open_orders() == []
    assert venue.engine.cancel_all(SYMBOL) == []


def test_rest_with_crossing_price_takes_nothing_and_fills_as_maker(venue: Venue) -> None:
    back = venue.engine.rest(NewOrder(SYMBOL, BUY, OrderType.LIMIT, D("0.0004"), D(101)))
    assert back.state is OrderState.ACCEPTED
    venue.diff(asks="101 x 2")
    assert venue.now(back).state is OrderState.FILLED
    assert venue.now(back).fills[0].is_maker
