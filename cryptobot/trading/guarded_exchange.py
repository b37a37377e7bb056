"""The live exchange behind its circuit breakers and retries: what the order path talks to.

How a call's end counts for the breaker of its group:

=====================================================  ==========
the call ended with                                    counts as
=====================================================  ==========
an answer, ``OrderRefused``, a refused read            success
``OutcomeUnknown``; not reached, no sense, 5xx         failure
our own fence, a ban, a rate limit, the clock, a       nothing
cancelled caller, an intent that is not on disk, a
client that is not connected
=====================================================  ==========
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from typing import Final, TypeVar

import structlog

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.errors import (
    CircuitOpen,
    NotSent,
    OrderRefused,
    OutcomeUnknown,
    ReadFailed,
    StoppedHere,
    VenueError,
)
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.order import Fill, OrderReport
from cryptobot.trading.background import Alarm
from cryptobot.trading.circuit_breaker import BreakerLimits, Changed, CircuitBreaker
from cryptobot.trading.exchange import Balance, Exchange, OrderRequest, Permit
from cryptobot.trading.retry import CANCEL, LONGEST_S, OUTAGE, PLACE, Cause, RetryPolicy, cause_of

_Answer = TypeVar("_Answer")

_log = structlog.stdlib.get_logger("cryptobot.exchange")


class Group(StrEnum):
    """Operations that share a breaker: what fails for one fails for all."""

    ORDERS = "orders"
    READS = "reads"


GROUPS: Final[Mapping[str, Group | None]] = {PLACE: Group.ORDERS, CANCEL: None}
"""By operation; everything else is a read. Nothing stops a cancel: it makes risk smaller."""

EARLY_S: Final = 0.5
"""By how much a timer of a loaded event loop may be early."""

NO_EVIDENCE: Final = frozenset(
    {"rate_limited", "clock_skew", "journal", "not_sent", "not_connected", "banned"}
)
"""Codes that say nothing about whether the exchange works."""

ANSWERED: Final = frozenset({"authentication", "order_not_found", "bad_symbol", "bad_request"})
"""Codes of failed reads that the exchange itself answered."""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Something that was tried as often as allowed and did not succeed.

    Attributes:
        subject: Of a write, the client order id.
        attempts: Tries made.
        first_ns: When the first began, UTC nanoseconds.
        last_ns: When the last ended.
        code: The last error's.
        reason: What it said.
    """

    operation: str
    subject: str
    attempts: int
    first_ns: int
    last_ns: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class GuardEvents:
    """Who is told.

    Attributes:
        retried: Of each further try: operation and cause.
        exhausted: Of each write or read that was given up.
        breaker_changed: Of each breaker's new state.
    """

    retried: Callable[[str, Cause], None] = lambda _operation, _cause: None
    exhausted: Callable[[Exhausted], None] = lambda _: None
    breaker_changed: Changed = lambda _breaker, _state: None


