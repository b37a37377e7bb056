"""Compares, to the last digit, what exchange, journal, portfolio and metrics say."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Any, Final

from tests.replay.engine_evidence import JournalEvidence, Samples, metric

STATES: Final = {
    "NEW": "accepted",
    "PARTIALLY_FILLED": "partially_filled",
    "FILLED": "filled",
    "CANCELED": "canceled",
    "EXPIRED": "expired",
    "EXPIRED_IN_MATCH": "expired",
}
EDGES_MS: Final = (
    10, 25, 50, 100, 150, 250, 400, 500, 600, 700, 750, 800, 900, 1000, 1500, 2500, 5000, 10000,
    30000,
)  # fmt: skip
"""The edges of ``order_latency`` as the contract lists them."""

_EXACT: Final = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known after a run.

    Attributes:
        orders: The exchange's orders.
        trades: The exchange's trades of the account.
        refused: Client ids of order requests that the exchange refused.
        before: Balances before the run, by asset.
        after: Balances after it, by asset.
        account: The same by the account's REST interface.
        journal: Of the engine.
        portfolio: The engine's answer of ``portfolio.get``.
        samples: The engine's metrics.
    """

    orders: list[dict[str, Any]]
    trades: list[dict[str, Any]]
    refused: frozenset[str]
    before: Mapping[str, Decimal]
    after: Mapping[str, Decimal]
    account: Mapping[str, Decimal]
    journal: JournalEvidence
    portfolio: dict[str, Any]
    samples: Samples


def disagreements(evidence: Evidence) -> list[str]:
    """Return one line for everything that differs; an empty list is the proof."""
    with localcontext(_EXACT):
        return [
            *_orders(evidence),
            *_fills(evidence),
            *_balances(evidence),
            *_position(evidence),
            *_outcomes(evidence),
            *_latencies(evidence),
        ]


def _orders(evidence: Evidence) -> Iterator[str]:
    theirs = {order["clientOrderId"]: order for order in evidence.orders}
    ours = {order["client_order_id"]: order for order in evidence.journal.orders}
    if len(theirs) != len(evidence.orders):
        yield "the exchange has two orders with one client id"
    sent = {key for key, order in ours.items() if order["state"] not in {"denied", "rejected"}}
    for key in theirs.keys() - sent:
        yield f"order {key} is on the exchange, but not so in the journal"
    for key in sent - theirs.keys():
        yield f"order {key} is {ours[key]['state']} in the journal, but not on the exchange"
    for key in evidence.refused:
        if ours.get(key, {}).get("state") != "rejected":
            yield f"order {key} was refused, but is not rejected in the journal"
    fees: dict[int, Counter[str]] = {}
    for trade in evidence.trades:
        paid: Any = fees.setdefault(trade["orderId"], Counter())
        paid[trade["commissionAsset"]] += Decimal(trade["commission"])
    for key in sent & theirs.keys():
        mine, other = ours[key], theirs[key]
        told = {name: Decimal(paid) for name, paid in json.loads(mine["fees"]).items()}
        yield from _differences(
            f"order {key}",
            {
                "id": (mine["exchange_order_id"], str(other["orderId"])),
                "state": (mine["state"], STATES.get(other["status"])),
                "amount": (Decimal(mine["amount"]), Decimal(other["origQty"])),
                "price": (Decimal(mine["price"] or 0), Decimal(other["price"])),
                "filled": (Decimal(mine["filled"]), Decimal(other["executedQty"])),
                "cost": (Decimal(mine["cost"]), Decimal(other["cummulativeQuoteQty"])),
                "fees": (told, dict(fees.get(other["orderId"], {}))),
                "side": (mine["side"].upper(), other["side"]),
            },
        )


