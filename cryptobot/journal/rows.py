"""Domain values as rows, and rows as domain values."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from cryptobot.domain.mode import Mode, ModeTrigger
from cryptobot.domain.order import (
    Fill,
    Liquidity,
    Order,
    OrderState,
    OrderType,
    Side,
    TimeInForce,
)
from cryptobot.journal.column_types import decimal_text
from cryptobot.journal.records import (
    AccountSnapshot,
    BalanceBaseline,
    DayStart,
    DeadLetter,
    DeadLetterState,
    Holding,
    ModeChange,
    OrderEvent,
    OrderRecord,
    RecordedFill,
    Run,
)

Row = Mapping[str, Any]


class OrderRows(NamedTuple):
    """An order record as rows: the order's, its evidence as JSON, and those of its fills."""

    order: dict[str, Any]
    evidence: str | None
    fills: list[dict[str, Any]]


def order_row(record: OrderRecord) -> dict[str, Any]:
    """Return the ``orders`` row of an order, as the driver takes it."""
    order = record.order
    fees = {name: decimal_text(paid) for name, paid in order.fees.items()}
    return {
        "order_id": order.order_id,
        "request_id": order.request_id,
        "client_order_id": order.client_order_id,
        "exchange_order_id": order.exchange_order_id,
        "venue": record.venue,
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.type.value,
        "amount": decimal_text(order.amount),
        "price": None if order.price is None else decimal_text(order.price),
        "time_in_force": order.time_in_force.value,
        "origin": order.origin,
        "mode": order.mode.value,
        "state": order.state.value,
        "created_ns": order.created_ns,
        "updated_ns": order.updated_ns,
        "filled": decimal_text(order.filled),
        "cost": decimal_text(order.cost),
        "fees": _json(fees) if fees else "{}",
        "reason": storable(order.reason),
        "answered_ns": order.answered_ns,
        "latency_ms": order.latency_ms,
        "failed": order.failed,
    }


def payload_json(row: dict[str, Any]) -> str:
    """Return an ``orders`` row as the payload of an event."""
    return _json({**row, "fees": orjson.Fragment(row["fees"])})


def fill_row(fill: Fill, record: OrderRecord) -> dict[str, Any]:
    """Return the ``fills`` row of a fill that ``record`` brings, without the record's digest."""
    return {
        "venue": record.venue,
        "symbol": fill.symbol,
        "trade_id": fill.trade_id,
        "order_id": record.order.order_id,
        "mode": record.order.mode.value,
        "exchange_order_id": fill.exchange_order_id,
        "client_order_id": fill.client_order_id,
        "side": fill.side.value,
        "price": fill.price,
        "amount": fill.amount,
        "fee": fill.fee,
        "fee_currency": fill.fee_currency,
        "liquidity": fill.liquidity.value,
        "at_ns": fill.at_ns,
    }


def mode_row(change: ModeChange) -> dict[str, Any]:
    """Return the ``mode_changes`` row of a change."""
    return {
        "at_ns": change.at_ns,
        "from_mode": None if change.from_mode is None else change.from_mode.value,
        "to_mode": change.to_mode.value,
        "trigger": change.trigger.value,
        "reason": storable(change.reason),
        "actor": storable(change.actor),
    }


def account_row(snapshot: AccountSnapshot) -> dict[str, Any]:
    """Return the ``account_snapshots`` row of a snapshot."""
    balances = {
        asset: {"free": decimal_text(held.free), "locked": decimal_text(held.locked)}
        for asset, held in snapshot.holdings.items()
    }
    return {"mode": snapshot.mode.value, "at_ns": snapshot.at_ns, "balances": _json(balances)}


def baseline_row(baseline: BalanceBaseline) -> dict[str, Any]:
    """Return the ``balance_baselines`` row of a baseline."""
    return {
        "at_ns": baseline.at_ns,
        "totals": _amounts_json(baseline.totals),
        "booked": _amounts_json(baseline.booked),
    }


def day_row(start: DayStart) -> dict[str, Any]:
    """Return the ``day_starts`` row of a day's beginning."""
    return {
        "mode": start.mode.value,
        "day": start.day.isoformat(),
        "at_ns": start.at_ns,
        "equity": start.equity,
        "profit": _amounts_json(start.profit),
    }


def dead_letter_row(letter: DeadLetter) -> dict[str, Any]:
    """Return the ``dead_letters`` row of a dead letter."""
    return {
        "id": letter.id,
        "sink": letter.sink,
        "operation": letter.operation,
        "subject": letter.subject,
        "payload": _any_json(letter.payload),
        "evidence": _any_json(letter.evidence),
        "attempts": letter.attempts,
        "first_ns": letter.first_ns,
        "last_ns": letter.last_ns,
        "state": letter.state.value,
        "reason": storable(letter.reason),
        "actor": storable(letter.actor),
        "updated_ns": letter.updated_ns,
    }