class GuardedExchange:
    """An ``Exchange`` whose calls are retried by the table of ``retry`` and stopped by breakers.

    Args:
        inner: The exchange.
        policy: Pauses.
        limits: Of every breaker.
        clock: Time.
        sync_clock: Measures the exchange's clock anew.
        silent_s: Seconds that the exchange wants silence for.
        events: Who is told.
        rng: Draws the jitter.
    """

    def __init__(
        self,
        inner: Exchange,
        *,
        policy: RetryPolicy,
        limits: BreakerLimits,
        clock: Clock,
        sync_clock: Callable[[], Awaitable[object]],
        silent_s: Callable[[], float] = lambda: 0.0,
        events: GuardEvents | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._inner = inner
        self._policy = policy
        self._clock = clock
        self._sync_clock = sync_clock
        self._silent_s = silent_s
        self._events = events or GuardEvents()
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self.breakers: Mapping[Group, CircuitBreaker] = {
            group: CircuitBreaker(
                f"{inner.id}:{group}", limits, clock, self._events.breaker_changed
            )
            for group in Group
        }
        self._alarms = {kind: Alarm() for kind in product((False, True), repeat=2)}
        self._answers_since_ns = 0

    @property
    def id(self) -> str:
        """Its ccxt id."""
        return self._inner.id

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """Its tradable symbols."""
        return self._inner.instruments

    async def connect(self) -> None:
        """Connect; whoever does has its own patience."""
        await self._inner.connect()

    async def close(self) -> None:
        """Close the exchange."""
        await self._inner.close()

    def wake(self) -> None:
        """End the pauses of orders now: the mode has changed, and they must look at the fence."""
        for (placing, _), alarm in self._alarms.items():
            if placing:
                alarm.ring()

    def hasten(self) -> None:
        """Try now what waits because the exchange did not answer: it does again.

        The breaker of reads lets its probes through; that of orders keeps its time, for what
        answers a read need not take orders.
        """
        self._answers_since_ns = self._clock.monotonic_ns()
        self.breakers[Group.READS].probe_now()
        for (_, outage), alarm in self._alarms.items():
            if outage:
                alarm.ring()

    async def place_order(self, request: OrderRequest, permit: Permit) -> OrderReport:
        """Place an order; tried again while it is proven that it was not executed."""
        return await self._persist(
            PLACE,
            request.client_order_id,
            lambda: self._inner.place_order(request, permit),
        )

    async def cancel_order(self, symbol: str, client_order_id: str) -> OrderReport:
        """Cancel an order; tried again until there is an answer."""
        return await self._persist(
            CANCEL, client_order_id, lambda: self._inner.cancel_order(symbol, client_order_id)
        )

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Look an order up by our id."""
        return await self._read(
            "find_order", lambda: self._inner.find_order(symbol, client_order_id)
        )

    async def find_by_exchange_id(self, symbol: str, exchange_order_id: str) -> OrderReport | None:
        """Look an order up by the exchange's id."""
        return await self._read(
            "find_order", lambda: self._inner.find_by_exchange_id(symbol, exchange_order_id)
        )

    async def closed_orders(self, symbol: str, since_ms: int | None) -> list[OrderReport]:
        """Return the account's closed orders of a symbol."""
        return await self._read(
            "closed_orders", lambda: self._inner.closed_orders(symbol, since_ms)
        )

    async def open_orders(self, symbol: str) -> list[OrderReport]:
        """Return the account's open orders of a symbol."""
        return await self._read("open_orders", lambda: self._inner.open_orders(symbol))

    async def my_trades(self, symbol: str, since_ms: int | None = None) -> list[Fill]:
        """Return the account's trades of a symbol."""
        return await self._read("my_trades", lambda: self._inner.my_trades(symbol, since_ms))

    async def balances(self) -> Mapping[str, Balance]:
        """Return the account's assets."""
        return await self._read("balances", self._inner.balances)

    def watch_order_reports(self) -> AsyncIterator[OrderReport]:
        """Yield changes of our own orders."""
        return self._inner.watch_order_reports()

    async def _read(self, operation: str, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        try:
            return await self._persist(operation, "", call)
        except CircuitOpen as error:
            raise ReadFailed(f"{operation}: {error}", error.code) from error

    async def _persist(
        self, operation: str, subject: str, call: Callable[[], Awaitable[_Answer]]
    ) -> _Answer:
        group = GROUPS.get(operation, Group.READS)
        breaker = None if group is None else self.breakers[group]
        tries: dict[Cause, int] = {}
        began = self._clock.monotonic_ns()
        while True:
            asked = self._clock.monotonic_ns()
            try:
                return await (call() if breaker is None else _through(breaker, call))
            except VenueError as error:
                cause = cause_of(operation, error)
                if cause is None:
                    if tries and not isinstance(error, StoppedHere | OrderRefused):
                        self._give_up(operation, subject, sum(tries.values()) + 1, began, error)
                    raise
                tries[cause] = tries.get(cause, 0) + 1
                pause_s = self._pause_s(operation, cause, tries[cause], began)
                if pause_s is None:
                    self._give_up(operation, subject, sum(tries.values()), began, error)
                    raise
                if cause in OUTAGE and self._answers_since_ns > asked:
                    pause_s = 0.0
                self._events.retried(operation, cause)
                _log.warning(
                    "exchange_call_retried",
                    operation=operation,
                    clientOrderId=subject or None,
                    cause=str(cause),
                    attempt=sum(tries.values()),
                    pause_s=round(pause_s, 3),
                    reason=str(error),
                )
            await self._pause(operation, cause, pause_s)

    def _pause_s(self, operation: str, cause: Cause, tries: int, began_ns: int) -> float | None:
        pause_s = self._policy.pause_s(cause, tries, self._rng.random())
        if pause_s is None:
            return None
        if cause is Cause.RATE_LIMIT:
            # What the answer said counts; the table is for answers that said nothing.
            pause_s = self._silent_s() or pause_s
        longest_s = self._policy.order_s if operation == PLACE else LONGEST_S[operation]
        spent_s = (self._clock.monotonic_ns() - began_ns) / NS_PER_S
        return pause_s if spent_s + pause_s <= longest_s else None

    async def _pause(self, operation: str, cause: Cause, pause_s: float) -> None:
        alarm = self._alarms[operation == PLACE, cause in OUTAGE]
        if cause is Cause.CLOCK:
            try:
                await self._sync_clock()
            except ReadFailed as error:
                _log.warning("clock_not_measured", reason=str(error))
        while pause_s > 0 and not await alarm.pause(pause_s):
            # A loop counts from the beginning of its turn, so its timers may be early: an order
            # must not be denied for the rest of a silence that it has waited for.
            left_s = self._silent_s() if cause is Cause.RATE_LIMIT else 0.0
            pause_s = left_s if left_s < EARLY_S else 0.0

    def _give_up(
        self, operation: str, subject: str, attempts: int, began_ns: int, error: VenueError
    ) -> None:
        now = self._clock.now_ns()
        spent_ns = self._clock.monotonic_ns() - began_ns
        code = getattr(error, "code", "unclassified")
        _log.error(
            "retries_exhausted",
            operation=operation,
            clientOrderId=subject or None,
            attempts=attempts,
            reason=str(error),
        )
        self._events.exhausted(
            Exhausted(operation, subject, attempts, now - spent_ns, now, code, str(error))
        )


async def _through(breaker: CircuitBreaker, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Make one call and tell the breaker how it ended."""
    ticket = breaker.admit()
    try:
        answer = await call()
    except VenueError as error:
        counts = verdict(error)
        if counts is None:
            breaker.abandoned(ticket)
        elif counts:
            breaker.succeeded(ticket)
        else:
            breaker.failed(ticket, str(error))
        raise
    except asyncio.CancelledError:
        breaker.abandoned(ticket)
        raise
    except Exception as error:
        breaker.failed(ticket, repr(error))
        raise
    breaker.succeeded(ticket)
    return answer


def verdict(error: VenueError) -> bool | None:
    """Return whether an error shows that the exchange works; ``None``: it shows nothing."""
    if isinstance(error, StoppedHere):
        return None
    if isinstance(error, OutcomeUnknown):
        return error.code == "duplicate_id"  # the one unknown that the exchange itself answers
    if isinstance(error, NotSent | ReadFailed):
        if error.code in NO_EVIDENCE:
            return None
        return error.code in ANSWERED
    return True
