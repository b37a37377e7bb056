"""What a stop or take-profit order waits for, and the orders of a symbol that wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from cryptobot.domain.order import Side


class TriggerKind(StrEnum):
    """Whether the order gives up or takes a gain when the price gets there."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"


RISES_TO: Mapping[tuple[TriggerKind, Side], bool] = {
    (TriggerKind.STOP_LOSS, Side.BUY): True,
    (TriggerKind.STOP_LOSS, Side.SELL): False,
    (TriggerKind.TAKE_PROFIT, Side.BUY): False,
    (TriggerKind.TAKE_PROFIT, Side.SELL): True,
}
"""Whether the price must rise to the trigger (else fall to it).

Source: Binance's rest-api.md, "Trigger order price rules against market price".
"""


@dataclass(frozen=True, slots=True)
class Trigger:
    """The price of the last trade at which an order goes to the book.

    Attributes:
        price: In quote currency (Binance's ``stopPrice``).
    """

    kind: TriggerKind
    price: Decimal

    def reached(self, side: Side, last: Decimal) -> bool:
        """Whether a trade at ``last`` triggers an order on ``side``."""
        return last >= self.price if RISES_TO[self.kind, side] else last <= self.price


class WaitingOrders:
    """The waiting orders of one symbol, oldest first."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[Side, Trigger]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, order_id: int, side: Side, trigger: Trigger) -> None:
        """Let an order wait."""
        self._waiting[order_id] = side, trigger

    def remove(self, order_id: int) -> None:
        """Let an order wait no longer."""
        del self._waiting[order_id]

    def pop_reached(self, traded: Decimal) -> list[int]:
        """Take out the orders that a trade at ``traded`` triggers; return them, oldest first."""
        reached = [
            order_id
            for order_id, (side, trigger) in self._waiting.items()
            if trigger.reached(side, traded)
        ]
        for order_id in reached:
            del self._waiting[order_id]
        return reached
