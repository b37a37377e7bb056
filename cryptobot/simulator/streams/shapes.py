"""Events of the market streams."""

from collections.abc import Iterable
from decimal import Decimal

from cryptobot.domain.market import Level
from cryptobot.simulator.intervals import end_of
from cryptobot.simulator.market.bar import Bar
from cryptobot.simulator.rolling_day import DayStatistics
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.wire.numbers import eight, rows


def trade(wire: str, printed: TapeTrade, now_ms: int) -> dict[str, object]:
    """Return a ``trade`` event."""
    return {
        "e": "trade",
        "E": now_ms,
        "s": wire,
        "t": printed.trade_id,
        "p": eight(printed.price),
        "q": eight(printed.amount),
        "T": printed.at_ms,
        "m": printed.buyer_is_maker,
        "M": True,
    }


def aggregate_trade(wire: str, printed: TapeTrade, now_ms: int) -> dict[str, object]:
    """Return an ``aggTrade`` event of one trade."""
    return {
        "e": "aggTrade",
        "E": now_ms,
        "s": wire,
        "a": printed.trade_id,
        "p": eight(printed.price),
        "q": eight(printed.amount),
        "f": printed.trade_id,
        "l": printed.trade_id,
        "T": printed.at_ms,
        "m": printed.buyer_is_maker,
        "M": True,
    }


def book_ticker(wire: str, update_id: int, bid: Level, ask: Level) -> dict[str, object]:
    """Return a ``bookTicker`` event, which has no ``e``."""
    return {
        "u": update_id,
        "s": wire,
        "b": eight(bid.price),
        "B": eight(bid.amount),
        "a": eight(ask.price),
        "A": eight(ask.amount),
    }


def depth_update(
    wire: str,
    update_ids: tuple[int, int],
    levels: tuple[Iterable[Level], Iterable[Level]],
    now_ms: int,
) -> dict[str, object]:
    """Return a ``depthUpdate`` event.

    Args:
        wire: The symbol's name on the wire.
        update_ids: First and last update that it holds.
        levels: Bids and asks that changed.
        now_ms: Time of sending, UTC milliseconds.
    """
    bids, asks = levels
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "s": wire,
        "U": update_ids[0],
        "u": update_ids[1],
        "b": rows(bids),
        "a": rows(asks),
    }


def kline(wire: str, interval: str, bar: Bar, now_ms: int, *, closed: bool) -> dict[str, object]:
    """Return a ``kline`` event."""
    return {
        "e": "kline",
        "E": now_ms,
        "s": wire,
        "k": {
            "t": bar.open_ms,
            "T": end_of(interval, bar.open_ms) - 1,
            "s": wire,
            "i": interval,
            "f": bar.first_id,
            "L": bar.last_id,
            "o": eight(bar.open),
            "c": eight(bar.close),
            "h": eight(bar.high),
            "l": eight(bar.low),
            "v": eight(bar.volume),
            "n": bar.trades,
            "x": closed,
            "q": eight(bar.quote_volume),
            "V": eight(bar.taker_volume),
            "Q": eight(bar.taker_quote),
            "B": "0",
        },
    }


def mini_ticker(wire: str, day: DayStatistics, now_ms: int) -> dict[str, object]:
    """Return a ``24hrMiniTicker`` event."""
    return {
        "e": "24hrMiniTicker",
        "E": now_ms,
        "s": wire,
        "c": eight(day.last),
        "o": eight(day.open),
        "h": eight(day.high),
        "l": eight(day.low),
        "v": eight(day.volume),
        "q": eight(day.quote_volume),
    }


def ticker(
    wire: str, day: DayStatistics, last_amount: Decimal, best: tuple[Level, Level], now_ms: int
) -> dict[str, object]:
    """Return a ``24hrTicker`` event; ``best`` is the best bid and ask."""
    bid, ask = best
    return {
        "e": "24hrTicker",
        "E": now_ms,
        "s": wire,
        "p": eight(day.change),
        "P": f"{day.change_percent:.3f}",
        "w": eight(day.average),
        "x": eight(day.open),
        "c": eight(day.last),
        "Q": eight(last_amount),
        "b": eight(bid.price),
        "B": eight(bid.amount),
        "a": eight(ask.price),
        "A": eight(ask.amount),
        "o": eight(day.open),
        "h": eight(day.high),
        "l": eight(day.low),
        "v": eight(day.volume),
        "q": eight(day.quote_volume),
        "O": day.open_ms,
        "C": now_ms,
        "F": day.first_id,
        "L": day.last_id,
        "n": day.trades,
    }


def average_price(wire: str, price: Decimal, last_trade_ms: int, now_ms: int) -> dict[str, object]:
    """Return an ``avgPrice`` event."""
    return {
        "e": "avgPrice",
        "E": now_ms,
        "s": wire,
        "i": "5m",
        "w": eight(price),
        "T": last_trade_ms,
    }
