"""The one thread that writes: everything queued goes into one transaction (group commit)."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from cryptobot.domain.errors import JournalUnavailable
from cryptobot.journal.batch import BatchWriter
from cryptobot.journal.database import Database, one_line, transaction
from cryptobot.journal.records import JournalStatus, Record, Recorded, RecordRefused
from cryptobot.journal.schema import write_probe

_MAX_BATCH: Final = 2_000
_CLOSED: Final = "the journal is closed"
_NOT_STARTED: Final = "the journal is not started"

Availability = Callable[[bool, str | None], None]


class _Job(NamedTuple):
    record: Record
    future: asyncio.Future[Any]


_Outcome = Recorded | JournalUnavailable | None


class JournalWriter:
    """Takes records from the event loop and answers each after its commit.

    A failed commit fails its whole batch; then nothing is taken until a write succeeds again,
    which the thread tries by itself after each of ``retry_after_s`` (the last one repeats).
    """

    def __init__(self, database: Database, retry_after_s: Sequence[float]) -> None:
        self._database = database
        self._retry_after_s = tuple(retry_after_s)
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._batches = BatchWriter(database.writer.dialect)
        self._connection: Connection | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._well = asyncio.Event()
        self._listeners: list[Availability] = []
        self._queued = 0
        self._commits = 0
        self._records = 0
        self._last_commit_ms = 0.0
        self._closed = False
        self._lost_reason = ""
        self.reason: str | None = _NOT_STARTED
        """Why records are not taken, one line; ``None`` while they are."""

    @property
    def available(self) -> bool:
        """Whether records are taken."""
        return self.reason is None

    def on_availability(self, listener: Availability) -> None:
        """Call ``listener`` on the event loop at each change."""
        self._listeners.append(listener)

    async def wait_available(self) -> None:
        """Return when records are taken; raises ``JournalUnavailable`` once closed."""
        await self._well.wait()
        if self._closed:
            raise JournalUnavailable(_CLOSED)

    def status(self) -> JournalStatus:
        """Return how the writer does."""
        return JournalStatus(
            available=self.available,
            reason=self.reason,
            queued=self._queued,
            commits=self._commits,
            records=self._records,
            last_commit_ms=self._last_commit_ms,
        )

    async def start(self) -> None:
        """Start the thread; the schema must be there."""
        if self._thread is not None or self._closed:
            raise JournalUnavailable(self.reason or "the journal is started already")
        self._loop = asyncio.get_running_loop()
        # A daemon, so that a program that dies without closing does die; the database recovers.
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self.reason = None
        self._well.set()
        self._thread.start()

    def submit(self, record: Record) -> asyncio.Future[Any]:
        """Queue ``record``; the future resolves after its commit. Only while ``available``."""
        assert self._loop is not None  # noqa: S101 - start() ran, or available is false
        future: asyncio.Future[Any] = self._loop.create_future()
        self._queued += 1
        self._queue.put(_Job(record, future))
        return future

    async def close(self) -> None:
        """Take nothing more, commit what is queued, end the thread."""
        self._closed = True
        self.reason = _CLOSED
        self._well.set()  # wakes the waiters, who learn that it is closed
        if self._thread is not None and self._thread.is_alive():
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
            await asyncio.sleep(0)  # the last answers were scheduled before the thread ended

    # Below runs in the writer's thread, but for _answered and _availability_changed.

    def _run(self) -> None:
        running = True
        while running:
            jobs, running = self._next_batch()
            if jobs and not self._commit(jobs):
                running = self._recover(running)
        self._disconnect()

    def _next_batch(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        job = self._queue.get()
        with suppress(Empty):
            while job is not None:
                jobs.append(job)
                if len(jobs) == _MAX_BATCH:
                    break
                job = self._queue.get_nowait()
        return jobs, job is not None

    def _commit(self, jobs: Sequence[_Job]) -> bool:
        """Write and answer ``jobs``; return false when the database was lost."""
        try:
            outcomes = self._write([job.record for job in jobs])
        except Exception as error:  # noqa: BLE001 - whatever it is, the futures must hear of it
            if not self._may_be_the_record(error):
                self._lose(error, jobs)
                return False
            return self._commit_each(jobs)
        self._answer(jobs, outcomes)
        return True

    def _commit_each(self, jobs: Sequence[_Job]) -> bool:
        """Commit the records of a failed batch one by one, so that only the culprit fails."""
        for index, job in enumerate(jobs):
            outcome: _Outcome
            try:
                outcome = self._write([job.record], trusting=False)[0]
            except Exception as error:  # noqa: BLE001 - as in _commit
                if not self._may_be_the_record(error):
                    self._lose(error, jobs[index:])
                    return False
                outcome = RecordRefused(f"the journal cannot store this: {one_line(error)}")
            self._answer([job], [outcome])
        return True

    def _write(self, records: Sequence[Record], *, trusting: bool = True) -> list[Recorded | None]:
        began = time.perf_counter_ns()
        try:
            if self._connection is None:
                self._connection = self._database.writer.connect()
            with transaction(self._connection):
                results = self._batches.write(self._connection, records, trusting=trusting)
        except BaseException:
            self._batches.forget()
            raise
        self._batches.committed(records)
        self._commits += 1
        self._records += len(records)
        self._last_commit_ms = (time.perf_counter_ns() - began) / 1e6
        return results

    def _may_be_the_record(self, error: Exception) -> bool:
        """Whether the record may be at fault and not the database."""
        driver: Any = self._database.writer.dialect.loaded_dbapi
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, driver.Error):
            return isinstance(
                cause, driver.IntegrityError | driver.DataError | driver.ProgrammingError
            )
        return not isinstance(cause, OSError)

    def _lose(self, error: BaseException, jobs: Sequence[_Job]) -> None:
        self._disconnect()
        reason = f"journal write failed: {one_line(error)} ({self._database.name})"
        self._lost_reason = reason
        self._call(self._availability_changed, reason)  # first, so that who is failed sees it
        failures = []
        for _ in jobs:
            failure = JournalUnavailable(reason)
            failure.__cause__ = error
            failures.append(failure)
        self._answer(jobs, failures)

    def _recover(self, running: bool) -> bool:
        """Retry until the database takes writes again; return whether to go on."""
        for wait_s in self._waits() if running else ():
            if not self._refuse_for(wait_s):
                return False
            if self._probe():
                self._call(self._availability_changed, None)
                return True
        return False

    def _waits(self) -> Iterator[float]:
        yield from self._retry_after_s
        while True:
            yield self._retry_after_s[-1]

    def _refuse_for(self, wait_s: float) -> bool:
        """Fail what arrives in the next ``wait_s`` seconds; return false when told to stop."""
        until = time.monotonic() + wait_s
        with suppress(Empty):
            while (left := until - time.monotonic()) > 0:
                job = self._queue.get(timeout=left)
                if job is None:
                    return False
                self._answer([job], [JournalUnavailable(self._lost_reason)])
        return True

    def _probe(self) -> bool:
        try:
            self._connection = self._database.writer.connect()
            with self._connection.begin():
                changed = self._connection.execute(
                    write_probe.update().values(attempts=write_probe.c.attempts + 1)
                )
                if not changed.rowcount:
                    self._connection.execute(write_probe.insert().values(id=1, attempts=1))
        except (SQLAlchemyError, OSError):
            self._disconnect()
            return False
        return True

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        with suppress(SQLAlchemyError, OSError):  # it is being thrown away
            if connection is not None:
                connection.close()
        self._database.writer.dispose()

    def _answer(self, jobs: Sequence[_Job], outcomes: Sequence[_Outcome]) -> None:
        self._call(self._answered, jobs, outcomes)

    def _call(self, function: Callable[..., None], *args: object) -> None:
        assert self._loop is not None  # noqa: S101 - the thread runs only after start()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *args)

    def _answered(self, jobs: Sequence[_Job], outcomes: Sequence[_Outcome]) -> None:
        self._queued -= len(jobs)
        for job, outcome in zip(jobs, outcomes, strict=True):
            if job.future.done():  # its caller was cancelled; the record stands
                continue
            if isinstance(outcome, JournalUnavailable):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)

    def _availability_changed(self, reason: str | None) -> None:
        if self._closed:
            return
        self.reason = reason
        available = reason is None
        (self._well.set if available else self._well.clear)()
        for listener in self._listeners:
            listener(available, reason)
