"""Bars of one symbol in one interval, growing with its trades; gaps are filled flat."""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal

from cryptobot.simulator.intervals import end_of, open_of
from cryptobot.simulator.market.bar import Bar, flat_bar

_KEPT = {"1s": 4_000, "1m": 6_000}
_KEPT_OTHERWISE = 2_000


class BarSeries:
    """The latest bars, the last one running.

    Args:
        interval: One of Binance's.
        bars: History of this interval or a finer one it divides, oldest first.
    """

    def __init__(self, interval: str, bars: Iterable[Bar] = ()) -> None:
        self.interval = interval
        self._bars: deque[Bar] = deque(maxlen=_KEPT.get(interval, _KEPT_OTHERWISE))
        self._end_ms = 0
        for bar in bars:
            self._extend(bar)

    @property
    def last(self) -> Bar | None:
        """The running bar, ``None`` before the first trade."""
        return self._bars[-1] if self._bars else None

    @property
    def end_ms(self) -> int:
        """When the running bar ends, UTC milliseconds; 0 without one."""
        return self._end_ms

    def bars(self) -> Iterable[Bar]:
        """Return all that is kept, oldest first."""
        return self._bars

    def __len__(self) -> int:
        return len(self._bars)

    def trade(
        self, at_ms: int, price: Decimal, amount: Decimal, trade_id: int, *, taker_buys: bool
    ) -> None:
        """Take a trade in; it opens new bars as needed."""
        if at_ms >= self._end_ms:
            if self._bars:
                self.roll(at_ms)
            else:
                self._open(flat_bar(open_of(self.interval, at_ms), price))
        self._bars[-1].trade(price, amount, trade_id, taker_buys=taker_buys)

    def roll(self, now_ms: int) -> list[Bar]:
        """Close bars that ended by ``now_ms`` and open the next ones, flat; return the closed."""
        closed: list[Bar] = []
        while self._bars and now_ms >= self._end_ms:
            bar = self._bars[-1]
            closed.append(bar)
            self._open(flat_bar(self._end_ms, bar.close))
        return closed

    def select(self, start_ms: int | None, end_ms: int | None, limit: int) -> Sequence[Bar]:
        """Return up to ``limit`` bars that open within [start, end], oldest first.

        Without a start they are the latest, with one the earliest.
        """
        bars: list[Bar] = list(self._bars)
        if start_ms is not None:
            bars = [bar for bar in bars if bar.open_ms >= start_ms]
        if end_ms is not None:
            bars = [bar for bar in bars if bar.open_ms <= end_ms]
        return bars[-limit:] if start_ms is None else bars[:limit]

    def _extend(self, bar: Bar) -> None:
        open_ms = open_of(self.interval, bar.open_ms)
        if self._bars and self._bars[-1].open_ms == open_ms:
            self._bars[-1].append(bar)
            return
        if self._bars:
            self.roll(bar.open_ms)
            self._bars.pop()
        self._open(bar.starting_at(open_ms))

    def _open(self, bar: Bar) -> None:
        self._bars.append(bar)
        self._end_ms = end_of(self.interval, bar.open_ms)
