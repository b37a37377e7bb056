"""The order path's side of the journal: intents are awaited, changes are kept until they are in."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.order import Fill, Order
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import Recorded, RecordRefused

RecordedListener = Callable[[Order, bool], None]
"""Told after a change is on disk, and whether it is the order's first answer: what counts orders
counts here, so that counts equal the journal whatever is killed when."""

_log = structlog.stdlib.get_logger("cryptobot.orders")
_Change = tuple[Order, tuple[Fill, ...], object, bool]


class OrderJournal:
    """Records orders, and repeats what the journal could not take.

    Args:
        journal: The journal.
        venue: The exchange's id.
    """

    def __init__(self, journal: Journal, venue: str) -> None:
        self._journal = journal
        self._venue = venue
        self._listeners: list[RecordedListener] = []
        self._waiting: deque[_Change] = deque()
        self._pending = 0
        self._idle = asyncio.Event()
        self._idle.set()
        journal.on_availability(self._on_availability)

    @property
    def available(self) -> bool:
        """Whether intents can be journalled now."""
        return self._journal.available

    @property
    def waiting(self) -> int:
        """Changes that are not on disk yet."""
        return self._pending + len(self._waiting)

    def listen(self, listener: RecordedListener) -> None:
        """Call ``listener`` after each commit."""
        self._listeners.append(listener)

    def intent(self, order: Order) -> "asyncio.Future[Recorded]":
        """Record an intent; the future resolves when it is on disk.

        Raises:
            JournalUnavailable: Nothing was recorded.
        """
        future = self._journal.record(order, venue=self._venue)
        self._watch(future, (order, (), None, order.answered_ns is not None), repeat=False)
        return future

    def change(
        self, order: Order, fills: tuple[Fill, ...], evidence: object, first_answer: bool
    ) -> None:
        """Record a change, now or when the journal takes records again. Never raises."""
        item = (order, fills, evidence, first_answer)
        if self._waiting:
            self._waiting.append(item)
            return
        self._submit(item)

    async def drain(self) -> None:
        """Return when everything submitted has been answered (not what waits for the journal)."""
        await self._idle.wait()

    def _submit(self, item: _Change) -> None:
        order, fills, evidence, _ = item
        try:
            future = self._journal.record(order, venue=self._venue, evidence=evidence, fills=fills)
        except JournalUnavailable:
            self._waiting.append(item)
            return
        self._watch(future, item, repeat=True)

    def _watch(self, future: "asyncio.Future[Recorded]", item: _Change, *, repeat: bool) -> None:
        self._pending += 1
        self._idle.clear()

        def done(result: "asyncio.Future[Recorded]") -> None:
            self._pending -= 1
            if not self._pending:
                self._idle.set()
            if result.cancelled():
                return
            error = result.exception()
            if error is None:
                for listener in self._listeners:
                    listener(item[0], item[3])
            elif isinstance(error, RecordRefused):
                _log.critical("order_record_refused", order_id=item[0].order_id, error=str(error))
            elif repeat:
                self._waiting.append(item)

        future.add_done_callback(done)

    def _on_availability(self, available: bool, reason: str | None) -> None:
        if not available:
            _log.critical("journal_unavailable", reason=reason, waiting=self.waiting)
            return
        repeat, self._waiting = self._waiting, deque()
        _log.info("journal_available", repeated=len(repeat))
        for item in repeat:
            self.change(*item)
