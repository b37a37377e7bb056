"""The order path's side of the journal: intents are awaited, changes are kept until they are in."""

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.order import Fill, News, Order
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import AccountSnapshot, Recorded, RecordRefused

RecordedListener = Callable[[Order, News], None]
"""Told after a change is on disk, with its news: what counts orders counts here, so that counts
equal the journal whatever is killed when."""

_log = structlog.stdlib.get_logger("cryptobot.orders")


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of an order."""

    order: Order
    fills: tuple[Fill, ...]
    evidence: object
    news: News


@dataclass(frozen=True, slots=True, order=True)
class _Item:
    """What is recorded, and its place among all that is: it is repeated in that order."""

    number: int
    what: _Change | AccountSnapshot = field(compare=False)


class OrderJournal:
    """Records orders and starts of the paper account, and repeats what the journal could not take.

    Args:
        journal: The journal.
        venue: The exchange's id.
    """

    def __init__(self, journal: Journal, venue: str) -> None:
        self._journal = journal
        self._venue = venue
        self._listeners: list[RecordedListener] = []
        self._waiting: list[_Item] = []
        self._numbered = 0
        self._repeatable = 0
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
        news = News.NONE if order.answered_ns is None else News.ANSWERED  # denied here
        change = _Change(order, (), None, news)
        self._watch(future, self._numbered_as(change))
        return future

    def change(self, order: Order, fills: tuple[Fill, ...], evidence: object, news: News) -> None:
        """Record a change, now or when the journal takes records again. Never raises."""
        self._add(_Change(order, fills, evidence, news))

    def account(self, snapshot: AccountSnapshot) -> None:
        """Record that an account started anew, as ``change`` does.

        Which trades came before it is told by the order of writing.
        """
        self._add(snapshot)

    async def drain(self) -> None:
        """Return when everything submitted has been answered (not what waits for the journal)."""
        await self._idle.wait()

    def _add(self, what: _Change | AccountSnapshot) -> None:
        item = self._numbered_as(what)
        if self._waiting:
            heapq.heappush(self._waiting, item)
        else:
            self._submit(item)

    def _numbered_as(self, what: _Change | AccountSnapshot) -> _Item:
        self._numbered += 1
        return _Item(self._numbered, what)

    def _submit(self, item: _Item) -> None:
        try:
            future = self._record(item.what)
        except JournalUnavailable:
            heapq.heappush(self._waiting, item)
            return
        self._repeatable += 1
        self._watch(future, item, repeat=True)

    def _record(self, item: _Change | AccountSnapshot) -> "asyncio.Future[Any]":
        if isinstance(item, AccountSnapshot):
            return self._journal.record_account(item)
        try:
            return self._journal.record(
                item.order,
                venue=self._venue,
                evidence=item.evidence,
                fills=item.fills,
                urgent=False,
            )
        except TypeError:
            # What an exchange wrote may be no valid text: that must not cost the record.
            evidence = {"unreadable": ascii(item.evidence)}
            return self._journal.record(
                item.order, venue=self._venue, evidence=evidence, fills=item.fills, urgent=False
            )

    def _watch(self, future: "asyncio.Future[Any]", item: _Item, *, repeat: bool = False) -> None:
        self._pending += 1
        self._idle.clear()

        def done(result: "asyncio.Future[Any]") -> None:
            self._pending -= 1
            self._repeatable -= repeat
            if not self._pending:
                self._idle.set()
            if result.cancelled():
                return
            error = result.exception()
            if error is None:
                self._tell(item.what)
            elif isinstance(error, RecordRefused):
                subject = item.what.order.order_id if isinstance(item.what, _Change) else None
                _log.critical("order_record_refused", orderId=subject, error=str(error))
            elif repeat:
                heapq.heappush(self._waiting, item)
            self._repeat()

        future.add_done_callback(done)

    def _tell(self, what: _Change | AccountSnapshot) -> None:
        if isinstance(what, _Change):
            for listener in self._listeners:
                listener(what.order, what.news)

    def _repeat(self) -> None:
        """Give the journal what it could not take; not before every failure has been heard.

        Otherwise a later change could be recorded before an earlier one of the same order.
        """
        if not self._waiting or self._repeatable or not self._journal.available:
            return
        items, self._waiting = sorted(self._waiting), []
        _log.info("order_records_repeated", count=len(items))
        for item in items:
            self._submit(item)

    def _on_availability(self, available: bool, reason: str | None) -> None:
        if available:
            _log.info("journal_available", waiting=self.waiting)
            self._repeat()
        else:
            _log.critical("journal_unavailable", reason=reason, waiting=self.waiting)