def to_order(row: Row) -> Order:
    """Return the order of an ``orders`` row."""
    return Order(
        order_id=row["order_id"],
        request_id=row["request_id"],
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        amount=row["amount"],
        price=row["price"],
        time_in_force=TimeInForce(row["time_in_force"]),
        origin=row["origin"],
        mode=Mode(row["mode"]),
        state=OrderState(row["state"]),
        created_ns=row["created_ns"],
        updated_ns=row["updated_ns"],
        exchange_order_id=row["exchange_order_id"],
        filled=row["filled"],
        cost=row["cost"],
        fees={name: Decimal(paid) for name, paid in orjson.loads(row["fees"]).items()},
        reason=row["reason"],
        answered_ns=row["answered_ns"],
        latency_ms=row["latency_ms"],
        failed=row["failed"],
    )


def to_event(row: Row) -> OrderEvent:
    """Return the event of an ``order_events`` row."""
    return OrderEvent(
        order_id=row["order_id"],
        seq=row["seq"],
        at_ns=row["at_ns"],
        from_state=None if row["from_state"] is None else OrderState(row["from_state"]),
        state=OrderState(row["state"]),
        reason=row["reason"],
        evidence=None if row["evidence"] is None else orjson.loads(row["evidence"]),
        payload=orjson.loads(row["payload"]),
    )


def to_fill(row: Row) -> RecordedFill:
    """Return the fill of a ``fills`` row."""
    fill = Fill(
        trade_id=row["trade_id"],
        exchange_order_id=row["exchange_order_id"],
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        price=row["price"],
        amount=row["amount"],
        fee=row["fee"],
        fee_currency=row["fee_currency"],
        liquidity=Liquidity(row["liquidity"]),
        at_ns=row["at_ns"],
    )
    return RecordedFill(row["id"], fill, row["order_id"], Mode(row["mode"]), row["venue"])


def to_mode_change(row: Row) -> ModeChange:
    """Return the change of a ``mode_changes`` row."""
    return ModeChange(
        at_ns=row["at_ns"],
        from_mode=None if row["from_mode"] is None else Mode(row["from_mode"]),
        to_mode=Mode(row["to_mode"]),
        trigger=ModeTrigger(row["trigger"]),
        reason=row["reason"],
        actor=row["actor"],
    )


def to_account(row: Row) -> AccountSnapshot:
    """Return the snapshot of an ``account_snapshots`` row."""
    holdings = {
        asset: Holding(Decimal(held["free"]), Decimal(held["locked"]))
        for asset, held in orjson.loads(row["balances"]).items()
    }
    return AccountSnapshot(Mode(row["mode"]), row["at_ns"], holdings, row["after_fill"])


def to_baseline(row: Row) -> BalanceBaseline:
    """Return the baseline of a ``balance_baselines`` row."""
    return BalanceBaseline(row["at_ns"], _amounts(row["totals"]), _amounts(row["booked"]))


def to_day(row: Row) -> DayStart:
    """Return the day's beginning of a ``day_starts`` row."""
    return DayStart(
        Mode(row["mode"]),
        date.fromisoformat(row["day"]),
        row["at_ns"],
        row["equity"],
        _amounts(row["profit"]),
    )


def to_dead_letter(row: Row) -> DeadLetter:
    """Return the dead letter of a ``dead_letters`` row."""
    return DeadLetter(
        id=row["id"],
        sink=row["sink"],
        operation=row["operation"],
        subject=row["subject"],
        payload=orjson.loads(row["payload"]),
        evidence=orjson.loads(row["evidence"]),
        attempts=row["attempts"],
        first_ns=row["first_ns"],
        last_ns=row["last_ns"],
        state=DeadLetterState(row["state"]),
        reason=row["reason"],
        actor=row["actor"],
        updated_ns=row["updated_ns"],
    )


def to_run(row: Row) -> Run:
    """Return the run of a ``runs`` row."""
    return Run(row["started_ns"], row["ended_ns"], row["clean"], row["pid"], row["version"])


def storable(text: str | None) -> str | None:
    """Return ``text`` as any database takes it.

    PostgreSQL refuses NUL, both refuse lone surrogates, and what an exchange or a person wrote must
    never be the reason that an outcome goes unrecorded.
    """
    if text is None:
        return None
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _amounts_json(amounts: Mapping[str, Decimal]) -> str:
    return _json({asset: decimal_text(amount) for asset, amount in amounts.items()})


def _amounts(text: str) -> dict[str, Decimal]:
    return {asset: Decimal(amount) for asset, amount in orjson.loads(text).items()}


def _any_json(value: object) -> str:
    """Return ``value`` as JSON, whatever an exchange wrote into it."""
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # half a character: that must not cost the record
        return _json({"unreadable": ascii(value)})
