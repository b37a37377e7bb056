"""Settles orders whose outcome is unknown, by evidence from the venue.

Asked again and again, first quickly, then patiently. "Not found" counts only when the venue has
kept saying so for longer than its reads may lag; a failed read says nothing.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import structlog

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.errors import ReadFailed
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import Order, OrderState
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.order_tracker import OrderTracker

WAITS_S: Final = (0.1, 0.3, 0.7, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses between look-ups; the last one repeats for ever."""

NOT_FOUND_NEEDED: Final = 3
"""How often the venue must deny an order before it counts as not placed."""

_log = structlog.stdlib.get_logger("cryptobot.orders")


class Settlement:
    """One look-up task for each unknown outcome.

    Args:
        venues: Whom to ask.
        tracker: Whose orders.
        clock: Measures patience.
        patience_s: How long "not found" is doubted from when this process began to look: the time
            of the order is the wall clock's, which may be set, and says nothing of when it left.
        on_settled: Told when an order is settled.
    """

    def __init__(
        self,
        venues: Mapping[Mode, Exchange],
        tracker: OrderTracker,
        clock: Clock,
        *,
        patience_s: float,
        on_settled: Callable[[Order], None],
    ) -> None:
        self._venues = venues
        self._tracker = tracker
        self._clock = clock
        self._patience_ns = int(patience_s * NS_PER_S)
        self._on_settled = on_settled
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, order: Order) -> None:
        """Begin to look ``order`` up, unless that is being done already."""
        if order.order_id not in self._tasks:
            task = asyncio.create_task(
                self._settle(order.order_id, self._clock.monotonic_ns()),
                name=f"settle-{order.order_id[:8]}",
            )
            self._tasks[order.order_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(order.order_id, None))

    async def close(self) -> None:
        """Stop looking; orders stay as they are."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _settle(self, order_id: str, began_ns: int) -> None:
        not_found = 0
        for wait in _waits():
            await asyncio.sleep(wait)
            order = self._tracker.get(order_id)
            if order is None or not order.is_open:
                return  # the stream or a reconciliation was faster
            log = _log.bind(requestId=order.request_id, orderId=order_id)
            try:
                found = await self._ask(order)
            except ReadFailed as error:
                log.warning("order_lookup_failed", reason=str(error))
                continue
            except Exception:
                log.exception("order_lookup_broke")
                continue
            if found is not None:
                log.info("order_settled", state=str(found.state), filled=str(found.filled))
                self._on_settled(found)
                return
            not_found += 1
            log.info("order_lookup_not_found", times=not_found)
            order = self._tracker.get(order_id)  # the stream may have been faster once more
            if order is None or order.state is not OrderState.UNRESOLVED:
                return  # accepted before: only a reconciliation may say more
            if not_found >= NOT_FOUND_NEEDED and self._patient(began_ns):
                settled = self._tracker.settle(
                    order_id,
                    OrderState.REJECTED,
                    f"not placed: the exchange does not know it ({not_found} look-ups)",
                    {"source": "lookup", "not_found": not_found},
                )
                log.warning("order_settled_not_placed", lookups=not_found)
                self._on_settled(settled)
                return

    async def _ask(self, order: Order) -> Order | None:
        venue = self._venues[order.mode]
        report = await venue.find_order(order.symbol, order.client_order_id)
        if report is None:
            for candidate in await venue.open_orders(order.symbol):
                if candidate.client_order_id == order.client_order_id:
                    report = candidate
        if report is None:
            return None
        return self._tracker.apply(order.mode, report, "lookup")

    def _patient(self, began_ns: int) -> bool:
        return self._clock.monotonic_ns() - began_ns >= self._patience_ns


def _waits() -> Iterator[float]:
    yield from WAITS_S
    while True:
        yield WAITS_S[-1]
