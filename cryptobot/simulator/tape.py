"""The public trades of a symbol, and the numbers that its trades get."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class TapeTrade:
    """A public trade.

    Attributes:
        trade_id: From ``Tape.next_id``.
        buyer_is_maker: The taker sold.
    """

    trade_id: int
    at_ms: int
    price: Decimal
    amount: Decimal
    buyer_is_maker: bool


class Tape:
    """The latest public trades. Aggregate trades are one to one: each has its own taker."""

    def __init__(self) -> None:
        self._trades: deque[TapeTrade] = deque(maxlen=_KEPT)
        self._next_id = 1

    def next_id(self) -> int:
        """Give out the number of the next trade, public or of the account."""
        given = self._next_id
        self._next_id += 1
        return given

    @property
    def last(self) -> TapeTrade | None:
        """The latest trade."""
        return self._trades[-1] if self._trades else None

    def add(self, trade: TapeTrade) -> None:
        """Keep a trade."""
        self._trades.append(trade)

    def latest(self, limit: int) -> Sequence[TapeTrade]:
        """Return the latest ``limit`` trades, oldest first."""
        return list(self._trades)[-limit:]

    def from_id(self, first_id: int, limit: int) -> Sequence[TapeTrade]:
        """Return up to ``limit`` trades from ``first_id`` on, oldest first."""
        return [trade for trade in self._trades if trade.trade_id >= first_id][:limit]

    def between(self, start_ms: int | None, end_ms: int | None, limit: int) -> Sequence[TapeTrade]:
        """Return up to ``limit`` trades within [start, end], oldest first.

        Without a start they are the latest, with one the earliest.
        """
        chosen = [
            trade
            for trade in self._trades
            if (start_ms is None or trade.at_ms >= start_ms)
            and (end_ms is None or trade.at_ms <= end_ms)
        ]
        return chosen[-limit:] if start_ms is None else chosen[:limit]
