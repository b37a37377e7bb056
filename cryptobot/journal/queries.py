"""The journal's rows by key, as domain values. Run on a reader's connection."""

from typing import Any

from sqlalchemy import Connection, Select, select, text

from cryptobot.domain.ids import CLIENT_ORDER_ID_PREFIX
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OPEN, Order, OrderState
from cryptobot.journal import rows, schema
from cryptobot.journal.positions import Position
from cryptobot.journal.positions import positions as positions_of
from cryptobot.journal.records import (
    AccountSnapshot,
    BalanceBaseline,
    DayStart,
    DeadLetter,
    DeadLetterState,
    ModeChange,
    OrderEvent,
    RecordedFill,
    Run,
)

_IS_OPEN = text("state IN (" + ", ".join(f"'{state}'" for state in sorted(OPEN)) + ")")
"""Literal, so that the partial index on open orders serves it."""


def _rows(connection: Connection, statement: Select[Any]) -> Any:
    return connection.execute(statement).mappings()


def open_orders(connection: Connection, mode: Mode | None) -> list[Order]:
    """Return the orders that may still trade, oldest first."""
    order = schema.orders.c
    statement = select(schema.orders).where(_IS_OPEN).order_by(order.created_ns, order.order_id)
    if mode is not None:
        statement = statement.where(order.mode == mode.value)
    return [rows.to_order(row) for row in _rows(connection, statement)]


def orders(
    connection: Connection,
    state: OrderState | None,
    mode: Mode | None,
    symbol: str | None,
    limit: int,
) -> list[Order]:
    """Return orders, newest first."""
    order = schema.orders.c
    statement = select(schema.orders).order_by(order.created_ns.desc(), order.order_id)
    if state is not None:
        statement = statement.where(order.state == state.value)
    if mode is not None:
        statement = statement.where(order.mode == mode.value)
    if symbol is not None:
        statement = statement.where(order.symbol == symbol)
    return [rows.to_order(row) for row in _rows(connection, statement.limit(limit))]


def order(connection: Connection, order_id: str) -> Order | None:
    """Return one order."""
    statement = select(schema.orders).where(schema.orders.c.order_id == order_id)
    row = _rows(connection, statement).first()
    return None if row is None else rows.to_order(row)


def order_by_client_id(connection: Connection, client_order_id: str) -> Order | None:
    """Return the order the exchange knows as ``client_order_id``.

    That id is derived from the order id, whose key serves here: an index on random ids would be
    one more page to write for every order.
    """
    if not client_order_id.startswith(CLIENT_ORDER_ID_PREFIX):
        return None
    start = client_order_id.removeprefix(CLIENT_ORDER_ID_PREFIX)
    order = schema.orders.c
    statement = select(schema.orders).where(
        order.order_id >= start,
        order.order_id < start + "g",  # above every hex digit
        order.client_order_id == client_order_id,
    )
    row = _rows(connection, statement).first()
    return None if row is None else rows.to_order(row)


def order_events(connection: Connection, order_id: str) -> list[OrderEvent]:
    """Return an order's history, oldest first."""
    event = schema.order_events.c
    statement = select(schema.order_events).where(event.order_id == order_id).order_by(event.seq)
    return [rows.to_event(row) for row in _rows(connection, statement)]


def fills(
    connection: Connection,
    order_id: str | None,
    symbol: str | None,
    mode: Mode | None,
    limit: int,
) -> list[RecordedFill]:
    """Return fills, newest first."""
    fill = schema.fills.c
    statement = select(schema.fills).order_by(fill.at_ns.desc(), fill.id.desc())
    if order_id is not None:
        statement = statement.where(fill.order_id == order_id)
    if symbol is not None:
        statement = statement.where(fill.symbol == symbol)
    if mode is not None:
        statement = statement.where(fill.mode == mode.value)
    return [rows.to_fill(row) for row in _rows(connection, statement.limit(limit))]


def fill_positions(connection: Connection, mode: Mode) -> dict[str, Position]:
    """Return the positions that all fills of ``mode`` leave."""
    fill = schema.fills.c
    statement = select(schema.fills).where(fill.mode == mode.value).order_by(fill.at_ns, fill.id)
    return positions_of(rows.to_fill(row).fill for row in _rows(connection, statement))


def mode_changes(connection: Connection, limit: int) -> list[ModeChange]:
    """Return mode changes, newest first."""
    statement = select(schema.mode_changes).order_by(schema.mode_changes.c.id.desc()).limit(limit)
    return [rows.to_mode_change(row) for row in _rows(connection, statement)]


def last_mode(connection: Connection) -> ModeChange | None:
    """Return the latest mode change by order of writing: the wall clock may have stepped back."""
    return next(iter(mode_changes(connection, 1)), None)


def recent_runs(connection: Connection, n: int) -> list[Run]:
    """Return the last ``n`` runs, newest first."""
    statement = select(schema.runs).order_by(schema.runs.c.id.desc()).limit(n)
    return [rows.to_run(row) for row in _rows(connection, statement)]


def last_account(connection: Connection, mode: Mode) -> AccountSnapshot | None:
    """Return the newest snapshot of the account of ``mode``, by order of writing."""
    snapshot = schema.account_snapshots.c
    statement = (
        select(schema.account_snapshots)
        .where(snapshot.mode == mode.value)
        .order_by(snapshot.id.desc())
        .limit(1)
    )
    row = _rows(connection, statement).first()
    return None if row is None else rows.to_account(row)


def last_baseline(connection: Connection) -> BalanceBaseline | None:
    """Return the newest baseline, by order of writing."""
    newest = schema.balance_baselines.c.id.desc()
    row = _rows(connection, select(schema.balance_baselines).order_by(newest).limit(1)).first()
    return None if row is None else rows.to_baseline(row)


def last_day(connection: Connection, mode: Mode) -> DayStart | None:
    """Return the newest day's beginning of ``mode``."""
    day = schema.day_starts.c
    statement = select(schema.day_starts).where(day.mode == mode.value).order_by(day.day.desc())
    row = _rows(connection, statement.limit(1)).first()
    return None if row is None else rows.to_day(row)


def dead_letters(
    connection: Connection, state: DeadLetterState | None, limit: int
) -> list[DeadLetter]:
    """Return dead letters, newest first."""
    letter = schema.dead_letters.c
    statement = select(schema.dead_letters).order_by(letter.first_ns.desc(), letter.id)
    if state is not None:
        statement = statement.where(letter.state == state.value)
    return [rows.to_dead_letter(row) for row in _rows(connection, statement.limit(limit))]


def dead_letter(connection: Connection, letter_id: str) -> DeadLetter | None:
    """Return one dead letter."""
    statement = select(schema.dead_letters).where(schema.dead_letters.c.id == letter_id)
    row = _rows(connection, statement).first()
    return None if row is None else rows.to_dead_letter(row)


def ping(connection: Connection) -> None:
    """Read one row."""
    connection.execute(select(schema.runs.c.id).limit(1)).first()
