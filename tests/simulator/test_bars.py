from decimal import Decimal

import pytest

from cryptobot.simulator.bar_series import BarSeries
from cryptobot.simulator.intervals import INTERVALS, end_of, open_of
from cryptobot.simulator.market.bar import Bar, fold
from cryptobot.simulator.rolling_day import DAY_MS, RollingDay

D = Decimal
MINUTE = 60_000
NOON = 1_790_078_400_000
"""2026-09-22 12:00:00 UTC, a Tuesday."""


def series(*trades: tuple[int, str, str], interval: str = "1m") -> BarSeries:
    bars = BarSeries(interval)
    for number, (at_ms, price, amount) in enumerate(trades, 1):
        bars.trade(NOON + at_ms, D(price), D(amount), number, taker_buys=number % 2 == 1)
    return bars


def test_bar_gathers_its_trades() -> None:
    bar = series((10, "100", "1"), (20, "103", "2"), (30, "99", "1"), (59_999, "101", "1")).last
    assert bar == Bar(NOON, D(100), D(103), D(99), D(101), D(5), D(506), 4, D(2), D(199), 1, 4)


def test_gap_is_filled_with_flat_bars() -> None:
    bars = list(series((0, "99", "1"), (1, "100", "1"), (3 * MINUTE, "105", "1")).bars())
    assert [bar.open_ms - NOON for bar in bars] == [0, MINUTE, 2 * MINUTE, 3 * MINUTE]
    flat = bars[1]
    assert {flat.open, flat.high, flat.low, flat.close} == {D(100)}
    assert (flat.volume, flat.trades, flat.first_id) == (D(0), 0, -1)
    assert bars[3].open == bars[3].low == D(105)


def test_longer_bars_equal_folded_minutes() -> None:
    trades = [(n * 17_000, str(100 + n * 7 % 13), "1.5") for n in range(60)]
    minutes = series(*trades)
    fives = series(*trades, interval="5m")
    assert list(fives.bars()) == fold(minutes.bars(), 5 * MINUTE)
    assert list(BarSeries("5m", minutes.bars()).bars()) == list(fives.bars())


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_holds_its_moment(interval: str) -> None:
    opened = open_of(interval, NOON + 1)
    assert opened <= NOON + 1 < end_of(interval, opened)
    assert open_of(interval, opened) == opened
    assert open_of(interval, end_of(interval, opened)) == end_of(interval, opened)


@pytest.mark.parametrize(
    ("interval", "opened"),
    [
        ("1w", 1_789_948_800_000),  # Monday 21 September 2026
        ("1M", 1_788_220_800_000),  # 1 September 2026
        ("1d", 1_790_035_200_000),
        ("1s", NOON),
    ],
)
def test_calendar_intervals_open_where_they_should(interval: str, opened: int) -> None:
    assert open_of(interval, NOON) == opened


def test_month_ends_with_the_year() -> None:
    december = open_of("1M", 1_798_700_000_000)
    assert end_of("1M", december) == 1_798_761_600_000  # 1 January 2027


def test_select_with_start_takes_the_earliest_without_the_latest() -> None:
    bars = series(*[(n * MINUTE, "100", "1") for n in range(10)])
    assert [bar.open_ms - NOON for bar in bars.select(None, None, 2)] == [8 * MINUTE, 9 * MINUTE]
    assert [bar.open_ms - NOON for bar in bars.select(NOON + 1, None, 2)] == [MINUTE, 2 * MINUTE]
    assert len(bars.select(NOON, NOON + 3 * MINUTE, 100)) == 4


def test_day_forgets_what_is_older_than_24_hours() -> None:
    bars = series((0, "500", "7"), (MINUTE, "100", "1"), (2 * MINUTE, "110", "2"))
    day = RollingDay(bars)
    at_once = day.statistics(NOON + 2 * MINUTE)
    assert at_once is not None
    assert (at_once.high, at_once.volume, at_once.trades) == (D(500), D(10), 3)
    assert (at_once.open, at_once.last, at_once.change) == (D(500), D(110), D(-390))
    later = NOON + DAY_MS + MINUTE
    bars.roll(later)
    after = day.statistics(later)
    assert after is not None
    assert (after.open, after.high, after.volume) == (D(100), D(110), D(3))
