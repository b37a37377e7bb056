"""Limits that every order must pass. Each denial names the limit, its value and the setting."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.money import ZERO, plain
from cryptobot.domain.order import MANUAL, Order, OrderIntent, OrderState, Side

RATE_WINDOW_S: Final = 10


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """What may be risked.

    Attributes:
        max_order_notional: Quote currency, one order.
        max_position_notional: Quote currency, one symbol, all its open orders filled.
        max_open_orders: Orders that may still trade, unresolved ones included.
        max_orders_per_10s: Orders sent in any 10 seconds.
        block_while_unresolved: Nobody trades a symbol's side while an order there is unknown;
            otherwise only the strategy whose order it is waits.
    """

    max_order_notional: Decimal
    max_position_notional: Decimal
    max_open_orders: int
    max_orders_per_10s: int
    block_while_unresolved: bool = True


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an order is not sent: ``code`` is from a closed set, ``reason`` for people."""

    code: str
    reason: str


class Risk:
    """Checks intents against limits and counts what was sent.

    Args:
        limits: The limits.
        clock: Measures the rate window.
    """

    def __init__(self, limits: RiskLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._sent_ns: deque[int] = deque()

    def denial(
        self,
        intent: OrderIntent,
        price: Decimal | None,
        position: Decimal,
        open_orders: Iterable[Order],
    ) -> Denial | None:
        """Return why ``intent`` must not be sent, or ``None``.

        Args:
            intent: The order wanted.
            price: What to value it at, in quote currency; ``None`` when no price is known.
            position: Amount held of the base currency, negative when short.
            open_orders: All orders of the mode that may still trade. Unresolved ones count at
                their worst: as if they had filled.
        """
        limits = self._limits
        orders = list(open_orders)
        unknown = next((order for order in orders if self._blocks(order, intent)), None)
        if unknown is not None:
            return Denial(
                "unresolved",
                f"the outcome of {unknown.side} order {unknown.order_id} of {unknown.symbol} is "
                "unknown; it is being looked up (risk.block_while_unresolved)",
            )
        if len(orders) >= limits.max_open_orders:
            return Denial(
                "max_open_orders",
                f"{len(orders)} orders are open, the limit is {limits.max_open_orders} "
                "(risk.max_open_orders)",
            )
        if self._recent() >= limits.max_orders_per_10s:
            return Denial(
                "max_orders_per_10s",
                f"{limits.max_orders_per_10s} orders were sent in the last {RATE_WINDOW_S} s "
                "(risk.max_orders_per_10s)",
            )
        if price is None:
            return Denial("no_price", f"no price of {intent.symbol} is known yet; wait for data")
        notional = intent.amount * price
        if notional > limits.max_order_notional:
            return Denial(
                "max_order_notional",
                f"order value {plain(notional)} is above the limit "
                f"{plain(limits.max_order_notional)} (risk.max_order_notional)",
            )
        worst = abs(_worst_position(intent, position, orders)) * price
        if worst > limits.max_position_notional and worst > abs(position) * price:
            return Denial(
                "max_position_notional",
                f"position could reach a value of {plain(worst.quantize(Decimal('0.01')))}, "
                f"the limit is {plain(limits.max_position_notional)} (risk.max_position_notional)",
            )
        return None

    def _blocks(self, order: Order, intent: OrderIntent) -> bool:
        """Return whether ``intent`` must wait until the outcome of ``order`` is known."""
        if order.state is not OrderState.UNRESOLVED:
            return False
        if (order.symbol, order.side) != (intent.symbol, intent.side):
            return False
        own = order.origin == intent.origin and order.origin != MANUAL
        return own or self._limits.block_while_unresolved

    def sent(self) -> None:
        """Count an order in the rate window."""
        self._sent_ns.append(self._clock.monotonic_ns())

    def _recent(self) -> int:
        horizon = self._clock.monotonic_ns() - RATE_WINDOW_S * NS_PER_S
        while self._sent_ns and self._sent_ns[0] <= horizon:
            self._sent_ns.popleft()
        return len(self._sent_ns)


def pending(intent: OrderIntent, orders: Iterable[Order]) -> Decimal:
    """Return what ``orders`` of the intent's symbol and side may still fill, in base currency."""
    return sum(
        (
            order.remaining
            for order in orders
            if order.symbol == intent.symbol and order.side is intent.side
        ),
        ZERO,
    )


def _worst_position(intent: OrderIntent, position: Decimal, orders: Iterable[Order]) -> Decimal:
    """Return the position if this order and all open ones of its side fill."""
    change = pending(intent, orders) + intent.amount
    return position + change if intent.side is Side.BUY else position - change
