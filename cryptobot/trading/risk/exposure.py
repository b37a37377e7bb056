"""What positions could become: unknown and open orders count as if they filled."""

from collections.abc import Iterable
from decimal import Decimal

from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Order, OrderIntent, Side


def pending(intent: OrderIntent, orders: Iterable[Order]) -> Decimal:
    """Return what ``orders`` of the intent's symbol and side may still fill, in base currency."""
    return open_amount(intent.symbol, intent.side, orders)


def open_amount(symbol: str, side: Side, orders: Iterable[Order]) -> Decimal:
    """Return what ``orders`` of a symbol and side may still fill, in base currency."""
    return sum(
        (order.remaining for order in orders if order.symbol == symbol and order.side is side),
        ZERO,
    )


def reduces(intent: OrderIntent, position: Decimal, orders: Iterable[Order]) -> bool:
    """Return whether ``intent``, with all that is open on its side, only shrinks a position."""
    against = intent.side is (Side.BUY if position < ZERO else Side.SELL)
    return against and intent.amount + pending(intent, orders) <= abs(position)


def worst_position(intent: OrderIntent, position: Decimal, orders: Iterable[Order]) -> Decimal:
    """Return the position if this order and all open ones of its side fill."""
    change = pending(intent, orders) + intent.amount
    return position + change if intent.side is Side.BUY else position - change


def worst_held(symbol: str, position: Decimal, orders: Iterable[Order]) -> Decimal:
    """Return the largest amount, long or short, that a symbol's open orders could lead to."""
    found = list(orders)
    longest = position + open_amount(symbol, Side.BUY, found)
    shortest = position - open_amount(symbol, Side.SELL, found)
    return max(abs(longest), abs(shortest))
