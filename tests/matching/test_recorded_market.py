"""A recorded Binance market, orders placed along the way: exact to the last digit."""

import gzip
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.order import OrderType, Side, TimeInForce
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.records import NewOrder
from cryptobot.matching.refusal import Refusal
from tests.counterparts import not_here

from .invariants import Auditor
from .venue import SYMBOL, D, Venue

RECORDING = (
    Path(__file__).parents[3]
    / "shared/market/raw_binance_spot_20240808/btcusdt_combined_stream.jsonl.gz"
)
BTC_USDT = Instrument(
    SYMBOL, "BTC", "USDT", D("0.01"), D("0.00001"), D("0.00001"), min_notional=D(5)
)


def recorded() -> Iterator[dict[str, Any]]:
    """Yield the snapshot, then every depth update after it and every trade, in order."""
    with gzip.open(RECORDING, "rt") as lines:
        messages = [json.loads(line.split(" ", 1)[1]) for line in lines]
    snapshot = next(message for message in messages if "lastUpdateId" in message)
    yield snapshot
    for message in messages:
        data = message.get("data", {})
        kind = data.get("e")
        if kind == "trade" or (kind == "depthUpdate" and data["u"] > snapshot["lastUpdateId"]):
            yield data


def levels(rows: list[list[str]]) -> list[tuple[Decimal, Decimal]]:
    return [(D(price), D(amount)) for price, amount in rows]


def feed(engine: MatchingEngine, message: dict[str, Any]) -> None:
    if "lastUpdateId" in message:
        engine.set_book(SYMBOL, levels(message["bids"]), levels(message["asks"]))
    elif message["e"] == "depthUpdate":
        engine.apply_levels(SYMBOL, levels(message["b"]), levels(message["a"]))
    else:
        taker = Side.SELL if message["m"] else Side.BUY
        engine.apply_trade(SYMBOL, D(message["p"]), D(message["q"]), taker)


def act(engine: MatchingEngine, rng: random.Random) -> None:
    """Do something near the touch, as a bot would."""
    side = rng.choice(list(Side))
    bids, asks = engine.book(SYMBOL, 1)
    touch = (bids if side is Side.BUY else asks)[0].price
    amount = D(rng.randint(10, 50_000)).scaleb(-5)
    roll = rng.random()
    if roll < 0.1:
        new = NewOrder(SYMBOL, side, OrderType.MARKET, amount)
    elif roll < 0.15:
        new = NewOrder(SYMBOL, side, OrderType.MARKET, None, quote_amount=D(rng.randint(1, 9999)))
    else:
        new = NewOrder(
            SYMBOL,
            side,
            rng.choice([OrderType.LIMIT, OrderType.LIMIT_MAKER]),
            amount,
            touch + D(rng.randint(-500, 500)).scaleb(-2),
            rng.choice(list(TimeInForce)),
        )
    resting = engine.open_orders(SYMBOL)
    if len(resting) > 20:
        engine.cancel(SYMBOL, rng.choice(resting).order_id)
    engine.place(new)


@pytest.mark.shared
@pytest.mark.parametrize("seed", [1, 2])
def test_replay_with_orders_along_the_way_keeps_every_invariant(seed: int) -> None:
    if not RECORDING.exists():
        not_here(f"no recorded market at {RECORDING}")
    rng = random.Random(seed)
    venue = Venue(btc="10", usdt="600000", instrument=BTC_USDT)
    audit = Auditor(venue.engine, SYMBOL)
    refused = fed = 0
    for message in recorded():
        feed(venue.engine, message)
        fed += 1
        if rng.random() < 0.1:
            try:
                act(venue.engine, rng)
            except Refusal:
                refused += 1
        for event in venue.events:
            audit.on_event(event)
        venue.events.clear()
        if fed % 20 == 0:
            audit.check()
    audit.check()
    trades = venue.engine.trades(SYMBOL)
    assert fed == 1 + 6_493 + 19_904
    assert refused > 0
    assert sum(trade.is_maker for trade in trades) > 500
    assert sum(not trade.is_maker for trade in trades) > 500
