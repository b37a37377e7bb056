"""Commits batches and says what became of each record; the same wherever the commits are made."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cryptobot.domain.errors import JournalUnavailable
from cryptobot.journal.batch import BatchWriter, Item, Written
from cryptobot.journal.database import Database, one_line, transaction
from cryptobot.journal.records import RecordRefused
from cryptobot.journal.schema import write_probe

MAX_BATCH: Final = 2_000
"""Records in one transaction at the most."""

Outcome = Written | JournalUnavailable | None
"""What became of a record; ``None``: it is on disk, and there is no more to say of it."""


class Answers(NamedTuple):
    """The outcomes of the oldest records not answered yet, and how long their commit took."""

    outcomes: list[Outcome]
    commit_ms: float | None = None


class Lost(NamedTuple):
    """The database takes no records; what is given until ``Well`` fails."""

    reason: str


class Well(NamedTuple):
    """The database takes records again."""


Message = Answers | Lost | Well


class Committer:
    """Everything given in one call goes into one transaction (group commit).

    A failed commit fails its whole batch, unless a record may be at fault: then each is tried by
    itself, so that only the culprit fails. After ``Lost``, call ``recovered`` until it is true.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batches = BatchWriter(database.writer.dialect)
        self._connection: Connection | None = None
        self.reason = ""
        """Why the database is taken for lost, one line."""

    def connect(self) -> None:
        """Connect now, so that the first commit need not; a failure shows at that commit."""
        with suppress(SQLAlchemyError, OSError):
            self._connection = self._database.writer.connect()

    def commit(self, items: Sequence[Item]) -> list[Message]:
        """Commit ``items`` and return what to tell, in order."""
        messages: list[Message] = []
        for start in range(0, len(items), MAX_BATCH):
            batch = items[start : start + MAX_BATCH]
            try:
                outcomes, commit_ms = self._write(batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
                if self._may_be_the_record(error):
                    messages += self._commit_each(batch)
                else:
                    messages += self._lose(error, len(batch))
            else:
                messages.append(Answers(outcomes, commit_ms))
            if any(isinstance(message, Lost) for message in messages):
                messages.append(self.refuse(len(items) - start - len(batch)))
                break
        return messages

    def refuse(self, count: int) -> Answers:
        """Return the answers to ``count`` records that came while the database was lost."""
        return Answers([JournalUnavailable(self.reason) for _ in range(count)])

    def recovered(self) -> bool:
        """Try whether the database takes writes again; if not, ``reason`` says what it says now."""
        try:
            self._connection = self._database.writer.connect()
            with self._connection.begin():
                changed = self._connection.execute(
                    write_probe.update().values(attempts=write_probe.c.attempts + 1)
                )
                if not changed.rowcount:
                    self._connection.execute(write_probe.insert().values(id=1, attempts=1))
        except (SQLAlchemyError, OSError) as error:
            self.disconnect()
            self.reason = self._why(error)
            return False
        return True

    def disconnect(self) -> None:
        """Let go of the database."""
        connection, self._connection = self._connection, None
        with suppress(SQLAlchemyError, OSError):  # it is being thrown away
            if connection is not None:
                connection.close()
        self._database.writer.dispose()

    def _commit_each(self, items: Sequence[Item]) -> list[Message]:
        outcomes: list[Outcome] = []
        for index, item in enumerate(items):
            try:
                outcomes += self._write([item], trusting=False)[0]
            except Exception as error:  # noqa: BLE001 - as in commit
                if not self._may_be_the_record(error):
                    return [Answers(outcomes), *self._lose(error, len(items) - index)]
                outcomes.append(RecordRefused(f"the journal cannot store this: {one_line(error)}"))
        return [Answers(outcomes)]

    def _write(
        self, items: Sequence[Item], *, trusting: bool = True
    ) -> tuple[list[Outcome], float]:
        began = time.perf_counter_ns()
        try:
            if self._connection is None:
                self._connection = self._database.writer.connect()
            with transaction(self._connection):
                results = self._batches.write(self._connection, items, trusting=trusting)
        except BaseException:
            self._batches.forget()
            raise
        self._batches.committed(items)
        return list(results), (time.perf_counter_ns() - began) / 1e6

    def _may_be_the_record(self, error: Exception) -> bool:
        """Whether the record may be at fault and not the database."""
        driver: Any = self._database.writer.dialect.loaded_dbapi
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, driver.Error):
            return isinstance(
                cause, driver.IntegrityError | driver.DataError | driver.ProgrammingError
            )
        return not isinstance(cause, OSError)

    def _lose(self, error: BaseException, count: int) -> list[Message]:
        self.disconnect()
        self.reason = self._why(error)
        # The loss first, so that who is failed sees it.
        return [Lost(self.reason), self.refuse(count)]

    def _why(self, error: BaseException) -> str:
        return f"journal write failed: {one_line(error)} ({self._database.name})"
