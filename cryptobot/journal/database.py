"""The connections: one engine for the writer, one for readers, set up for durability."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool

from cryptobot.domain.errors import UserError

_POSTGRES = frozenset({"postgresql", "postgres", "postgresql+psycopg"})
_SQLITE = frozenset({"sqlite", "sqlite+pysqlite"})
_PG_CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "application_name": "cryptobot",
    # A dead server is noticed in seconds, not in the kernel's two hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


@dataclass(frozen=True, slots=True)
class Database:
    """Where the journal lives.

    Attributes:
        name: For messages: the file, or the URL without its password.
        path: The SQLite file; ``None`` on PostgreSQL.
        writer: One connection, each transaction durable at its commit.
        reader: A few read-only connections.
    """

    name: str
    path: Path | None
    writer: Engine
    reader: Engine

    @classmethod
    def open(cls, url: str, busy_timeout_ms: int) -> Self:
        """Return the engines for ``url``, unconnected.

        Raises:
            UserError: The URL cannot be parsed, or names a database that cannot keep a journal.
        """
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            raise UserError(
                "database.url is not a URL: write sqlite:////path/to/cryptobot.db "
                "or postgresql://user@host/name"
            ) from None
        if parsed.drivername in _SQLITE:
            return cls._sqlite(parsed, busy_timeout_ms)
        if parsed.drivername in _POSTGRES:
            return cls._postgres(parsed.set(drivername="postgresql+psycopg"))
        raise UserError(
            f"database.url: {parsed.drivername!r} is not supported; use sqlite or postgresql"
        )

    @classmethod
    def _sqlite(cls, url: URL, busy_timeout_ms: int) -> Self:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise UserError("database.url: the journal needs a file, as sqlite:////path/to/file")
        connect = {"timeout": busy_timeout_ms / 1000, "check_same_thread": False}
        writer = create_engine(
            url, connect_args=connect, poolclass=QueuePool, pool_size=1, max_overflow=0
        )
        reader = create_engine(url, connect_args=connect, poolclass=QueuePool, pool_size=2)
        event.listen(writer, "connect", _set_up_writer)
        event.listen(writer, "begin", _begin_immediate)
        event.listen(reader, "connect", _set_up_reader)
        event.listen(reader, "begin", _begin)
        return cls(url.database, Path(url.database), writer, reader)

    @classmethod
    def _postgres(cls, url: URL) -> Self:
        durable = {**_PG_CONNECT, "options": "-c synchronous_commit=on"}
        read_only = {**_PG_CONNECT, "options": "-c default_transaction_read_only=on"}
        writer = create_engine(url, connect_args=durable, pool_size=1, max_overflow=0)
        reader = create_engine(url, connect_args=read_only, pool_size=2, pool_pre_ping=True)
        return cls(url.render_as_string(hide_password=True), None, writer, reader)

    def create_file(self) -> None:
        """Make the SQLite file and its folder, for this user only. Does nothing on PostgreSQL.

        Raises:
            OSError: The file cannot be made or is not ours.
        """
        if self.path is None:
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would create it by the umask; its -wal and -shm take their mode from it.
        os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        if self.path.stat().st_mode & 0o077:
            self.path.chmod(0o600)

    def dispose(self) -> None:
        """Close every connection. SQLite folds its write-ahead log into the file here."""
        self.reader.dispose()
        self.writer.dispose()


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """Make what is done to ``connection`` inside one transaction, as ``connection.begin()`` does.

    On SQLite it says BEGIN and COMMIT to the driver itself: SQLAlchemy's way costs more than the
    commit on a fast disk, and every order waits for both.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        with connection.begin():
            yield
        return
    driver.execute("BEGIN IMMEDIATE")
    try:
        yield
        if connection.in_transaction():  # a statement went through SQLAlchemy
            connection.commit()
        else:
            driver.execute("COMMIT")
    except BaseException:
        connection.rollback()
        driver.rollback()
        raise


def one_line(error: BaseException) -> str:
    """Return what the database said in one line, without statement, parameters or password."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(said).strip().splitlines()
    return lines[0] if lines else type(said).__name__


def _set_up_writer(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, so that DDL is transactional too
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _set_up_reader(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA query_only=ON")


def _begin_immediate(connection: Connection) -> None:
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection) or not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
