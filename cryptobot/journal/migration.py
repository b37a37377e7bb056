"""Brings a database to the schema this program works on."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from cryptobot.domain.errors import JournalUnavailable, UserError
from cryptobot.journal.database import Database, one_line
from cryptobot.journal.schema import HEAD, REVISIONS


def migrate(database: Database) -> None:
    """Create the schema, or bring it up to date in one transaction.

    A SQLite file that has data is copied to ``NAME.before-REVISION`` first. The usual start costs
    one query: Alembic is imported only when there is something to do.

    Raises:
        UserError: The database is newer than this program, or holds something else.
        JournalUnavailable: It cannot be reached or written.
    """
    try:
        database.create_file()
        with database.writer.begin() as connection:
            stored = _stored_revision(connection, database)
        if stored == HEAD:
            return
        if stored is not None:
            _back_up(database)
        with database.writer.begin() as connection:
            _upgrade(connection)
    except (SQLAlchemyError, OSError) as error:
        database.dispose()
        raise JournalUnavailable(
            f"the journal cannot be opened: {one_line(error)} ({database.name})"
        ) from error


def _stored_revision(connection: Connection, database: Database) -> str | None:
    tables = inspect(connection)
    if not tables.has_table("alembic_version"):
        if tables.has_table("orders"):
            raise UserError(
                f"{database.name} has an orders table that is not this program's: "
                "give database.url a database of its own"
            )
        return None
    stored = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    if stored is not None and stored not in REVISIONS:
        raise UserError(
            f"{database.name} was written by a newer version (schema {stored}, this program knows "
            f"up to {HEAD}): update the program, or give database.url another database"
        )
    return None if stored is None else str(stored)


def _back_up(database: Database) -> None:
    if database.path is None:
        return
    copy = Path(f"{database.path}.before-{HEAD}")
    copy.touch(mode=0o600)
    with (
        closing(sqlite3.connect(database.path)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _upgrade(connection: Connection, revision: str = "head") -> None:
    from alembic import command  # noqa: PLC0415 - slow to import and rarely needed
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
