"""The journal: durable records in, one acknowledgement each after the commit."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Self

import orjson

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.order import Fill, Order
from cryptobot.journal.database import Database
from cryptobot.journal.hosts import Host, InlineHost, ProcessHost
from cryptobot.journal.migration import migrate
from cryptobot.journal.reads import JournalReads, QueryObserver, unobserved
from cryptobot.journal.records import (
    AccountSnapshot,
    BalanceBaseline,
    DayStart,
    DeadLetter,
    JournalStatus,
    ModeChange,
    OrderRecord,
    Record,
    Recorded,
    RunEnd,
    RunStart,
)
from cryptobot.journal.writer import JournalWriter
from cryptobot.journal.writer_process import Opening

RETRY_AFTER_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
"""Waits between attempts to reach a lost database; the last one repeats."""


class Journal(JournalReads):
    """Durable memory of orders, fills, modes, runs and accounts. Made by ``Journal.open``.

    ``record*`` return at once; the future they give resolves after the commit is on disk (on
    PostgreSQL: acknowledged with ``synchronous_commit``), so code after ``await`` (counting a
    metric, sending to the wire) relies on it. It raises ``JournalUnavailable`` if nothing was
    stored: then no part of the record is, and the same record may be resubmitted; if the first
    try did reach the disk unseen, the resubmission stores nothing twice and answers the same.

    Cancelling the wait does not withdraw the record. All calls belong to the event loop of
    ``start``. Records are committed in the order of the calls.
    """

    def __init__(
        self, database: Database, clock: Clock, host: Host, on_query: QueryObserver = unobserved
    ) -> None:
        super().__init__(database.reader, clock, on_query)
        self._database = database
        self._writer = JournalWriter(host, partial(on_query, "commit"))

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock,
        busy_timeout_ms: int = 2_000,
        retry_after_s: Sequence[float] = RETRY_AFTER_S,
        inline: bool = False,
        keep_open: Sequence[int] = (),
        on_query: QueryObserver = unobserved,
    ) -> Self:
        """Return a journal on ``url``; nothing is touched before ``start``.

        Args:
            url: A SQLAlchemy URL: ``sqlite:////path/to/cryptobot.db`` or ``postgresql://...``.
            clock: The time that ``orders_daily`` and ``status_changes`` count back from.
            busy_timeout_ms: How long to wait for another process's lock on a SQLite file.
            retry_after_s: Waits between attempts to reach a lost database.
            inline: Commit on the event loop and not in a process beside it: for simulations.
            keep_open: File descriptors, such as the instance lock's, that the writing process
                holds until everything given is committed, even when this process is killed.
            on_query: Told on the event loop of each commit, read and migration, and its seconds.

        Raises:
            UserError: The URL is unusable; the message says why.
        """
        database = Database.open(url, busy_timeout_ms)
        opening = Opening(url, busy_timeout_ms, tuple(retry_after_s))
        host = InlineHost(database, retry_after_s) if inline else ProcessHost(opening, keep_open)
        return cls(database, clock, host, on_query)

    async def start(self) -> None:
        """Create or migrate the schema and start writing.

        Raises:
            UserError: The database is newer than this program, or is not a journal.
            JournalUnavailable: It cannot be reached or written.
        """
        await self._timed("migrate", partial(migrate, self._database))
        await self._writer.start()

    async def close(self) -> None:
        """Commit all that is queued, end the writer, close the files. Safe to call again."""
        await self._writer.close()
        await asyncio.to_thread(self._readers.shutdown)
        self._database.dispose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def available(self) -> bool:
        """Whether records are being taken: started, not closed, last commit well."""
        return self._writer.available

    @property
    def unavailable_reason(self) -> str | None:
        """Why records are not taken, one line; ``None`` while they are."""
        return self._writer.reason

    def status(self) -> JournalStatus:
        """Return how the writer does; touches no disk."""
        return self._writer.status()

    async def wait_available(self) -> None:
        """Return when records are taken again (at once while they are).

        Raises:
            JournalUnavailable: The journal was closed.
        """
        await self._writer.wait_available()

    def on_availability(self, listener: Callable[[bool, str | None], None]) -> None:
        """Call ``listener(available, reason)`` on the event loop at each change."""
        self._writer.on_availability(listener)

    def record(
        self,
        order: Order,
        *,
        venue: str,
        evidence: object = None,
        fills: Iterable[Fill] = (),
        urgent: bool = True,
    ) -> asyncio.Future[Recorded]:
        """Append an event of ``order``, set its current view and add ``fills``: all or nothing.

        The first event of an order is its intent. The same record given again (the same order
        value, evidence and fills) is the same event and stores nothing.

        Args:
            order: The order as it is now.
            venue: The exchange's id, for paper orders too.
            evidence: What settled it: anything JSON can hold, plus ``Decimal`` and enums (as text).
            fills: The trades that came with it; known ones are skipped.
            urgent: Whether anybody waits for it. If not, it may be gathered with others for a
                moment; the order of records stays that in which they were given.

        Returns:
            A future of what it became.

        Raises:
            JournalUnavailable: Known to be unavailable now, or closed; nothing was queued.
            TypeError: ``evidence`` cannot be written as JSON.
        """
        text = None if evidence is None else orjson.dumps(evidence, default=str).decode()
        return self._submit(OrderRecord(order, venue, text, tuple(fills)), urgent=urgent)

    def record_mode(self, change: ModeChange) -> asyncio.Future[None]:
        """Append a mode change. Raises as ``record``."""
        return self._submit(change)

    def record_account(self, snapshot: AccountSnapshot) -> asyncio.Future[None]:
        """Append an account snapshot. Raises as ``record``."""
        return self._submit(snapshot)

    def record_baseline(self, baseline: BalanceBaseline) -> asyncio.Future[None]:
        """Append a baseline of the live account. Raises as ``record``."""
        return self._submit(baseline)

    def record_day(self, start: DayStart) -> asyncio.Future[None]:
        """Note how a day began, or begin it anew. Raises as ``record``."""
        return self._submit(start)

    def record_dead_letter(self, letter: DeadLetter) -> asyncio.Future[None]:
        """Add a dead letter, or replace what is known of it by its id. Raises as ``record``."""
        return self._submit(letter)

    def record_run_started(self, run: RunStart) -> asyncio.Future[None]:
        """Note an engine start. Raises as ``record``."""
        return self._submit(run)

    def record_run_ended(self, run: RunEnd) -> asyncio.Future[None]:
        """Note the orderly end of a run. Raises as ``record``."""
        return self._submit(run)

    def _submit(self, record: Record, *, urgent: bool = True) -> asyncio.Future[Any]:
        if not self._writer.available:
            raise JournalUnavailable(self._writer.reason or "the journal is not started")
        return self._writer.submit(record, urgent=urgent)
