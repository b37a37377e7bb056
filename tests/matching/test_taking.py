from dataclasses import replace

import pytest

from cryptobot.domain.order import OrderState, OrderType, TimeInForce
from cryptobot.matching.refusal import Refusal, RefusalCode

from .venue import BUY, INSTRUMENT, SELL, SYMBOL, D, Venue, fills

BIDS, ASKS = "99 x 1, 98 x 2, 97 x 3", "100 x 1, 101 x 2, 102 x 3"


@pytest.fixture
def venue() -> Venue:
    venue = Venue()
    venue.book(BIDS, ASKS)
    return venue


def test_limit_with_crossing_price_eats_best_levels_first_down_to_its_limit(venue: Venue) -> None:
    buy = venue.limit(BUY, "4", "101")
    assert fills(buy) == "100 x 1, 101 x 2"
    assert buy.state is OrderState.PARTIALLY_FILLED
    assert venue.public() == ("101 x 1, 99 x 1, 98 x 2, 97 x 3", "102 x 3")
    assert not any(fill.is_maker for fill in buy.fills)


def test_limit_with_enough_liquidity_is_filled_and_leaves_the_rest(venue: Venue) -> None:
    sell = venue.limit(SELL, "2", "98")
    assert fills(sell) == "99 x 1, 98 x 1"
    assert sell.state is OrderState.FILLED
    assert sell.cost == D(197)
    assert venue.public() == ("98 x 1, 97 x 3", ASKS)


def test_limit_with_level_taken_before_does_not_take_it_twice(venue: Venue) -> None:
    venue.market(BUY, "1")
    assert fills(venue.ioc(BUY, "1", "101")) == "101 x 1"


def test_ioc_with_partial_liquidity_expires_the_rest(venue: Venue) -> None:
    buy = venue.ioc(BUY, "4", "101")
    assert (buy.state, buy.executed, buy.reason) == (OrderState.EXPIRED, D(3), "unfilled")
    assert venue.engine.open_orders() == []
    assert venue.funds("USDT")[1] == 0


def test_fok_with_too_little_liquidity_expires_untouched(venue: Venue) -> None:
    buy = venue.fok(BUY, "4", "101")
    assert (buy.state, buy.fills, buy.reason) == (OrderState.EXPIRED, (), "fill_or_kill")
    assert venue.public() == (BIDS, ASKS)
    assert venue.funds("USDT") == (D(100000), D(0))


def test_fok_with_enough_liquidity_fills_whole(venue: Venue) -> None:
    assert venue.fok(BUY, "3", "101").state is OrderState.FILLED


@pytest.mark.parametrize("price", ["100", "101"])
def test_limit_maker_with_crossing_price_is_refused(venue: Venue, price: str) -> None:
    with pytest.raises(Refusal) as caught:
        venue.maker(BUY, "1", price)
    assert caught.value.code is RefusalCode.WOULD_TAKE
    assert venue.events == []
    assert venue.engine.orders(SYMBOL) == []


@pytest.mark.parametrize("time_in_force", list(TimeInForce))
def test_limit_maker_with_any_time_in_force_rests(venue: Venue, time_in_force: TimeInForce) -> None:
    order = venue.limit(BUY, "1", "99.99", type=OrderType.LIMIT_MAKER, time_in_force=time_in_force)
    assert order.state is OrderState.ACCEPTED


def test_limit_maker_with_own_order_in_the_way_is_refused(venue: Venue) -> None:
    venue.limit(SELL, "1", "99.50")
    with pytest.raises(Refusal) as caught:
        venue.maker(BUY, "1", "99.50")
    assert caught.value.code is RefusalCode.WOULD_TAKE


def test_market_with_more_than_the_book_expires_the_rest(venue: Venue) -> None:
    sell = venue.market(SELL, "7")
    assert fills(sell) == "99 x 1, 98 x 2, 97 x 3"
    assert (sell.state, sell.remaining) == (OrderState.EXPIRED, D(1))
    assert venue.funds("BTC") == (D(94), D(0))


def test_market_with_empty_book_is_refused() -> None:
    with pytest.raises(Refusal) as caught:
        Venue().market(BUY, "1")
    assert caught.value.code is RefusalCode.NO_LIQUIDITY


