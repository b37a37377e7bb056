"""What the UTC day has cost: realized and unrealized, since it began or was first seen."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO
from cryptobot.journal.records import DayStart


class DailyLoss:
    """The day's loss of one mode. It counts our trades, so that a deposit hides no loss.

    Args:
        mode: Whose positions.
        clock: Tells the day.
        profit: Realized and unrealized profit so far by symbol, in quote currency; ``None`` while
            a price is missing.
        equity: What the account is worth, in quote currency; ``None`` while unknown.
        keep: Stores how a day began; does not wait and does not raise.
    """

    def __init__(
        self,
        mode: Mode,
        clock: Clock,
        *,
        profit: Callable[[], Mapping[str, Decimal] | None],
        equity: Callable[[], Decimal | None],
        keep: Callable[[DayStart], None],
    ) -> None:
        self._mode = mode
        self._clock = clock
        self._profit = profit
        self._equity = equity
        self._keep = keep
        self.start: DayStart | None = None
        """How the day began; ``None`` before prices were known."""

    def restore(self, start: DayStart | None) -> None:
        """Go on with how this day began, by the journal."""
        self.start = start

    def begin(self) -> None:
        """Count from now on: the account has been started anew."""
        self.start = None
        self.loss()

    def loss(self, symbol: str | None = None) -> Decimal | None:
        """Return what the day has cost in quote currency; below zero when it has earned.

        Args:
            symbol: Of one symbol; ``None`` for all.

        Returns:
            ``None`` while a price that is needed is missing.
        """
        profit = self._profit()
        if profit is None:
            return None
        then = self._today(profit).profit
        symbols = {*then, *profit} if symbol is None else {symbol}
        return sum((then.get(name, ZERO) - profit.get(name, ZERO) for name in symbols), ZERO)

    def _today(self, profit: Mapping[str, Decimal]) -> DayStart:
        now = self._clock.now_ns()
        day = _day(now)
        if self.start is None or self.start.day != day:
            self.start = DayStart(self._mode, day, now, self._equity(), dict(profit))
            self._keep(self.start)
        return self.start


def _day(now_ns: int) -> date:
    return datetime.fromtimestamp(now_ns // NS_PER_S, UTC).date()
