"""The loop's side of writing: records in, one future each, resolved after the commit."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from cryptobot.domain.errors import JournalUnavailable
from cryptobot.journal.batch import Written, to_item
from cryptobot.journal.committer import Answers, Lost, Message, Outcome
from cryptobot.journal.hosts import Host
from cryptobot.journal.records import (
    JournalStatus,
    OrderRecord,
    Record,
    Recorded,
    RecordRefused,
)

_CLOSED: Final = "the journal is closed"
_NOT_STARTED: Final = "the journal is not started"

Availability = Callable[[bool, str | None], None]


class _Given(NamedTuple):
    record: Record
    future: asyncio.Future[Any]


class JournalWriter:
    """Takes records from the event loop and answers each after its commit.

    A failed commit fails its whole batch; then nothing is taken until a write succeeds again,
    which the host tries by itself.

    Args:
        host: Makes the commits.
        on_commit: Told how many seconds each took.
    """

    def __init__(self, host: Host, on_commit: Callable[[float], None]) -> None:
        self._host = host
        self._on_commit = on_commit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._well = asyncio.Event()
        self._listeners: list[Availability] = []
        self._given: deque[_Given] = deque()
        self._commits = 0
        self._records = 0
        self._last_commit_ms = 0.0
        self._closed = False
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
            queued=len(self._given),
            commits=self._commits,
            records=self._records,
            last_commit_ms=self._last_commit_ms,
        )

    async def start(self) -> None:
        """Begin to take records; the schema must be there. Raises ``JournalUnavailable``."""
        if self._loop is not None or self._closed:
            raise JournalUnavailable(self.reason or "the journal is started already")
        self._loop = asyncio.get_running_loop()
        await self._host.start(self._hear)
        self.reason = None
        self._well.set()

    def submit(self, record: Record, *, urgent: bool = True) -> asyncio.Future[Any]:
        """Hand ``record`` over; the future resolves after its commit. Only while ``available``."""
        assert self._loop is not None  # noqa: S101 - start() ran, or available is false
        future: asyncio.Future[Any] = self._loop.create_future()
        try:
            item = to_item(record)
        except (ValueError, TypeError) as error:
            future.set_exception(RecordRefused(f"the journal cannot store this: {error}"))
            return future
        self._given.append(_Given(record, future))
        self._host.give(item, urgent=urgent)
        return future

    async def close(self) -> None:
        """Take nothing more, commit what was given, end."""
        self._closed = True
        self.reason = _CLOSED
        self._well.set()  # wakes the waiters, who learn that it is closed
        if self._loop is not None:
            await self._host.close()
            await asyncio.sleep(0)  # who waited for the last answers hears them before the end

    def _hear(self, message: Message) -> None:
        if isinstance(message, Answers):
            self._answered(message)
        else:
            self._availability_changed(message.reason if isinstance(message, Lost) else None)

    def _answered(self, answers: Answers) -> None:
        if answers.commit_ms is not None:
            self._commits += 1
            self._last_commit_ms = answers.commit_ms
            self._on_commit(answers.commit_ms / 1e3)
        for outcome in answers.outcomes:
            record, future = self._given.popleft()
            failed = isinstance(outcome, JournalUnavailable)
            self._records += not failed
            if future.done():  # its caller was cancelled; the record stands
                continue
            if isinstance(outcome, JournalUnavailable):
                future.set_exception(outcome)
            else:
                future.set_result(_recorded(record, outcome))

    def _availability_changed(self, reason: str | None) -> None:
        if self._closed:
            return
        self.reason = reason
        available = reason is None
        (self._well.set if available else self._well.clear)()
        for listener in self._listeners:
            listener(available, reason)


def _recorded(record: Record, outcome: Outcome) -> Recorded | None:
    if not isinstance(outcome, Written) or not isinstance(record, OrderRecord):
        return None
    new = {
        fill.trade_id: fill
        for fill in reversed(record.fills)
        if fill.trade_id in outcome.new_trade_ids
    }
    return Recorded(outcome.seq, outcome.duplicate, tuple(reversed(new.values())))