@pytest.mark.parametrize(
    ("quote", "expected", "state"),
    [
        ("100", "100 x 1", OrderState.FILLED),
        ("201", "100 x 1, 101 x 1", OrderState.FILLED),
        ("150", "100 x 1, 101 x 0.495", OrderState.FILLED),
        ("99.99", "100 x 0.999", OrderState.FILLED),
        ("700", "100 x 1, 101 x 2, 102 x 3", OrderState.EXPIRED),
    ],
)
def test_market_buy_by_quote_amount_buys_what_it_affords(
    venue: Venue, quote: str, expected: str, state: OrderState
) -> None:
    buy = venue.market_for(BUY, quote)
    assert (fills(buy), buy.state) == (expected, state)
    assert buy.cost <= D(quote)
    assert buy.quote_amount == D(quote)
    assert venue.funds("USDT") == (D(100000) - buy.cost, D(0))


def test_market_sell_by_quote_amount_sells_what_brings_it(venue: Venue) -> None:
    sell = venue.market_for(SELL, "197")
    assert fills(sell) == "99 x 1, 98 x 1"
    assert sell.state is OrderState.FILLED
    assert venue.funds("BTC") == (D(98), D(0))


def test_market_by_quote_amount_below_one_step_is_refused() -> None:
    venue = Venue(instrument=replace(INSTRUMENT, min_notional=D(0)))
    venue.book("", "100 x 1")
    with pytest.raises(Refusal) as caught:
        venue.market_for(BUY, "0.09")
    assert caught.value.code is RefusalCode.FILTER_LOT


def test_market_by_quote_amount_with_exact_step_is_not_rounded_up() -> None:
    venue = Venue(instrument=replace(INSTRUMENT, min_notional=D(0)))
    venue.book("", "3 x 10")
    assert fills(venue.market_for(BUY, "10")) == "3 x 3.333"


def test_taker_with_own_order_next_in_line_expires_there(venue: Venue) -> None:
    own = venue.limit(SELL, "1", "101")  # behind 2 of the market's
    buy = venue.limit(BUY, "5", "102")
    assert fills(buy) == "100 x 1, 101 x 2"
    assert (buy.state, buy.reason) == (OrderState.EXPIRED, "self_trade")
    assert venue.now(own).is_open
    assert venue.public()[1] == "101 x 1, 102 x 3"


def test_taker_with_own_order_beyond_its_limit_is_not_stopped(venue: Venue) -> None:
    venue.limit(SELL, "1", "101.50")
    assert venue.limit(BUY, "3", "101").state is OrderState.FILLED
    assert venue.limit(BUY, "1", "101").state is OrderState.ACCEPTED


def test_fok_with_own_order_in_the_way_expires_untouched(venue: Venue) -> None:
    venue.limit(SELL, "1", "100.50")
    buy = venue.fok(BUY, "2", "101")
    assert (buy.state, buy.fills) == (OrderState.EXPIRED, ())


def test_market_with_only_our_own_order_there_is_refused() -> None:
    venue = Venue()
    venue.limit(SELL, "1", "100")
    with pytest.raises(Refusal) as caught:
        venue.market(BUY, "1")
    assert caught.value.code is RefusalCode.NO_LIQUIDITY


def test_client_order_id_with_open_order_is_refused_and_reusable_once_closed(
    venue: Venue,
) -> None:
    first = venue.limit(BUY, "1", "90", client_order_id="x")
    with pytest.raises(Refusal) as caught:
        venue.limit(BUY, "1", "91", client_order_id="x")
    assert caught.value.code is RefusalCode.DUPLICATE_CLIENT_ORDER_ID
    venue.engine.cancel(SYMBOL, first.order_id)
    second = venue.limit(BUY, "1", "91", client_order_id="x")
    assert venue.engine.find(SYMBOL, client_order_id="x") == second
    assert venue.engine.find(SYMBOL, order_id=first.order_id) is not None


def test_ids_with_first_values_rise_from_there(venue: Venue) -> None:
    orders = [venue.limit(BUY, "0.1", "100") for _ in range(3)]
    assert [order.order_id for order in orders] == [1, 2, 3]
    assert [trade.trade_id for trade in venue.engine.trades(SYMBOL)] == [1, 2, 3]
