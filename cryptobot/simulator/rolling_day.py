"""The 24-hour statistics of a symbol, from its minute bars."""

from dataclasses import dataclass
from decimal import Decimal

from cryptobot.domain.money import ZERO
from cryptobot.simulator.bar_series import BarSeries

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class DayStatistics:
    """What happened in the last 24 hours; amounts in base, costs in quote currency."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    last: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    first_id: int
    last_id: int

    @property
    def change(self) -> Decimal:
        """Last price less the opening price, exactly."""
        return self.last - self.open

    @property
    def change_percent(self) -> Decimal:
        """The change in percent of the opening price."""
        return self.change / self.open * 100 if self.open else ZERO

    @property
    def average(self) -> Decimal:
        """Volume-weighted average price."""
        return self.quote_volume / self.volume if self.volume else self.last


class RollingDay:
    """Sums over the closed minutes of the window, kept until a minute closes.

    Args:
        minutes: The symbol's 1-minute bars.
    """

    def __init__(self, minutes: BarSeries) -> None:
        self._minutes = minutes
        self._closed: DayStatistics | None = None
        self._closed_until = -1

    def statistics(self, now_ms: int) -> DayStatistics | None:
        """Return the window that ends now, ``None`` before the first bar."""
        running = self._minutes.last
        if running is None:
            return None
        if self._closed_until != running.open_ms:
            self._closed = self._sum_closed(running.open_ms, now_ms - DAY_MS)
            self._closed_until = running.open_ms
        closed = self._closed
        if closed is None:
            return DayStatistics(
                now_ms - DAY_MS,
                running.open,
                running.high,
                running.low,
                running.close,
                running.volume,
                running.quote_volume,
                running.trades,
                running.first_id,
                running.last_id,
            )
        return DayStatistics(
            now_ms - DAY_MS,
            closed.open,
            max(closed.high, running.high),
            min(closed.low, running.low),
            running.close,
            closed.volume + running.volume,
            closed.quote_volume + running.quote_volume,
            closed.trades + running.trades,
            closed.first_id if closed.first_id >= 0 else running.first_id,
            max(closed.last_id, running.last_id),
        )

    def _sum_closed(self, until_ms: int, since_ms: int) -> DayStatistics | None:
        bars = [bar for bar in self._minutes.bars() if since_ms <= bar.open_ms < until_ms]
        if not bars:
            return None
        return DayStatistics(
            since_ms,
            bars[0].open,
            max(bar.high for bar in bars),
            min(bar.low for bar in bars),
            bars[-1].close,
            sum((bar.volume for bar in bars), ZERO),
            sum((bar.quote_volume for bar in bars), ZERO),
            sum(bar.trades for bar in bars),
            next((bar.first_id for bar in bars if bar.first_id >= 0), -1),
            max(bar.last_id for bar in bars),
        )
