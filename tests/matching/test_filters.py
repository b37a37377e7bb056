from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.order import OrderIntent, OrderType, Side
from cryptobot.matching.filters import NO_FILTERS, SymbolFilters, check_order
from cryptobot.matching.records import NewOrder
from cryptobot.matching.refusal import Refusal, RefusalCode

from .venue import BUY, INSTRUMENT, SELL, SYMBOL, D, Venue

LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
Code = RefusalCode
FILTERS = SymbolFilters(
    market_min_amount=D("0.01"),
    market_max_amount=D(10),
    market_amount_step=D("0.01"),
    bid_multiplier_down=D("0.5"),
    bid_multiplier_up=D("1.2"),
    ask_multiplier_down=D("0.8"),
    ask_multiplier_up=D(2),
)


def number(text: str | None) -> Decimal | None:
    return None if text is None else D(text)


def refusal_of(
    new: NewOrder, filters: SymbolFilters = NO_FILTERS, instrument: Instrument = INSTRUMENT
) -> Refusal | None:
    try:
        check_order(new, instrument, filters, D(100))
    except Refusal as refusal:
        return refusal
    return None


def code_of(new: NewOrder, filters: SymbolFilters = NO_FILTERS) -> RefusalCode | None:
    refusal = refusal_of(new, filters)
    return None if refusal is None else refusal.code


@pytest.mark.parametrize(
    ("amount", "price", "code"),
    [
        ("1", "100", None),
        ("0", "100", Code.FILTER_LOT),
        ("-1", "100", Code.FILTER_LOT),
        ("1.0001", "100", Code.FILTER_LOT),
        ("1001", "100", Code.FILTER_LOT),
        (None, "100", Code.FILTER_LOT),
        ("1", None, Code.FILTER_PRICE),
        ("1", "0", Code.FILTER_PRICE),
        ("1", "-1", Code.FILTER_PRICE),
        ("1", "100.001", Code.FILTER_PRICE),
        ("1", "100000.01", Code.FILTER_PRICE),
        ("0.049", "100", Code.FILTER_NOTIONAL),
        ("0.05", "100", None),
        ("1000", "1000.01", Code.FILTER_NOTIONAL),
        ("1000", "1000", None),
    ],
)
def test_limit_with_each_rule_broken_gives_its_code(
    amount: str | None, price: str | None, code: RefusalCode | None
) -> None:
    new = NewOrder(SYMBOL, BUY, LIMIT, number(amount), number(price))
    assert code_of(new) is code


@pytest.mark.parametrize(
    ("amount", "price", "quote_amount", "code"),
    [
        ("1", None, None, None),
        ("1", "100", None, Code.FILTER_PRICE),
        (None, None, None, Code.FILTER_LOT),
        ("1", None, "100", Code.FILTER_LOT),
        ("0.005", None, None, Code.FILTER_MARKET_LOT),
        ("11", None, None, Code.FILTER_MARKET_LOT),
        ("0.015", None, None, Code.FILTER_MARKET_LOT),
        ("0.04", None, None, Code.FILTER_NOTIONAL),
        (None, None, "4.99", Code.FILTER_NOTIONAL),
        (None, None, "-1", Code.FILTER_NOTIONAL),
        (None, None, "5", None),
    ],
)
def test_market_with_each_rule_broken_gives_its_code(
    amount: str | None, price: str | None, quote_amount: str | None, code: RefusalCode | None
) -> None:
    new = NewOrder(
        SYMBOL,
        BUY,
        MARKET,
        number(amount),
        number(price),
        quote_amount=number(quote_amount),
    )
    assert code_of(new, FILTERS) is code


@pytest.mark.parametrize(
    ("side", "price", "passes"),
    [
        (BUY, "50", True),
        (BUY, "49.99", False),
        (BUY, "120", True),
        (BUY, "120.01", False),
        (SELL, "80", True),
        (SELL, "79.99", False),
        (SELL, "200", True),
        (SELL, "200.01", False),
    ],
)
def test_percent_price_with_limit_too_far_from_the_market_is_refused(
    side: Side, price: str, passes: bool
) -> None:
    code = code_of(NewOrder(SYMBOL, side, LIMIT, D(1), D(price)), FILTERS)
    assert code is (None if passes else Code.FILTER_PERCENT_PRICE)


def test_place_with_filters_judges_by_the_last_trade() -> None:
    venue = Venue(filters=FILTERS)
    venue.limit(BUY, "1", "999")  # nothing to judge by yet
    venue.trade(BUY, "1", "100")
    with pytest.raises(Refusal) as caught:
        venue.limit(BUY, "1", "999")
    assert caught.value.code is Code.FILTER_PERCENT_PRICE


def test_place_with_unknown_symbol_or_closed_market_is_refused() -> None:
    venue = Venue(instrument=replace(INSTRUMENT, active=False))
    with pytest.raises(Refusal) as caught:
        venue.limit(BUY, "1", "100")
    assert caught.value.code is Code.MARKET_CLOSED
    with pytest.raises(Refusal) as caught:
        venue.engine.place(NewOrder("ETH/USDT", BUY, LIMIT, D(1), D(100)))
    assert caught.value.code is Code.UNKNOWN_SYMBOL


near = st.sampled_from(
    [
        D(text)
        for text in ("0", "-1", "0.001", "0.0005", "0.05", "0.3", "5", "1000", "1000.5", "2e5")
    ]
)


@given(type_=st.sampled_from(OrderType), amount=near, price=st.none() | near, active=st.booleans())
def test_check_with_any_order_agrees_with_the_instrument(
    type_: OrderType, amount: Decimal, price: Decimal | None, active: bool
) -> None:
    """The gateway asks the instrument before, the engine asks here: they must never differ."""
    instrument = replace(INSTRUMENT, active=active)
    said = instrument.violation(OrderIntent(SYMBOL, BUY, type_, amount, price), D(100))
    refusal = refusal_of(NewOrder(SYMBOL, BUY, type_, amount, price), instrument=instrument)
    assert (None if refusal is None else refusal.message) == said
