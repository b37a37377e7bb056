import pytest

from cryptobot.domain.order import OrderState, Side
from cryptobot.matching.records import FeeSchedule
from cryptobot.matching.refusal import Refusal, RefusalCode

from .venue import BUY, SELL, SYMBOL, D, Venue

FEES = FeeSchedule(maker=D("0.001"), taker=D("0.002"))


@pytest.fixture
def venue() -> Venue:
    venue = Venue(fees=FEES)
    venue.book("99 x 2", "101 x 2")
    return venue


def test_limit_buy_with_no_match_locks_its_price_times_amount(venue: Venue) -> None:
    venue.limit(BUY, "3", "90.01")
    assert venue.funds("USDT") == (D("99729.97"), D("270.03"))
    assert venue.funds("BTC") == (D(100), D(0))


def test_limit_sell_with_no_match_locks_its_amount(venue: Venue) -> None:
    venue.limit(SELL, "3", "110")
    assert venue.funds("BTC") == (D(97), D(3))


def test_limit_buy_with_better_prices_gets_the_difference_back(venue: Venue) -> None:
    venue.limit(BUY, "3", "105")
    assert venue.funds("USDT") == (D(100000) - 202 - 105, D(105))
    assert venue.funds("BTC") == (D(100) + D(2) * D("0.998"), D(0))


def test_fees_with_buy_and_sell_are_taken_from_what_is_received(venue: Venue) -> None:
    buy = venue.market(BUY, "1")
    sell = venue.market(SELL, "1")
    assert [(fill.commission, fill.commission_asset) for fill in (*buy.fills, *sell.fills)] == [
        (D("0.002"), "BTC"),
        (D("0.198"), "USDT"),
    ]


def test_fees_with_resting_order_are_the_makers(venue: Venue) -> None:
    ours = venue.limit(SELL, "1", "100")
    venue.trade(BUY, "1", "100")
    (fill,) = venue.now(ours).fills
    assert (fill.commission, fill.is_maker) == (D("0.1"), True)
    assert venue.funds("USDT") == (D("100099.9"), D(0))


def test_commission_with_more_decimals_than_kept_is_cut() -> None:
    assert FEES.commission(D("0.00001999"), is_maker=False) == D("0.00000003")


def test_market_buy_pays_exactly_its_cost_and_locks_nothing(venue: Venue) -> None:
    venue.market(BUY, "1.5")
    assert venue.funds("USDT") == (D(100000) - D("151.5"), D(0))


@pytest.mark.parametrize(
    ("side", "amount", "price"), [(BUY, "1000", "100.01"), (SELL, "100.001", "200")]
)
def test_limit_with_too_little_free_is_refused_and_leaves_no_trace(
    venue: Venue, side: Side, amount: str, price: str
) -> None:
    before = venue.public()
    with pytest.raises(Refusal) as caught:
        venue.limit(side, amount, price)
    assert caught.value.code is RefusalCode.INSUFFICIENT_FUNDS
    assert (venue.public(), venue.events) == (before, [])
    assert venue.engine.orders(SYMBOL) == []
    assert venue.limit(BUY, "1", "90").order_id == 1


def test_market_buy_with_too_little_free_is_refused() -> None:
    venue = Venue(usdt="100")
    venue.book("", "100 x 1, 101 x 1")
    with pytest.raises(Refusal) as caught:
        venue.market(BUY, "2")
    assert caught.value.code is RefusalCode.INSUFFICIENT_FUNDS
    assert venue.market(BUY, "1").state is OrderState.FILLED


def test_funds_locked_by_one_order_are_not_there_for_another(venue: Venue) -> None:
    venue.limit(SELL, "60", "110")
    with pytest.raises(Refusal):
        venue.limit(SELL, "41", "110")
    venue.engine.cancel_all(SYMBOL)
    venue.limit(SELL, "41", "110")
