"""What was given up on: kept with its evidence, told loudly, retried or discarded by a person.

Whoever exhausts its attempts calls ``DeadLetters.add``; nothing that was wanted disappears.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Final, Protocol

import structlog

from cryptobot.domain.clock import Clock, iso
from cryptobot.domain.errors import CryptobotError, JournalUnavailable
from cryptobot.domain.ids import IdSource
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import DeadLetter, DeadLetterState, RecordRefused

ORDERS: Final = "orders"
"""The sink of order writes."""

LISTED: Final = 10_000
"""Most dead letters that are held in memory."""

_log = structlog.stdlib.get_logger("cryptobot.orders")


class UnknownDeadLetter(CryptobotError):  # noqa: N818 - reads as what it says
    """There is no dead letter of that id."""


class DeadLetterRefused(CryptobotError):  # noqa: N818 - named for the outcome
    """It cannot be retried or discarded as things stand; the letter stays what it was."""


class Counts(Protocol):
    """Where dead letters are counted."""

    def added(self, sink: str) -> None:
        """Count a new one."""
        ...

    def waiting(self, sink: str, count: int) -> None:
        """Set how many wait for a person."""
        ...


Retry = Callable[[DeadLetter], Awaitable[str]]
"""Does again what was given up on and returns what came of it; raises ``CryptobotError`` when it
could not be done, and the letter stays dead."""


class DeadLetters:
    """Holds what waits for a person; the journal has all.

    Args:
        journal: Where letters are kept. While it takes none, they wait in memory.
        clock: Stamps letters.
        ids: New ids.
        counts: Told of every change.
        retries: How to do an operation again, by sink and operation.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        ids: IdSource,
        *,
        counts: Counts,
        retries: Mapping[tuple[str, str], Retry],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._ids = ids
        self._counts = counts
        self._retries = retries
        self._dead: dict[str, DeadLetter] = {}
        self._unsaved: dict[str, DeadLetter] = {}
        self._busy: set[str] = set()
        self._changed_ns: int | None = None
        journal.on_availability(self._on_availability)

    async def load(self) -> None:
        """Take over what waits from earlier runs, at the start."""
        for letter in await self._journal.dead_letters(state=DeadLetterState.DEAD, limit=LISTED):
            self._dead.setdefault(letter.id, letter)
            self._changed_ns = max(self._changed_ns or 0, letter.updated_ns)
        self._count()

    def add(
        self,
        *,
        operation: str,
        subject: str,
        payload: Mapping[str, object],
        evidence: object,
        attempts: int,
        first_ns: int,
        reason: str,
        sink: str = ORDERS,
    ) -> DeadLetter:
        """Keep something that was given up on. Does not wait and does not raise.

        The same operation on the same subject that is dead already is the same letter: its
        attempts grow.

        Args:
            operation: What was tried, such as ``place_order``.
            subject: What it was about: an order id.
            payload: What was to be done, as anything JSON can hold.
            evidence: What was met at each attempt, as anything JSON can hold.
            attempts: How often it was tried.
            first_ns: When it was first tried, UTC nanoseconds.
            reason: Why it was given up.
            sink: What could not be served.
        """
        now = self._clock.now_ns()
        known = self._waiting(sink, operation, subject)
        letter = DeadLetter(
            id=self._ids.hex32() if known is None else known.id,
            sink=sink,
            operation=operation,
            subject=subject,
            payload=dict(payload),
            evidence=evidence,
            attempts=attempts + (0 if known is None else known.attempts),
            first_ns=first_ns if known is None else known.first_ns,
            last_ns=now,
            state=DeadLetterState.DEAD,
            reason=reason,
            actor=None,
            updated_ns=now,
        )
        _log.critical("DEAD_LETTER", **_context(letter))
        if known is None:
            self._counts.added(sink)
        self._keep(letter)
        return letter

    def summary(self) -> dict[str, object]:
        """Return how many wait and when any letter changed last, for ``engine.status``."""
        changed = self._changed_ns
        return {"waiting": len(self._dead), "changed_at": None if changed is None else iso(changed)}

    async def letters(self, state: DeadLetterState | None, limit: int) -> list[DeadLetter]:
        """Return dead letters, newest first. Raises ``JournalUnavailable``."""
        held = dict(self._unsaved)  # one may be committed after the read has looked
        stored = await self._journal.dead_letters(state=state, limit=limit)
        letters = {letter.id: letter for letter in stored}
        for letter in (held | self._unsaved).values():
            known = letters.get(letter.id)
            if known is None or letter.updated_ns >= known.updated_ns:
                letters[letter.id] = letter
        chosen = (letter for letter in letters.values() if state in {None, letter.state})
        return sorted(chosen, key=lambda letter: -letter.first_ns)[:limit]

    async def retry(self, letter_id: str, actor: str) -> DeadLetter:
        """Do again what was given up on.

        Raises:
            UnknownDeadLetter: There is none of that id.
            DeadLetterRefused: It is not dead, is being retried, or may not be done again.
            CryptobotError: It was tried and failed again; the letter stays dead.
        """
        letter = await self._dead_letter(letter_id)
        retry = self._retries.get((letter.sink, letter.operation))
        if retry is None:
            raise DeadLetterRefused(f"nothing here can retry {letter.operation} of {letter.sink}")
        if letter_id in self._busy:
            raise DeadLetterRefused(f"dead letter {letter_id} is being retried")
        self._busy.add(letter_id)
        try:
            outcome = await retry(letter)
        except CryptobotError as error:
            self._keep(
                replace(
                    self._dead.get(letter_id, letter),
                    attempts=letter.attempts + 1,
                    last_ns=self._clock.now_ns(),
                    reason=f"retried by {actor}, in vain: {error}",
                )
            )
            raise
        finally:
            self._busy.discard(letter_id)
        return self._closed(letter, DeadLetterState.RETRIED, outcome, actor)

    async def discard(self, letter_id: str, reason: str, actor: str) -> DeadLetter:
        """Let it be, on a person's word.

        Raises:
            UnknownDeadLetter: There is none of that id.
            DeadLetterRefused: It is not dead, or is being retried.
        """
        letter = await self._dead_letter(letter_id)
        if letter_id in self._busy:
            raise DeadLetterRefused(f"dead letter {letter_id} is being retried")
        return self._closed(letter, DeadLetterState.DISCARDED, reason, actor)

    def _waiting(self, sink: str, operation: str, subject: str) -> DeadLetter | None:
        wanted = (sink, operation, subject)
        return next(
            (
                letter
                for letter in self._dead.values()
                if (letter.sink, letter.operation, letter.subject) == wanted
            ),
            None,
        )

    async def _dead_letter(self, letter_id: str) -> DeadLetter:
        letter = self._dead.get(letter_id) or self._unsaved.get(letter_id)
        letter = letter or await self._journal.dead_letter(letter_id)
        if letter is None:
            raise UnknownDeadLetter(f"no dead letter {letter_id}")
        if letter.state is not DeadLetterState.DEAD:
            raise DeadLetterRefused(f"dead letter {letter_id} is {letter.state}: {letter.reason}")
        return letter

    def _closed(
        self, letter: DeadLetter, state: DeadLetterState, reason: str, actor: str
    ) -> DeadLetter:
        closed = replace(
            letter, state=state, reason=reason, actor=actor, updated_ns=self._clock.now_ns()
        )
        _log.warning("dead_letter_closed", **_context(closed))
        self._keep(closed)
        return closed

    def _keep(self, letter: DeadLetter) -> None:
        if letter.state is DeadLetterState.DEAD:
            self._dead[letter.id] = letter
        else:
            self._dead.pop(letter.id, None)
        self._changed_ns = self._clock.now_ns()
        self._count()
        self._unsaved[letter.id] = letter
        self._save(letter)

    def _save(self, letter: DeadLetter) -> None:
        try:
            saved = self._journal.record_dead_letter(letter)
        except JournalUnavailable:
            return  # it stays unsaved until the journal takes records again
        saved.add_done_callback(lambda future: self._saved(letter, future))

    def _saved(self, letter: DeadLetter, future: "asyncio.Future[None]") -> None:
        error = None if future.cancelled() else future.exception()
        if error is None or isinstance(error, RecordRefused):
            if error is not None:
                _log.critical("dead_letter_refused", error=str(error), **_context(letter))
            if self._unsaved.get(letter.id) is letter:
                del self._unsaved[letter.id]
        elif self._journal.available:
            self._save_all()

    def _on_availability(self, available: bool, _: str | None) -> None:
        if available:
            self._save_all()

    def _save_all(self) -> None:
        for letter in tuple(self._unsaved.values()):
            self._save(letter)

    def _count(self) -> None:
        dead = Counter(letter.sink for letter in self._dead.values())
        for sink in {ORDERS, *dead}:
            self._counts.waiting(sink, dead[sink])


def _context(letter: DeadLetter) -> dict[str, object]:
    return {
        "deadLetterId": letter.id,
        "sink": letter.sink,
        "operation": letter.operation,
        "orderId" if letter.sink == ORDERS else "subject": letter.subject,
        "payload": dict(letter.payload),
        "evidence": letter.evidence,
        "attempts": letter.attempts,
        "firstAt": iso(letter.first_ns),
        "lastAt": iso(letter.last_ns),
        "state": str(letter.state),
        "reason": letter.reason,
        "actor": letter.actor,
    }
