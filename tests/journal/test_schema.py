import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.errors import JournalUnavailable, UserError
from cryptobot.journal import migration, schema
from cryptobot.journal.column_types import DecimalText
from cryptobot.journal.database import Database
from cryptobot.journal.journal import Journal

from .samples import an_order


def _migrate_to(database: Database, revision: str) -> None:
    database.create_file()
    with database.writer.begin() as connection:
        migration._upgrade(connection, revision)


def test_revisions_known_to_the_program_are_those_in_the_folder() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migration.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == schema.REVISIONS


def test_migrations_with_an_empty_database_give_the_schema_of_the_program(url: str) -> None:
    def same_type(_: object, __: object, ___: object, ____: object, wanted: object) -> bool | None:
        return False if isinstance(wanted, DecimalText) else None

    database = Database.open(url, 100)
    migration.migrate(database)
    with database.writer.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": same_type})
        assert compare_metadata(context, schema.metadata) == []
    database.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE order_events SET reason = 'rewritten'",
        "DELETE FROM order_events",
        (
            "INSERT OR REPLACE INTO order_events (id, order_id, seq, at_ns, state, payload, digest)"
            " SELECT id, order_id, seq, at_ns, 'filled', payload, digest FROM order_events"
        ),
        (
            "INSERT OR REPLACE INTO order_events (order_id, seq, at_ns, state, payload, digest) "
            "SELECT order_id, seq, at_ns, 'filled', payload, digest FROM order_events"
        ),
        "TRUNCATE order_events",
    ],
)
async def test_order_events_with_an_attempt_to_change_history_refuse(
    url: str, clock: ManualClock, statement: str
) -> None:
    sqlite_only, postgres_only = "REPLACE" in statement, "TRUNCATE" in statement
    if url.startswith("sqlite") and postgres_only:
        statement = "DELETE FROM order_events WHERE seq > 0"
    if not url.startswith("sqlite") and sqlite_only:
        statement = "UPDATE order_events SET state = 'filled' WHERE id = 0"
    order = an_order()
    async with Journal.open(url, clock=clock) as journal:
        await journal.record(order, venue="x")
    database = Database.open(url, 100)
    with pytest.raises(DBAPIError, match="append-only"), database.writer.begin() as connection:
        connection.execute(text(statement))
    database.dispose()
    async with Journal.open(url, clock=clock) as journal:
        assert [event.state for event in await journal.order_events(order.order_id)] == [
            order.state
        ]


async def test_start_with_an_older_schema_upgrades_and_keeps_the_data(
    url: str, clock: ManualClock
) -> None:
    database = Database.open(url, 100)
    _migrate_to(database, "0001")
    with database.writer.begin() as connection:
        connection.execute(
            schema.runs.insert(), {"started_ns": 5, "pid": 1, "version": "0", "clean": False}
        )
        connection.execute(text("UPDATE order_events SET seq = 1"))  # no trigger yet
    database.dispose()
    async with Journal.open(url, clock=clock) as journal:
        assert [run.started_ns for run in await journal.recent_runs(9)] == [5]
        await journal.record(an_order(), venue="x")
    with database.writer.begin() as connection:
        assert _revision(connection) == schema.HEAD
        with pytest.raises(DBAPIError, match="append-only"):
            connection.execute(text("UPDATE order_events SET seq = 1"))
    database.dispose()


async def test_start_with_an_older_sqlite_file_copies_it_first(
    tmp_path: Path, clock: ManualClock
) -> None:
    path = tmp_path / "cryptobot.db"
    _migrate_to(Database.open(f"sqlite:///{path}", 100), "0001")
    async with Journal.open(f"sqlite:///{path}", clock=clock):
        pass
    copy = tmp_path / f"cryptobot.db.before-{schema.HEAD}"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


async def test_start_with_a_failing_migration_leaves_the_old_schema_whole(
    url: str, clock: ManualClock
) -> None:
    database = Database.open(url, 100)
    _migrate_to(database, "0001")
    with database.writer.begin() as connection:  # in the way of the revision's last statement
        connection.execute(text("CREATE TABLE ix_orders_metrics (x INTEGER)"))
    database.dispose()
    journal = Journal.open(url, clock=clock)
    with pytest.raises(JournalUnavailable, match="ix_orders_metrics"):
        await journal.start()
    await journal.close()
    with database.writer.begin() as connection:
        assert _revision(connection) == "0001"
        connection.execute(text("DELETE FROM order_events"))  # no trigger stayed behind
    database.dispose()


async def test_start_with_a_newer_schema_is_refused_in_one_line(
    url: str, clock: ManualClock
) -> None:
    database = Database.open(url, 100)
    migration.migrate(database)
    with database.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()
    journal = Journal.open(url, clock=clock)
    with pytest.raises(UserError, match=r"newer version \(schema 9999.*update the program"):
        await journal.start()
    await journal.close()


async def test_start_with_somebody_elses_tables_is_refused(url: str, clock: ManualClock) -> None:
    database = Database.open(url, 100)
    database.create_file()
    with database.writer.begin() as connection:
        connection.execute(text("CREATE TABLE orders (x INTEGER)"))
    database.dispose()
    journal = Journal.open(url, clock=clock)
    with pytest.raises(UserError, match="a database of its own"):
        await journal.start()
    await journal.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://host/db", "'mysql' is not supported"),
        ("nonsense", "is not a URL"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
    ],
)
def test_open_with_a_url_that_cannot_work_says_why(
    url: str, message: str, clock: ManualClock
) -> None:
    with pytest.raises(UserError, match=message):
        Journal.open(url, clock=clock)


async def test_files_of_sqlite_are_for_the_user_only_and_durable(
    tmp_path: Path, clock: ManualClock
) -> None:
    mask = os.umask(0)
    try:
        path = tmp_path / "state" / "cryptobot.db"
        async with Journal.open(f"sqlite:///{path}", clock=clock) as journal:
            await journal.record(an_order(), venue="x")
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
            assert modes == dict.fromkeys(
                ["cryptobot.db", "cryptobot.db-wal", "cryptobot.db-shm"], 0o600
            )
            assert path.parent.stat().st_mode & 0o777 == 0o700
            with journal._database.writer.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
                assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    finally:
        os.umask(mask)


def _revision(connection: Connection) -> object:
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
