"""Whether journal, exchange and metrics tell the same story, to the last digit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.journal_file import StoredOrder, Trade, read_live_fills, read_orders
from tests.e2e.harness.order_load import AMOUNTS
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import NotReachedError, wait_for

STATES = {
    "NEW": "accepted",
    "PARTIALLY_FILLED": "partially_filled",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
"""The exchange's words for an order's state, and ours."""

UNSETTLED = {"initialized", "submitted", "unresolved"}
SENT_AGAIN = {-1003, -1015, -1021}
"""Refusals (limits, the clock) after which an order is sent again, and may be stopped
then: it is denied, and was received."""


@dataclass(slots=True)
class Agreement:
    """One comparison: what differs, and how much was compared."""

    differences: list[str] = field(default_factory=list)
    orders: int = 0
    fills: int = 0
    states: Counter[str] = field(default_factory=Counter)

    def check(self, holds: bool, difference: str) -> None:
        """Note a difference unless ``holds``."""
        if not holds:
            self.differs(difference)

    def differs(self, difference: str) -> None:
        """Note a difference."""
        self.differences.append(difference)


def until_agreed(
    engine: EngineProcess,
    simulator: SimulatorProcess,
    answered: Mapping[str, Mapping[str, Any]],
    deadline_s: float = 30.0,
) -> Agreement:
    """Return the first comparison without a difference.

    The market moves on while we look, so a resting order may fill between two readings: what
    counts is that the three come to agree, completely, at one moment.

    Args:
        engine: Its journal and metrics.
        simulator: The exchange.
        answered: Orders whose placing was answered to a client, by id.
        deadline_s: When to give up.

    Raises:
        NotReachedError: They never did; the message lists what differed last.
    """
    last = Agreement()

    def probe() -> Agreement | None:
        nonlocal last
        last = compare(engine, simulator, answered)
        return last if not last.differences else None

    try:
        return wait_for("agreement", probe, deadline_s=deadline_s, poll_s=0.1)
    except NotReachedError as error:
        listed = "\n".join(last.differences[:20])
        raise NotReachedError(f"{error}\n{len(last.differences)} differences:\n{listed}") from None


def compare(
    engine: EngineProcess,
    simulator: SimulatorProcess,
    answered: Mapping[str, Mapping[str, Any]],
) -> Agreement:
    """Compare once: orders both ways, fills in every field, the two named metrics."""
    received = simulator.orders()
    trades = [_trade(symbol, row) for symbol in sorted(AMOUNTS) for row in simulator.trades(symbol)]
    metrics = engine.metrics()
    orders = read_orders(engine.database)
    fills = read_live_fills(engine.database)
    found = Agreement(orders=len(orders), fills=len(fills))
    found.states.update(order.state for order in orders if order.mode == "live")
    _compare_orders(found, [order for order in orders if order.mode == "live"], received)
    known = {order.order_id for order in orders}
    for order_id in answered:
        found.check(order_id in known, f"answered order {order_id} is not in the journal")
    _compare_fills(found, fills, sorted(trades))
    _compare_metrics(found, orders, {name[0]: value for name, value in metrics.items()}, metrics)
    return found


def _compare_orders(
    found: Agreement, orders: Sequence[StoredOrder], received: Sequence[Mapping[str, Any]]
) -> None:
    ids = Counter(order.client_order_id for order in orders)
    for client_id, count in ids.items():
        found.check(count <= 1, f"{client_id} is {count} times in the journal")
    entries: dict[str, Mapping[str, Any]] = {}
    for request in received:
        client_id = str(request["client_order_id"])
        # What was refused may be sent again; what was accepted, never.
        again = client_id in entries and entries[client_id]["accepted"]
        found.check(not again, f"{client_id} was received again after it was accepted")
        entries[client_id] = request
    for client_id in entries.keys() - ids.keys():
        found.differs(f"{client_id} was received and is not in the journal")
    for order in orders:
        entry = entries.get(order.client_order_id)
        name = f"order {order.client_order_id} ({order.state}: {order.reason})"
        found.check(order.state not in UNSETTLED, f"{name} is not settled")
        if order.state == "denied":
            found.check(entry is None or _sent_again(entry), f"{name} was received")
        elif order.state == "rejected":
            found.check(entry is None or not entry["accepted"], f"{name} was accepted")
        elif order.state not in UNSETTLED:
            _compare_order(found, name, order, entry)


def _sent_again(entry: Mapping[str, Any]) -> bool:
    return not entry["accepted"] and (entry["error"] or {}).get("code") in SENT_AGAIN


def _compare_order(
    found: Agreement, name: str, order: StoredOrder, entry: Mapping[str, Any] | None
) -> None:
    if entry is None or not entry["accepted"]:
        found.differs(f"{name} is not on the exchange")
        return
    there = STATES[str(entry["status"])]
    found.check(there == order.state, f"{name} is {there} there")
    executed = Decimal(str(entry["executed"]))
    found.check(executed == order.filled, f"{name} filled {order.filled} here, {executed} there")
    found.check(str(entry["order_id"]) == order.exchange_order_id, f"{name} has another id there")


def _compare_fills(found: Agreement, fills: Sequence[Trade], trades: Sequence[Trade]) -> None:
    here, there = Counter(fills), Counter(trades)
    for trade in (there - here).elements():
        found.differs(f"trade missing in the journal: {trade}")
    for trade in (here - there).elements():
        found.differs(f"fill unknown to the exchange: {trade}")


def _compare_metrics(
    found: Agreement,
    orders: Sequence[StoredOrder],
    plain: Mapping[str, str],
    metrics: Mapping[tuple[str, tuple[tuple[str, str], ...]], str],
) -> None:
    live = [order for order in orders if order.mode == "live"]
    # As texts: a sum of binary fractions depends on its order, a sum of these does not.
    latencies = [Decimal(str(order.latency_ms)) for order in live if order.latency_ms is not None]
    failed = sum(order.failed for order in live)
    _figure(found, "failed_total", plain["cryptobot_orders_failed_total"], failed)
    _figure(found, "latency count", plain["cryptobot_order_latency_count"], len(latencies))
    total = round(Decimal(plain["cryptobot_order_latency_sum"]), 3)
    _figure(found, "latency sum", str(total), sum(latencies, Decimal(0)))
    buckets = [
        (dict(labels)["le"], value)
        for (name, labels), value in metrics.items()
        if name == "cryptobot_order_latency_bucket"
    ]
    found.check(len(buckets) > 1, "the latency histogram has no buckets")
    for edge, value in buckets:
        below = sum(latency <= Decimal(edge.replace("+Inf", "Infinity")) for latency in latencies)
        _figure(found, f"latency bucket {edge}", value, below)


def _figure(found: Agreement, name: str, metric: str, journal: Decimal | int) -> None:
    found.check(Decimal(metric) == journal, f"{name}: metric {metric}, journal {journal}")


def _trade(symbol: str, row: Mapping[str, Any]) -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=str(row["id"]),
        exchange_order_id=str(row["orderId"]),
        side="buy" if row["isBuyer"] else "sell",
        price=Decimal(row["price"]),
        amount=Decimal(row["qty"]),
        fee=Decimal(row["commission"]),
        fee_currency=str(row["commissionAsset"]),
        liquidity="maker" if row["isMaker"] else "taker",
    )
