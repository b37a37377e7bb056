"""The recorded market, traded by both strategies through unmodified ccxt, and then the accounts."""

import asyncio
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from bench.order_path import bare_ccxt
from bench.processes import simulator
from tests.replay.session import RECORDED_S, RECORDING, STANDSTILL, replay
from tests.replay.venue_evidence import Venue, wait_until_ended

pytestmark = [pytest.mark.e2e, pytest.mark.shared, pytest.mark.timeout(600)]

SPEED = 20.0
BOOK_SPEED = 60.0
LEVELS = 100


@pytest.fixture
def folder(user_home: Path) -> Path:
    user_home.mkdir(parents=True, exist_ok=True)
    return user_home


def test_replay_with_both_strategies_trading_leaves_all_accounts_equal(
    shared_dir: Path, folder: Path
) -> None:
    report = replay(shared_dir / RECORDING, folder, speed=SPEED, say=print)

    assert report.disagreements == []
    assert report.market_trades == 19_904
    assert report.trades > 100
    assert set(report.by_strategy) == {"strategy:grid", "strategy:moving_average_cross"}
    assert min(report.by_strategy.values()) > 2


async def test_replay_at_its_end_shows_the_recorded_book_through_ccxt(
    shared_dir: Path, folder: Path
) -> None:
    recording = shared_dir / RECORDING
    bids, asks = recorded_book(recording)

    with simulator(folder, "--market", str(recording), "--speed", STANDSTILL) as process:
        venue = Venue(process.port)
        async with bare_ccxt(process, "ccxt.pro") as ccxt:
            watching = asyncio.create_task(watch(ccxt))
            venue.set_speed(BOOK_SPEED)
            await asyncio.to_thread(wait_until_ended, venue, RECORDED_S / BOOK_SPEED * 5 + 30)
            fetched = await ccxt.fetch_order_book("BTC/USDT", LEVELS)
            streamed = ccxt.orderbooks["BTC/USDT"]
            until = asyncio.get_running_loop().time() + 10
            while streamed["nonce"] != fetched["nonce"]:
                assert asyncio.get_running_loop().time() < until, "the stream fell behind"
                await asyncio.sleep(0.05)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

            for side, recorded in (("bids", bids), ("asks", asks)):
                assert exact(fetched[side]) == recorded
                assert exact(streamed[side][:LEVELS]) == recorded


async def watch(ccxt: object) -> None:
    while True:
        # With a limit, ccxt forgets the levels beyond it for ever.
        await ccxt.watch_order_book("BTC/USDT")  # type: ignore[attr-defined]


Levels = list[tuple[Decimal, Decimal]]


def exact(rows: list[list[object]]) -> Levels:
    return [(Decimal(str(row[0])), Decimal(str(row[1]))) for row in rows]


def recorded_book(path: Path) -> tuple[Levels, Levels]:
    """Return the last book of a recording, by Binance's rules for a local book."""
    levels: dict[str, dict[Decimal, Decimal]] = {"b": {}, "a": {}}
    with gzip.open(path, "rt") as lines:
        messages = [json.loads(line.partition(" ")[2]) for line in lines]
    snapshot = next(message for message in messages if "lastUpdateId" in message)
    for side, name in (("b", "bids"), ("a", "asks")):
        levels[side] = {Decimal(price): Decimal(amount) for price, amount in snapshot[name]}
    for message in messages:
        data = message.get("data", {})
        if data.get("e") != "depthUpdate" or data["u"] <= snapshot["lastUpdateId"]:
            continue
        for side, book in levels.items():
            for price, amount in data[side]:
                book[Decimal(price)] = Decimal(amount)
    bids = sorted((row for row in levels["b"].items() if row[1]), reverse=True)
    asks = sorted(row for row in levels["a"].items() if row[1])
    return bids[:LEVELS], asks[:LEVELS]
