from decimal import Decimal
from itertools import pairwise

import pytest

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.order import Side
from cryptobot.simulator.market.feed import BookChange, MarketEvent, MarketTrade
from cryptobot.simulator.market.generated import GeneratedMarket

START_NS = 1_790_000_017 * NS_PER_S
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT", "BNB/USDT", "ETH/BTC")


def play(seed: int, seconds: int, pieces: int = 1) -> list[MarketEvent]:
    market = GeneratedMarket(seed)
    market.start(START_NS)
    events: list[MarketEvent] = []
    for piece in range(1, pieces + 1):
        events += market.due(START_NS + seconds * NS_PER_S * piece // pieces)
    return events


@pytest.fixture(scope="module")
def two_minutes() -> list[MarketEvent]:
    return play(11, 120)


def test_market_with_one_seed_repeats_event_for_event() -> None:
    assert play(5, 10) == play(5, 10)


def test_market_does_not_depend_on_how_often_it_is_asked() -> None:
    assert play(5, 10, pieces=1) == play(5, 10, pieces=400)


def test_market_with_other_seed_differs() -> None:
    assert play(5, 5) != play(6, 5)


def test_events_come_in_order_of_time(two_minutes: list[MarketEvent]) -> None:
    assert all(one.at_ns <= two.at_ns for one, two in pairwise(two_minutes))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_symbol_is_as_busy_as_a_real_one(symbol: str, two_minutes: list[MarketEvent]) -> None:
    mine = [event for event in two_minutes if event.symbol == symbol]
    books = sum(isinstance(event, BookChange) for event in mine) / 120
    trades = sum(isinstance(event, MarketTrade) for event in mine) / 120
    assert 5 <= books <= 20
    assert 2 <= trades <= 20


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_book_is_never_crossed_nor_empty(symbol: str, two_minutes: list[MarketEvent]) -> None:
    sides: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
    for event in two_minutes:
        if not isinstance(event, BookChange) or event.symbol != symbol:
            continue
        for side, changed in ((Side.BUY, event.bids), (Side.SELL, event.asks)):
            for price, amount in changed:
                assert price > 0
                assert amount >= 0
                if amount:
                    sides[side][price] = amount
                else:
                    sides[side].pop(price, None)
        assert max(sides[Side.BUY]) < min(sides[Side.SELL])
        assert min(len(side) for side in sides.values()) > 50


def test_trades_happen_at_both_sides_and_move_the_price(two_minutes: list[MarketEvent]) -> None:
    trades = [
        event
        for event in two_minutes
        if isinstance(event, MarketTrade) and event.symbol == "BTC/USDT"
    ]
    prices = [float(trade.price) for trade in trades]
    assert {trade.taker_side for trade in trades} == {Side.BUY, Side.SELL}
    assert 0.0003 < max(prices) / min(prices) - 1 < 0.03


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_history_ends_where_the_market_begins(symbol: str) -> None:
    market = GeneratedMarket(3)
    market.start(START_NS)
    minutes = market.minute_history(symbol)
    first = next(
        event
        for event in market.due(START_NS)
        if isinstance(event, BookChange) and event.symbol == symbol
    )
    bid, ask = max(first.bids).price, min(first.asks).price
    step = market.listings[SYMBOLS.index(symbol)].instrument.price_step
    assert bid - 2 * step <= minutes[-1].close <= ask + 2 * step
    assert len(minutes) >= 1000
    assert minutes[-1].open_ms == START_NS // 1_000_000 // 60_000 * 60_000
    for bar, later in pairwise(minutes):
        assert later.open_ms - bar.open_ms == 60_000
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.close == later.open
        assert bar.volume > bar.taker_volume > 0


def test_cross_rate_follows_its_two_legs() -> None:
    market = GeneratedMarket(3)
    market.start(START_NS)
    last: dict[str, float] = {}
    for event in market.due(START_NS + 60 * NS_PER_S):
        if isinstance(event, MarketTrade):
            last[event.symbol] = float(event.price)
    implied = last["ETH/USDT"] / last["BTC/USDT"]
    assert last["ETH/BTC"] == pytest.approx(implied, rel=0.002)
