"""Our fills as the chart marks them: those of a side within a candle are one mark. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from cryptobot.domain.order import Side
from cryptobot.gui import figures
from cryptobot.gui.candles import CandleRow
from cryptobot.gui.reported import ReportedFill


@dataclass(frozen=True, slots=True)
class FillMark:
    """All fills of a side within a candle.

    Attributes:
        candle: Its number among those shown.
        fills: At least one, in the order of their coming.
    """

    candle: int
    side: Side
    fills: tuple[ReportedFill, ...]

    @property
    def amount(self) -> Decimal:
        """What they add up to, in base currency."""
        return sum((fill.amount for fill in self.fills), Decimal(0))

    @property
    def price(self) -> Decimal:
        """Their average price by amount."""
        cost = sum((fill.amount * fill.price for fill in self.fills), Decimal(0))
        return cost / self.amount if self.amount else self.fills[0].price

    @property
    def words(self) -> str:
        """What to say when it is pointed at."""
        first, last = self.fills[0], self.fills[-1]
        modes = ", ".join(dict.fromkeys(fill.mode_word for fill in self.fills))
        total = f"{self.side.upper()} {figures.exact(self.amount)}"
        if first is last:
            fee = f"{figures.exact(first.fee)} {first.fee_currency}"
            return (
                f"{total} at {figures.exact(first.price)}\n"
                f"{figures.utc(first.at)}\n{modes}, {first.liquidity}, fee {fee}"
            )
        prices = [fill.price for fill in self.fills]
        low, high = min(prices), max(prices)
        places = max(-int(price.as_tuple().exponent) for price in prices)
        average = figures.rounded(self.price, max(places, 0) + 1)
        return (
            f"{total} in {len(self.fills)} fills at {average} on average\n"
            f"{figures.exact(low)} to {figures.exact(high)}\n"
            f"{figures.utc(first.at)} to {figures.utc(last.at)}\n{modes}"
        )


def fill_marks(fills: Iterable[ReportedFill], candles: Sequence[CandleRow]) -> list[FillMark]:
    """Return the marks of one symbol's fills on its candles; those before the first have none."""
    groups: dict[tuple[int, Side], list[ReportedFill]] = {}
    opens = [row.open_s for row in candles]
    for fill in sorted(fills, key=lambda fill: fill.at):
        index = bisect_right(opens, fill.at) - 1
        if index >= 0:
            groups.setdefault((index, fill.side), []).append(fill)
    return [FillMark(index, side, tuple(group)) for (index, side), group in groups.items()]
