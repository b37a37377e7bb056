"""Orders, fills and money of the scripted engine."""

import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


def stamp(seconds: float) -> str:
    """Return an ISO 8601 UTC stamp."""
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


@dataclass
class ScriptedAccount:
    """Keeps orders as the wire shows them."""

    seed: int = 1
    mode: str = "paper"
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    fills: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def order(self, symbol: str, side: str, price: Decimal, **over: Any) -> dict[str, Any]:
        """Book an order and return it."""
        order_id = f"{self.random.getrandbits(128):032x}"
        at = stamp(over.pop("at", time.time()))
        order: dict[str, Any] = {
            "order_id": order_id,
            "request_id": f"{self.random.getrandbits(128):032x}",
            "client_order_id": f"cb{order_id[:30]}",
            "exchange_order_id": str(self.random.randint(10**7, 10**8)),
            "symbol": symbol,
            "side": side,
            "type": "limit",
            "time_in_force": "GTC",
            "amount": "0.01",
            "price": str(price),
            "state": "accepted",
            "filled": "0",
            "average": None,
            "fee": {},
            "mode": self.mode,
            "origin": "manual",
            "reason": None,
            "latency_ms": round(self.random.uniform(8, 60), 1),
            "created_at": at,
            "updated_at": at,
            **over,
        }
        order.setdefault("failed", order["state"] in {"rejected", "unresolved"})
        if order["type"] == "market":
            order["price"] = None
        self.orders[order_id] = order
        return order

    def fill(
        self, order: dict[str, Any], price: Decimal, at: float | None = None
    ) -> dict[str, Any]:
        """Fill ``order`` whole and return the fill."""
        when = stamp(at or time.time())
        fee = (price * Decimal(order["amount"]) * Decimal("0.001")).quantize(Decimal("0.00000001"))
        order |= {
            "state": "filled",
            "filled": order["amount"],
            "average": str(price),
            "fee": {"USDT": str(fee)},
            "updated_at": when,
        }
        fill = {
            "trade_id": str(len(self.fills) + 1),
            "exchange_order_id": order["exchange_order_id"],
            "client_order_id": order["client_order_id"],
            "order_id": order["order_id"],
            "symbol": order["symbol"],
            "side": order["side"],
            "price": str(price),
            "amount": order["amount"],
            "fee": str(fee),
            "fee_currency": "USDT",
            "liquidity": "taker" if order["type"] == "market" else "maker",
            "mode": order["mode"],
            "at": when,
        }
        self.fills.append(fill)
        return fill

    def with_state(self, *states: str) -> list[dict[str, Any]]:
        """Return the orders in ``states``."""
        return [order for order in self.orders.values() if order["state"] in states]
