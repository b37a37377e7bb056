import gzip
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.errors import UserError
from cryptobot.domain.market import Level
from cryptobot.simulator.market.binance_replay import BinanceReplay
from cryptobot.simulator.market.feed import BookChange, MarketTrade
from cryptobot.simulator.server.app import Simulator, SimulatorSettings, build_simulator

START_NS = 1_790_000_000 * NS_PER_S
RECORDED = Path("raw_binance_spot_20240808/btcusdt_combined_stream.jsonl.gz")


def depth(first: int, last: int, bids: list[list[str]], asks: list[list[str]]) -> dict[str, Any]:
    return {
        "stream": "btcusdt@depth@100ms",
        "data": {"e": "depthUpdate", "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks},
    }


SNAPSHOT = {"lastUpdateId": 12, "bids": [["100", "1"], ["99", "2"]], "asks": [["101", "3"]]}


def record(path: Path, *messages: Mapping[str, Any]) -> BinanceReplay:
    at_ns = 1_723_161_253_000_000_000
    lines = [f"{at_ns + n * NS_PER_S} {json.dumps(m)}\n" for n, m in enumerate(messages)]
    path.write_text("".join(lines))
    replay = BinanceReplay(path)
    replay.start(START_NS)
    return replay


def play(replay: BinanceReplay) -> list[Any]:
    return list(replay.due(START_NS + 3600 * NS_PER_S))


def test_differences_before_the_snapshot_wait_and_old_ones_are_dropped(tmp_path: Path) -> None:
    replay = record(
        tmp_path / "r",
        depth(1, 10, [["1", "1"]], []),
        depth(11, 14, [["100", "5"]], [["101", "0"]]),
        SNAPSHOT,
        depth(15, 20, [], [["102", "1"]]),
    )
    events = play(replay)
    assert [event.at_ns - START_NS for event in events] == [
        2 * NS_PER_S,
        2 * NS_PER_S,
        3 * NS_PER_S,
    ]
    assert events[0].whole
    assert events[1].bids == [Level(Decimal(100), Decimal(5))]
    assert events[2].asks == [Level(Decimal(102), Decimal(1))]
    assert replay.next_ns() is None


def test_gap_in_the_book_is_an_error(tmp_path: Path) -> None:
    replay = record(tmp_path / "r", depth(1, 12, [], []), SNAPSHOT, depth(15, 16, [], []))
    with pytest.raises(UserError, match="updates 13 to 14 of the book are missing"):
        play(replay)


def test_time_of_the_first_line_becomes_now(tmp_path: Path) -> None:
    replay = record(tmp_path / "r", depth(1, 12, [], []), SNAPSHOT)
    assert replay.next_ns() == START_NS + NS_PER_S


def messages(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        for line in file:
            yield json.loads(line.partition(" ")[2])


def replayed(path: Path) -> Simulator:
    clock = ManualClock(START_NS)
    simulator = build_simulator(BinanceReplay(path), SimulatorSettings(clock=clock))
    clock.advance(700 * NS_PER_S)
    simulator.exchange.venue.advance()
    return simulator


@pytest.mark.shared
def test_replay_of_the_recording_ends_with_its_book_and_trades(shared_dir: Path) -> None:
    path = shared_dir / "market" / RECORDED
    sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    early: list[dict[str, Any]] = []
    last_update, trades, ticker = None, [], {}
    for message in messages(path):
        data = message.get("data", message)
        if "lastUpdateId" in data:
            sides = {"b": dict(data["bids"]), "a": dict(data["asks"])}
            last_update = data["lastUpdateId"]
            differences = early
        elif data.get("e") == "trade":
            trades.append((data["p"], data["q"], data["m"]))
            continue
        elif "B" in data:
            ticker = data
            continue
        elif last_update is None:
            early.append(data)
            continue
        else:
            differences = [data]
        for difference in differences:
            if difference["u"] > last_update:
                sides["b"].update(dict(difference["b"]))
                sides["a"].update(dict(difference["a"]))
    simulator = replayed(path)
    venue = simulator.exchange.venue
    market = venue.markets["BTCUSDT"]
    bids, asks = venue.engine.book("BTC/USDT")
    for name, levels in (("b", bids), ("a", asks)):
        expected = {Decimal(p): Decimal(q) for p, q in sides[name].items() if Decimal(q)}
        assert {level.price: level.amount for level in levels} == expected
    assert (bids[0], asks[0]) == (
        Level(Decimal(ticker["b"]), Decimal(ticker["B"])),
        Level(Decimal(ticker["a"]), Decimal(ticker["A"])),
    )
    assert [
        (f"{t.price:.8f}", f"{t.amount:.8f}", t.buyer_is_maker) for t in market.tape.latest(100_000)
    ] == trades
    assert venue.ended
    volume = sum(bar.volume for bar in market.bars("1m").bars())
    assert volume == sum(Decimal(amount) for _, amount, _ in trades)


@pytest.mark.shared
def test_replay_in_small_steps_equals_one_big_step(shared_dir: Path) -> None:
    path = shared_dir / "market" / RECORDED
    one, two = BinanceReplay(path), BinanceReplay(path)
    one.start(START_NS)
    two.start(START_NS)
    whole = list(one.due(START_NS + 20 * NS_PER_S))
    pieces = [e for n in range(200) for e in two.due(START_NS + (n + 1) * NS_PER_S // 10)]
    assert whole == pieces
    assert {type(event) for event in whole} == {BookChange, MarketTrade}