def _fills(evidence: Evidence) -> Iterator[str]:
    theirs = {str(trade["id"]): trade for trade in evidence.trades}
    ours = {fill["trade_id"]: fill for fill in evidence.journal.fills}
    if len(evidence.journal.fills) != len(evidence.trades):
        yield f"{len(evidence.journal.fills)} fills, {len(evidence.trades)} trades"
    for key in theirs.keys() ^ ours.keys():
        where = "exchange" if key in theirs else "journal"
        yield f"trade {key} is known to the {where} only"
    for key in theirs.keys() & ours.keys():
        mine, other = ours[key], theirs[key]
        yield from _differences(
            f"trade {key}",
            {
                "order": (mine["exchange_order_id"], str(other["orderId"])),
                "price": (Decimal(mine["price"]), Decimal(other["price"])),
                "amount": (Decimal(mine["amount"]), Decimal(other["qty"])),
                "fee": (Decimal(mine["fee"]), Decimal(other["commission"])),
                "fee asset": (mine["fee_currency"], other["commissionAsset"]),
                "maker": (mine["liquidity"] == "maker", other["isMaker"]),
                "side": (mine["side"] == "buy", other["isBuyer"]),
                "time": (mine["at_ns"] // 1_000_000, other["time"]),
            },
        )


def _balances(evidence: Evidence) -> Iterator[str]:
    expected = dict(evidence.before)
    for fill in evidence.journal.fills:
        base, _, quote = fill["symbol"].partition("/")
        sign = 1 if fill["side"] == "buy" else -1
        amount, price = Decimal(fill["amount"]), Decimal(fill["price"])
        expected[base] += sign * amount
        expected[quote] -= sign * amount * price
        expected[fill["fee_currency"]] -= Decimal(fill["fee"])
    shown = {row["asset"]: Decimal(row["total"]) for row in evidence.portfolio["balances"]}
    for asset, amount in expected.items():
        yield from _differences(
            f"balance of {asset} by fills and fees",
            {
                "exchange": (amount, evidence.after.get(asset)),
                "account": (amount, evidence.account.get(asset)),
                "portfolio": (amount, shown.get(asset, Decimal(0))),
            },
        )


def _position(evidence: Evidence) -> Iterator[str]:
    held: Counter[str] = Counter()
    amounts: Any = held
    for trade in evidence.trades:
        sign = 1 if trade["isBuyer"] else -1
        amounts["BTC/USDT"] += sign * Decimal(trade["qty"])
        if trade["commissionAsset"] == "BTC":
            amounts["BTC/USDT"] -= Decimal(trade["commission"])
    shown = {row["symbol"]: Decimal(row["amount"]) for row in evidence.portfolio["positions"]}
    if dict(amounts) != shown:
        yield f"positions: the trades leave {dict(amounts)}, the portfolio shows {shown}"
    gauge = metric(evidence.samples, "position", mode="live", symbol="BTC/USDT")
    if gauge != float(amounts["BTC/USDT"]):
        yield f"position metric: {gauge}, the trades leave {amounts['BTC/USDT']}"


def _outcomes(evidence: Evidence) -> Iterator[str]:
    counted = {
        (labels["mode"], labels["side"], labels["type"], labels["outcome"]): value
        for (name, pairs), value in evidence.samples.items()
        if name == "cryptobot_orders_total" and (labels := dict(pairs)) and value
    }
    if counted != dict(evidence.journal.outcomes):
        yield f"orders_total: {counted}, the journal has {dict(evidence.journal.outcomes)}"
    failed = sum(order["failed"] for order in evidence.journal.orders)
    if metric(evidence.samples, "orders_failed_total") != failed:
        yield f"orders_failed_total is not {failed}"


def _latencies(evidence: Evidence) -> Iterator[str]:
    spans = [
        Decimal(repr(order["latency_ms"]))
        for order in evidence.journal.orders
        if order["latency_ms"] is not None
    ]
    samples = evidence.samples
    if metric(samples, "order_latency_count") != len(spans):
        yield f"order_latency has not counted {len(spans)}"
    if Decimal(repr(metric(samples, "order_latency_sum"))) != sum(spans):
        yield f"order_latency_sum is {metric(samples, 'order_latency_sum')}, not {sum(spans)}"
    for edge in EDGES_MS:
        inside = sum(span <= edge for span in spans)
        if metric(samples, "order_latency_bucket", le=f"{edge}.0") != inside:
            yield f"order_latency_bucket of {edge} ms is not {inside}"


def _differences(what: str, pairs: Mapping[str, tuple[object, object]]) -> Iterator[str]:
    for name, (mine, other) in pairs.items():
        if mine != other:
            yield f"{what}: {name} {mine} is not {other}"
