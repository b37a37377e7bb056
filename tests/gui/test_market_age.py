from collections.abc import Mapping
from pathlib import Path

import pytest

from cryptobot.engine.metrics_feed import CHANNELS
from cryptobot.gui.market_age import MarketAges
from cryptobot.gui.state import EngineState
from cryptobot.gui.streams import SILENT_AFTER_MS, troubled
from cryptobot.gui.vital_signs import VitalSign, vital_signs
from tests.gui.conftest import Watch
from tests.gui.scripted_engine import ScriptedEngine

BTC = "BTC/USDT"
BOOK = {"symbol": BTC, "bids": [["1", "2"]], "asks": [["3", "1"]], "age_ms": 5}


def sign(state: EngineState, name: str) -> VitalSign:
    return next(each for each in vital_signs(state, 0.0) if each.name == name)


def test_ages_with_silence_grow_old_one_after_the_other(watch: Watch) -> None:
    ages = MarketAges(watch)
    assert ages.book(BTC, lost=False).words == "no book yet"
    ages.heard_book(BTC, 400.0)
    ages.heard_candle(BTC, "1m")
    watch.seconds += 2.2
    assert ages.book(BTC, lost=False).words == "book 2 s old"  # it was old when it was sent
    assert not ages.prices([BTC], lost=False).old
    watch.seconds += 0.4
    assert ages.chart(BTC, "1m", lost=False).words == "prices 2 s old"
    watch.seconds += 10
    assert ages.chart(BTC, "1m", lost=False).words == "prices 12 s old"
    ages.heard_book(BTC, None)
    assert ages.chart(BTC, "1m", lost=False).words == "candles 12 s old"
    assert ages.book(BTC, lost=True).words == "book 0 s old"


def test_ages_with_candles_only_read_are_not_current(watch: Watch) -> None:
    ages = MarketAges(watch)
    ages.read_candles(BTC, "1m")
    ages.begin()
    assert ages.chart(BTC, "1m", lost=False).words == ""  # they may come any moment
    watch.seconds += 2.6
    assert ages.chart(BTC, "1m", lost=False).words == "no prices yet"


def test_signs_with_a_silent_market_doubt_an_exchange_that_is_said_to_be_up(
    state: EngineState, watch: Watch, status: dict[str, object]
) -> None:
    state.read_status(status)
    state.read_event("book", BOOK)
    assert sign(state, "Binance").role == "good"
    watch.seconds += 4
    state.read_status(status)  # it goes on to say "up"
    assert sign(state, "Binance").text.endswith("silent for 4 s")
    assert sign(state, "Binance").role == "warn"


_MARKET = {"book": (True, 90.0), "trades": (True, 900.0), "candles": (True, 1_900.0)}


@pytest.mark.parametrize(
    ("change", "trouble"),
    [
        ({"orders": (True, 3_600_000.0), "fills": (True, 3_600_000.0)}, ()),
        ({"orders": (False, None), "fills": (False, None)}, ()),
        ({"trades": (True, 30_000.0)}, ()),
        ({"book": (True, 6_100.0)}, ("book 6.10 s",)),
        ({"candles": (True, 16_000.0)}, ("candles 16.00 s",)),
        ({"book": (False, None)}, ("book down",)),
        ({"orders": (False, 500.0)}, ("orders down",)),
        ({"book": (False, 10.0), "orders": (False, 500.0)}, ("2 down",)),
    ],
)
def test_streams_warn_only_of_what_is_down_or_of_a_silent_market(
    change: Mapping[str, tuple[bool, float | None]], trouble: tuple[str, ...]
) -> None:
    assert troubled({**_MARKET, **change}, uptime_s=60.0) == trouble


def test_streams_of_an_engine_that_just_started_may_still_be_silent() -> None:
    assert troubled({"candles": (False, None)}, uptime_s=3.0) == ()
    assert troubled({"candles": (False, 40.0)}, uptime_s=3.0) == ("candles down",)


def test_signs_with_quiet_order_streams_stay_plain(
    state: EngineState, status: dict[str, object]
) -> None:
    state.read_status(status)
    streams = sign(state, "Streams")
    assert (streams.text, streams.role) == ("4 up", "")
    assert "fills: nothing yet" in streams.tooltip


def test_scripted_status_names_the_streams_of_the_real_engine(state_dir: Path) -> None:
    wire = ScriptedEngine(state_dir).status()
    assert set(wire["exchange"]["streams"]) == set(CHANNELS)
    assert set(SILENT_AFTER_MS) < set(CHANNELS)
