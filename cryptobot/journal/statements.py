"""The writer's statements, compiled once per database.

SQLAlchemy's per-execution work is several times the database's own on this path, and it is paid
under the interpreter lock that the event loop waits for; so rows go straight to the driver, inside
SQLAlchemy's transaction.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from cryptobot.journal import schema

Row = Mapping[str, Any]


class CompiledInsert:
    """An insert of whole rows whose values are what the driver takes: text, numbers, ``None``."""

    def __init__(self, statement: Insert, dialect: Dialect, columns: Sequence[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(columns))
        self._sql = str(compiled)
        order: list[str] | None = getattr(compiled, "positiontup", None)
        self._bind: Callable[[Row], Any] = itemgetter(*order) if order else dict

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert ``rows`` with one statement. Raises the driver's own errors."""
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(self._sql, [self._bind(row) for row in rows])
        finally:
            cursor.close()


def insert_event(dialect: Dialect) -> CompiledInsert:
    """Return the insert of order events, which refuses known ones."""
    return CompiledInsert(
        schema.order_events.insert(), dialect, _columns(schema.order_events, without={"id"})
    )


def upsert_order(dialect: Dialect) -> CompiledInsert:
    """Return the insert of orders that replaces the view of known ones."""
    table = schema.orders
    insert: Any = _insert(dialect)(table)
    changing = _columns(table, without={"order_id", "created_ns"})
    statement = insert.on_conflict_do_update(
        index_elements=["order_id"], set_={name: insert.excluded[name] for name in changing}
    )
    return CompiledInsert(statement, dialect, _columns(table))


def upsert(dialect: Dialect, table: Table) -> Any:
    """Return an insert that replaces the row whose primary key is known."""
    insert: Any = _insert(dialect)(table)
    key = [column.name for column in table.primary_key]
    changing = _columns(table, without=set(key))
    return insert.on_conflict_do_update(
        index_elements=key, set_={name: insert.excluded[name] for name in changing}
    )


def insert_new(dialect: Dialect, table: Table) -> Any:
    """Return an insert that skips rows whose key is known."""
    return _insert(dialect)(table).on_conflict_do_nothing()


def _insert(dialect: Dialect) -> Any:
    return sqlite.insert if dialect.name == "sqlite" else postgresql.insert


def _columns(table: Table, without: frozenset[str] | set[str] = frozenset()) -> list[str]:
    return [column.name for column in table.c if column.name not in without]
