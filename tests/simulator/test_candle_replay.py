import random
from decimal import Decimal
from pathlib import Path

import pytest

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from cryptobot.simulator.market.candle_file import read_candles
from cryptobot.simulator.market.candle_path import split_volume
from cryptobot.simulator.market.candle_replay import CandleReplay
from cryptobot.simulator.server.app import SimulatorSettings, build_simulator
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.venue import Venue

NOW_MS = 1_790_000_025_000
MINUTE = 60_000
ROWS = [
    (0, "100", "105", "99", "104", "12.5"),
    (1, "104", "104", "104", "104", "1"),
    (2, "104", "120", "90", "91", "300.12345"),
    (3, "91", "91.5", "90.99", "91.2", "0.00002"),
    (4, "91.2", "93", "91", "91.2", "7"),
    (6, "92", "95", "92", "95", "8.1"),  # minute 5 is missing
    (7, "95", "96", "80", "81.01", "33"),
]


def write(path: Path) -> Path:
    rows = [f"{1_600_000_020_000 + n * MINUTE},{','.join(rest)}" for n, *rest in ROWS]
    path.write_text("timestamp,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    return path


def run(path: Path, minutes: int, *, seed: int = 1) -> tuple[Venue, SymbolMarket]:
    clock = ManualClock(NOW_MS * NS_PER_MS)
    venue = build_simulator(CandleReplay(path, seed), SimulatorSettings(clock=clock)).exchange.venue
    for _ in range(minutes * 6):
        clock.advance(10 * NS_PER_S)
        venue.advance()
    return venue, next(iter(venue.markets.values()))


def test_played_candles_equal_the_recorded_ones(tmp_path: Path) -> None:
    venue, market = run(write(tmp_path / "x_ETH-EUR_1m.csv"), 5)
    bars = {bar.open_ms: bar for bar in market.bars("1m").bars() if bar.volume}
    first = NOW_MS - NOW_MS % MINUTE - 3 * MINUTE  # three of seven are history
    for number, *rest in ROWS:
        bar = bars[first + number * MINUTE]
        shown = (bar.open, bar.high, bar.low, bar.close, bar.volume)
        assert shown == tuple(Decimal(text) for text in rest)
    assert len(bars) == len(ROWS)
    assert venue.ended
    assert market.symbol == "ETH/EUR"


def test_played_candles_have_a_book_around_the_price(tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv")
    feed = CandleReplay(path, 1)
    clock = ManualClock(NOW_MS * NS_PER_MS)
    venue = build_simulator(feed, SimulatorSettings(clock=clock)).exchange.venue
    for _ in range(180):
        clock.advance(NS_PER_S)
        venue.advance()
        bids, asks = venue.engine.book("BTC/USDT")
        assert len(bids) > 50
        assert len(asks) > 50
        assert bids[0].price < asks[0].price
    bids, _ = venue.engine.book("BTC/USDT")
    last = venue.engine.last_price("BTC/USDT")
    assert last is not None
    assert abs(bids[0].price / last - 1) < Decimal("0.02")


def test_one_seed_repeats_the_path_and_another_does_not(tmp_path: Path) -> None:
    path = write(tmp_path / "m.csv")

    def tape(seed: int) -> object:
        return run(path, 2, seed=seed)[1].tape.latest(10_000)

    assert tape(1) == tape(1)
    assert tape(1) != tape(2)


@pytest.mark.parametrize("volume", ["0.00001", "0.00007", "1", "1234.56789", "0.000000011"])
def test_split_volume_loses_nothing(volume: str) -> None:
    for seed in range(50):
        parts = split_volume(Decimal(volume), 7, Decimal("0.00001"), random.Random(seed))
        assert sum(parts) == Decimal(volume)
        assert min(parts) > 0


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    ["coinbase_BTC-USD_1m_20171217", "binance_BTC-EUR_15m_202312", "coinbase_BTC-USD_1s_20161007"],
)
def test_recorded_file_plays_its_candles(shared_dir: Path, name: str) -> None:
    path = shared_dir / "market" / "ohlcv" / f"{name}.csv.gz"
    recorded = read_candles(path)
    _, market = run(path, 10)
    interval = {1_000: "1s", MINUTE: "1m", 15 * MINUTE: "15m"}[recorded.interval_ms]
    first = min(1000, len(recorded.bars) // 2)
    shift = NOW_MS - NOW_MS % recorded.interval_ms - recorded.bars[first].open_ms
    shown = {bar.open_ms: bar for bar in market.bars(interval).bars()}
    now = NOW_MS + 10 * MINUTE
    whole = [
        bar for bar in recorded.bars[first:] if bar.open_ms + shift + recorded.interval_ms <= now
    ]
    assert len(whole) >= (9 if interval == "1m" else 0)
    for bar in whole:
        played = shown[bar.open_ms + shift]
        assert (played.open, played.high, played.low, played.close, played.volume) == (
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
        )
