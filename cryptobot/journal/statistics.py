"""The journal in numbers: every figure one aggregate. Run on a reader's connection."""

from collections import defaultdict
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    case,
    func,
    literal_column,
    select,
    text,
)

from cryptobot.domain.clock import NS_PER_S
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OPEN, OrderState
from cryptobot.journal import schema
from cryptobot.journal.records import DailyOrders, OrderMetrics, StatusChange, Summary

_NS_PER_DAY = 86_400 * NS_PER_S
_IS_LIVE = text("mode = 'live'")
"""Literal, so that the partial index on live orders serves it."""
_NEVER_SENT = (OrderState.INITIALIZED.value, OrderState.DENIED.value)


def order_metrics(connection: Connection, edges_ms: tuple[float, ...]) -> OrderMetrics:
    """Return the named order metrics over the live orders."""
    statement = _order_metrics(edges_ms)
    failed, count, total_ms, sent, *buckets = connection.execute(statement).one()
    return OrderMetrics(
        failed_total=int(failed),
        bucket_counts=tuple(int(bucket) for bucket in buckets),
        latency_count=int(count),
        latency_sum_ms=float(total_ms),
        sent_total=int(sent),
    )


@cache
def _order_metrics(edges_ms: tuple[float, ...]) -> Select[Any]:
    """Return the aggregate; with twenty sums it takes longer to write than to run."""
    order = schema.orders.c
    latency = order.latency_ms

    def number(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    figures: list[ColumnElement[Any]] = [
        number(order.failed),
        func.count(latency),
        func.coalesce(func.sum(latency), 0.0),
        number(order.state.not_in(_NEVER_SENT)),
        *(number(latency <= edge) for edge in edges_ms),
    ]
    return select(*figures).where(_IS_LIVE)


def orders_daily(connection: Connection, now_ns: int, days: int) -> list[DailyOrders]:
    """Return order counts by UTC day and mode; days without orders are left out."""
    order = schema.orders.c
    first_day = now_ns // _NS_PER_DAY - days + 1
    day = (order.created_ns // literal_column(str(_NS_PER_DAY), BigInteger)).label("day")
    statement = (
        select(
            day,
            order.mode,
            order.state,
            func.count().label("total"),
            func.sum(case((order.failed, 1), else_=0)).label("failed"),
        )
        .where(order.created_ns >= first_day * _NS_PER_DAY)
        .group_by(day, order.mode, order.state)
    )
    states: dict[tuple[int, str], dict[OrderState, int]] = defaultdict(dict)
    failures: dict[tuple[int, str], int] = defaultdict(int)
    for row in connection.execute(statement):
        key = (int(row.day), row.mode)
        states[key][OrderState(row.state)] = int(row.total)
        failures[key] += int(row.failed)
    return [
        DailyOrders(_date(key[0]), Mode(key[1]), sum(by.values()), failures[key], by)
        for key, by in sorted(states.items())
    ]


def status_changes(connection: Connection, now_ns: int, days: int) -> list[StatusChange]:
    """Return how often each state change happened, most frequent first."""
    event = schema.order_events.c
    statement = (
        select(event.from_state, event.state, func.count().label("total"))
        .where(event.at_ns >= now_ns - days * _NS_PER_DAY)
        .where(event.from_state.is_distinct_from(event.state))
        .group_by(event.from_state, event.state)
    )
    changes = [
        StatusChange(
            None if row.from_state is None else OrderState(row.from_state),
            OrderState(row.state),
            int(row.total),
        )
        for row in connection.execute(statement)
    ]
    return sorted(changes, key=lambda change: (-change.count, change.to_state))


def summary(connection: Connection) -> Summary:
    """Return the journal in numbers."""
    order = schema.orders.c
    statement = select(
        order.mode,
        order.state,
        func.count().label("total"),
        func.min(order.created_ns).label("oldest_ns"),
        func.max(order.updated_ns).label("latest_ns"),
        func.sum(case((order.failed, 1), else_=0)).label("failed"),
    ).group_by(order.mode, order.state)
    counts: dict[tuple[Mode, OrderState], int] = {}
    oldest: dict[Mode, int] = {}
    latest: int | None = None
    failed = 0
    for row in connection.execute(statement):
        mode, state = Mode(row.mode), OrderState(row.state)
        counts[mode, state] = int(row.total)
        latest = max(latest or 0, row.latest_ns)
        if state in OPEN:
            oldest[mode] = min(oldest.get(mode, row.oldest_ns), row.oldest_ns)
        if mode is Mode.LIVE:
            failed += int(row.failed)
    fills = connection.execute(
        select(schema.fills.c.mode, func.count().label("total")).group_by(schema.fills.c.mode)
    )
    return Summary(
        by_mode_and_state=counts,
        oldest_open_ns=oldest,
        fills={Mode(row.mode): int(row.total) for row in fills},
        failed=failed,
        mode_changes=connection.execute(
            select(func.count()).select_from(schema.mode_changes)
        ).scalar_one(),
        last_event_ns=latest,
    )


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * 86_400, UTC).date()
