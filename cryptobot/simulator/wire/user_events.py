"""Events of the user data stream."""

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.money import ZERO
from cryptobot.matching.events import ExecutionEvent, ExecutionKind
from cryptobot.simulator.wire.listing_shapes import SELF_TRADE_PREVENTION
from cryptobot.simulator.wire.numbers import ZERO8, eight
from cryptobot.simulator.wire.order_shapes import SIDE, status, stop_price, type_of

_EXECUTION = {
    ExecutionKind.NEW: "NEW",
    ExecutionKind.TRIGGERED: "NEW",
    ExecutionKind.TRADE: "TRADE",
    ExecutionKind.CANCELED: "CANCELED",
    ExecutionKind.EXPIRED: "EXPIRED",
}


def execution_report(
    wire: str, event: ExecutionEvent, now_ms: int, cancel_id: str | None
) -> dict[str, object]:
    """Return an ``executionReport``.

    Args:
        wire: The symbol's name on the wire.
        event: What happened.
        now_ms: Time of the event's sending, UTC milliseconds.
        cancel_id: For a cancel, its own client id.
    """
    order, fill = event.order, event.trade
    self_trade = order.reason == "self_trade" and event.kind is ExecutionKind.EXPIRED
    at_ms = event.at_ns // NS_PER_MS
    report: dict[str, object] = {
        "e": "executionReport",
        "E": now_ms,
        "s": wire,
        "c": cancel_id or order.client_order_id,
        "S": SIDE[order.side],
        "o": type_of(order),
        "f": str(order.time_in_force),
        "q": eight(order.amount),
        "p": eight(order.price or ZERO),
        "P": eight(stop_price(order)),
        "F": ZERO8,
        "g": -1,
        "C": order.client_order_id if cancel_id else "",
        "x": "TRADE_PREVENTION" if self_trade else _EXECUTION[event.kind],
        "X": status(order),
        "r": "NONE",
        "i": order.order_id,
        "l": eight(fill.amount) if fill else ZERO8,
        "z": eight(order.executed),
        "L": eight(fill.price) if fill else ZERO8,
        "n": eight(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None,
        "T": at_ms,
        "t": fill.trade_id if fill else -1,
        "I": event.execution_id,
        "w": order.is_open and not order.is_waiting,
        "m": bool(fill and fill.is_maker),
        "M": fill is not None,
        "O": order.created_ns // NS_PER_MS,
        "Z": eight(order.cost),
        "Y": eight(fill.cost) if fill else ZERO8,
        "Q": eight(order.quote_amount or ZERO),
        "V": SELF_TRADE_PREVENTION,
    }
    if order.working_ns is not None:
        report["W"] = order.working_ns // NS_PER_MS
    if event.kind is ExecutionKind.EXPIRED:
        report["eR"] = "INSUFFICIENT_LIQUIDITY"
    return report


def account_position(event: ExecutionEvent, now_ms: int) -> dict[str, object] | None:
    """Return the ``outboundAccountPosition`` of a change, ``None`` if no balance changed."""
    if not event.balances:
        return None
    return {
        "e": "outboundAccountPosition",
        "E": now_ms,
        "u": event.at_ns // NS_PER_MS,
        "B": [
            {"a": asset, "f": eight(held.free), "l": eight(held.locked)}
            for asset, held in event.balances.items()
        ],
    }
