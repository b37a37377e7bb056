"""The journal's questions: each answered on a reader thread, never by the writer."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from cryptobot.domain.clock import Clock
from cryptobot.domain.errors import JournalUnavailable
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Order, OrderState
from cryptobot.journal import queries, statistics
from cryptobot.journal.database import one_line
from cryptobot.journal.positions import Position
from cryptobot.journal.records import (
    AccountSnapshot,
    BalanceBaseline,
    DailyOrders,
    DayStart,
    DeadLetter,
    DeadLetterState,
    ModeChange,
    OrderEvent,
    OrderMetrics,
    RecordedFill,
    Run,
    StatusChange,
    Summary,
)

_P = ParamSpec("_P")
_R = TypeVar("_R")

_READERS = 2

QueryObserver = Callable[[str, float], None]
"""Told of each operation on the database (``commit``, ``read``, ``migrate``) and its seconds."""


def unobserved(_operation: str, _seconds: float) -> None:
    """Take no notice."""


class JournalReads:
    """Queries over what is committed. Every one raises ``JournalUnavailable`` when it cannot read.

    An acknowledged record is seen by every read that starts after its acknowledgement.
    """

    def __init__(self, engine: Engine, clock: Clock, on_query: QueryObserver) -> None:
        self._read_engine = engine
        self._clock = clock
        self._on_query = on_query
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="journal-read")

    async def open_orders(self, mode: Mode | None = None) -> list[Order]:
        """Return the orders that may still trade, oldest first."""
        return await self._read(queries.open_orders, mode)

    async def orders(
        self,
        *,
        state: OrderState | None = None,
        mode: Mode | None = None,
        symbol: str | None = None,
        limit: int = 100,
    ) -> list[Order]:
        """Return orders, newest first, at most ``limit``."""
        return await self._read(queries.orders, state, mode, symbol, limit)

    async def order(self, order_id: str) -> Order | None:
        """Return one order, or ``None`` if the journal has none of that id."""
        return await self._read(queries.order, order_id)

    async def order_by_client_id(self, client_order_id: str) -> Order | None:
        """Return the order the exchange knows as ``client_order_id``, or ``None``."""
        return await self._read(queries.order_by_client_id, client_order_id)

    async def order_events(self, order_id: str) -> list[OrderEvent]:
        """Return an order's history, oldest first."""
        return await self._read(queries.order_events, order_id)

    async def fills(
        self,
        *,
        order_id: str | None = None,
        symbol: str | None = None,
        mode: Mode | None = None,
        limit: int = 100,
    ) -> list[RecordedFill]:
        """Return fills, newest first, at most ``limit``."""
        return await self._read(queries.fills, order_id, symbol, mode, limit)

    async def positions(self, mode: Mode) -> dict[str, Position]:
        """Return the positions that all fills of ``mode`` leave, by symbol."""
        return await self._read(queries.fill_positions, mode)

    async def last_mode(self) -> ModeChange | None:
        """Return the latest acknowledged mode change, ``None`` before the first."""
        return await self._read(queries.last_mode)

    async def mode_changes(self, limit: int = 100) -> list[ModeChange]:
        """Return mode changes, newest first."""
        return await self._read(queries.mode_changes, limit)

    async def recent_runs(self, n: int) -> list[Run]:
        """Return the last ``n`` engine runs, newest first (the running one included)."""
        return await self._read(queries.recent_runs, n)

    async def last_account(self, mode: Mode) -> AccountSnapshot | None:
        """Return the newest snapshot of the account of ``mode``."""
        return await self._read(queries.last_account, mode)

    async def last_baseline(self) -> BalanceBaseline | None:
        """Return what the live account held when it was last believed, ``None`` before."""
        return await self._read(queries.last_baseline)

    async def last_day(self, mode: Mode) -> DayStart | None:
        """Return how the newest day of ``mode`` began, ``None`` before the first."""
        return await self._read(queries.last_day, mode)

    async def dead_letters(
        self, *, state: DeadLetterState | None = None, limit: int = 100
    ) -> list[DeadLetter]:
        """Return dead letters, newest first, at most ``limit``."""
        return await self._read(queries.dead_letters, state, limit)

    async def dead_letter(self, letter_id: str) -> DeadLetter | None:
        """Return one dead letter, or ``None`` if there is none of that id."""
        return await self._read(queries.dead_letter, letter_id)

    async def order_metrics(self, edges_ms: Sequence[float]) -> OrderMetrics:
        """Return the named order metrics, by one aggregate over the live orders.

        Args:
            edges_ms: Upper edges of the latency buckets in milliseconds, without infinity.
        """
        return await self._read(statistics.order_metrics, tuple(edges_ms))

    async def orders_daily(self, days: int) -> list[DailyOrders]:
        """Return order counts by UTC day and mode of the last ``days`` days, today included."""
        return await self._read(statistics.orders_daily, self._clock.now_ns(), days)

    async def status_changes(self, days: int) -> list[StatusChange]:
        """Return how often each state change happened in the last ``days`` times 24 hours."""
        return await self._read(statistics.status_changes, self._clock.now_ns(), days)

    async def summary(self) -> Summary:
        """Return the journal in numbers."""
        return await self._read(statistics.summary)

    async def ping(self) -> None:
        """Read one row: for health checks, which time it."""
        await self._read(queries.ping)

    async def _read(
        self,
        query: Callable[Concatenate[Connection, _P], _R],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _R:
        def run() -> _R:
            try:
                with self._read_engine.begin() as connection:
                    return query(connection, *args, **kwargs)
            except (SQLAlchemyError, OSError) as error:
                raise JournalUnavailable(f"journal read failed: {one_line(error)}") from error

        return await self._timed("read", run)

    async def _timed(self, operation: str, work: Callable[[], _R]) -> _R:
        """Do ``work`` on a reader thread; waiting for one counts too."""
        began = time.perf_counter()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, work)
        except RuntimeError as error:
            raise JournalUnavailable("the journal is closed") from error
        finally:
            self._on_query(operation, time.perf_counter() - began)
