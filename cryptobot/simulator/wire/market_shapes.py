"""Public market data, as REST and ws-api answer it."""

from collections.abc import Sequence
from decimal import Decimal

from cryptobot.domain.market import Level
from cryptobot.domain.money import ZERO
from cryptobot.simulator.intervals import end_of
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.rolling_day import DayStatistics
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.wire.numbers import eight, rows

NO_LEVEL = Level(ZERO, ZERO)


def depth(update_id: int, bids: Sequence[Level], asks: Sequence[Level]) -> dict[str, object]:
    """Return a book."""
    return {"lastUpdateId": update_id, "bids": rows(bids), "asks": rows(asks)}


def trade(printed: TapeTrade) -> dict[str, object]:
    """Return a public trade."""
    return {
        "id": printed.trade_id,
        "price": eight(printed.price),
        "qty": eight(printed.amount),
        "quoteQty": eight(printed.price * printed.amount),
        "time": printed.at_ms,
        "isBuyerMaker": printed.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_trade(printed: TapeTrade) -> dict[str, object]:
    """Return a public trade as an aggregate of one."""
    return {
        "a": printed.trade_id,
        "p": eight(printed.price),
        "q": eight(printed.amount),
        "f": printed.trade_id,
        "l": printed.trade_id,
        "T": printed.at_ms,
        "m": printed.buyer_is_maker,
        "M": True,
    }


def kline_row(interval: str, bar: Bar) -> list[object]:
    """Return a bar as the row of twelve fields."""
    return [
        bar.open_ms,
        eight(bar.open),
        eight(bar.high),
        eight(bar.low),
        eight(bar.close),
        eight(bar.volume),
        end_of(interval, bar.open_ms) - 1,
        eight(bar.quote_volume),
        bar.trades,
        eight(bar.taker_volume),
        eight(bar.taker_quote),
        "0",
    ]


def day_ticker(
    wire: str, day: DayStatistics, last_amount: Decimal, best: tuple[Level, Level], now_ms: int
) -> dict[str, object]:
    """Return the full 24-hour ticker; ``best`` is the best bid and ask."""
    bid, ask = best
    return {
        "symbol": wire,
        "priceChange": eight(day.change),
        "priceChangePercent": f"{day.change_percent:.3f}",
        "weightedAvgPrice": eight(day.average),
        "prevClosePrice": eight(day.open),
        "lastPrice": eight(day.last),
        "lastQty": eight(last_amount),
        "bidPrice": eight(bid.price),
        "bidQty": eight(bid.amount),
        "askPrice": eight(ask.price),
        "askQty": eight(ask.amount),
        "openPrice": eight(day.open),
        "highPrice": eight(day.high),
        "lowPrice": eight(day.low),
        "volume": eight(day.volume),
        "quoteVolume": eight(day.quote_volume),
        "openTime": day.open_ms,
        "closeTime": now_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def mini_day_ticker(wire: str, day: DayStatistics, now_ms: int) -> dict[str, object]:
    """Return the 24-hour ticker of ``type=MINI``."""
    return {
        "symbol": wire,
        "openPrice": eight(day.open),
        "highPrice": eight(day.high),
        "lowPrice": eight(day.low),
        "lastPrice": eight(day.last),
        "volume": eight(day.volume),
        "quoteVolume": eight(day.quote_volume),
        "openTime": day.open_ms,
        "closeTime": now_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }


def book_ticker(wire: str, bid: Level, ask: Level) -> dict[str, object]:
    """Return the best bid and ask."""
    return {
        "symbol": wire,
        "bidPrice": eight(bid.price),
        "bidQty": eight(bid.amount),
        "askPrice": eight(ask.price),
        "askQty": eight(ask.amount),
    }
