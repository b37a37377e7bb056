"""Settles orders whose outcome is unknown, by evidence from the venue or by a person's word.

Asked again and again, first quickly, then patiently, and at once when the venue answers again after
an outage; ``lookup.py`` says whom. An order counts as "not placed" only when every source that can
deny it has done so ``NOT_FOUND_NEEDED`` times, the first and the last denial were asked for further
apart than an order may arrive late and the venue's reads may lag, together, and no later order of
ours is missing from the lists (which would prove them older than the order). The evidence is stored
with the event that settles the order.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import structlog

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.errors import CryptobotError
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import plain
from cryptobot.domain.order import Order, OrderReport, OrderState
from cryptobot.trading.background import Alarm, in_background
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.lookup import Answer, Round, Search, Verdict, look
from cryptobot.trading.order_gateway import UnknownOrder
from cryptobot.trading.order_tracker import OrderTracker

WAITS_S: Final = (0.1, 0.3, 0.7, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Pauses between look-ups; the last one repeats for ever. With the first denial they begin anew: an
outage that made them long is over."""

NOT_FOUND_NEEDED: Final = 3
"""How often the venue must deny an order before it counts as not placed."""

CONCURRENT_ROUNDS: Final = 2
"""Look-ups at once: a burst of unknown outcomes must not eat the request limit it came from."""

_log = structlog.stdlib.get_logger("cryptobot.orders")


class SettlementRefused(CryptobotError):  # noqa: N818 - named for the outcome
    """A person's settling does not fit the order or what the exchange says; nothing was settled."""


class Settlement:
    """One look-up task for each unknown outcome.

    Args:
        venues: Whom to ask.
        tracker: Whose orders.
        clock: Measures patience.
        patience_s: How far the first and the last denial must lie apart: an order may arrive late,
            and reads may lag.
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
        self._rounds = asyncio.Semaphore(CONCURRENT_ROUNDS)
        self._alarm = Alarm()

    def start(self, order: Order) -> None:
        """Begin to look ``order`` up, unless that is being done already."""
        if order.order_id not in self._tasks:
            task = in_background(self._settle(order), f"settle-{order.order_id[:8]}")
            self._tasks[order.order_id] = task
            task.add_done_callback(lambda _: self._tasks.pop(order.order_id, None))

    def hasten(self) -> None:
        """Look every unknown outcome up now: the venue may have begun to answer again."""
        self._alarm.ring()

    async def close(self) -> None:
        """Stop looking; orders stay as they are."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def adopt(
        self, order_id: str, exchange_order_id: str | None, *, reason: str, actor: str
    ) -> Order:
        """Settle an unknown outcome with an order that a person found at the exchange.

        Args:
            order_id: Ours.
            exchange_order_id: The exchange's; ``None``: the order known there by our id.
            reason: How the person knows.
            actor: Who.

        Raises:
            UnknownOrder: No such order.
            SettlementRefused: It is not unresolved, or that order cannot be this one.
            ReadFailed: The exchange could not be asked.
        """
        order = self._unresolved(order_id)
        venue = self._venues[order.mode]
        if exchange_order_id is None:
            report = await venue.find_order(order.symbol, order.client_order_id)
        else:
            report = await venue.find_by_exchange_id(order.symbol, exchange_order_id)
        named = exchange_order_id or order.client_order_id
        if report is None:
            raise SettlementRefused(f"the exchange knows no order {named} of {order.symbol}")
        problem = self._mismatch(order, report)
        if problem is not None:
            raise SettlementRefused(f"order {named} of the exchange cannot be this one: {problem}")
        self._unresolved(order_id)  # the search may have been faster
        evidence = {"outcome": "adopt", "actor": actor, "reason": reason}
        ours = replace(report, client_order_id=order.client_order_id)
        settled = self._tracker.apply(order.mode, ours, "operator", evidence) or order
        self._settled_by_person(settled, actor, reason, "adopt")
        return settled

    async def mark_not_placed(
        self, order_id: str, *, reason: str, actor: str, force: bool = False
    ) -> Order:
        """Settle an unknown outcome on a person's word that the exchange never had the order.

        The exchange is asked once more before.

        Args:
            order_id: Ours.
            reason: How the person knows.
            actor: Who.
            force: Take their word also when the exchange cannot be asked.

        Raises:
            UnknownOrder: No such order.
            SettlementRefused: It is not unresolved, the exchange has it (it is taken over), or
                could not be asked.
        """
        order = self._unresolved(order_id)
        last = await self._look(Search(self._venues[order.mode], order, self._tracker))
        if last.report is not None:
            found = self._take_over(order, last)
            raise SettlementRefused(
                f"the exchange has order {order_id} (by {last.found_in}): it is {found.state} now"
            )
        failed = next((item for item in last.sightings if item.answer is Answer.FAILED), None)
        if failed is not None and not force:
            raise SettlementRefused(
                f"the exchange could not be asked whether it has the order ({failed.source}: "
                f"{failed.detail}); try again when it answers, or settle it unasked (force)"
            )
        self._unresolved(order_id)
        settled = self._tracker.settle(
            order_id,
            OrderState.REJECTED,
            f"not_placed: settled by {actor}: {reason}",
            {
                "source": "operator",
                "outcome": "not_placed",
                "actor": actor,
                "reason": reason,
                "looked_up": last.to_wire(),
            },
        )
        self._settled_by_person(settled, actor, reason, "not_placed")
        return settled

    def _unresolved(self, order_id: str) -> Order:
        order = self._tracker.get(order_id)
        if order is None:
            raise UnknownOrder(f"no order {order_id}")
        if order.state is not OrderState.UNRESOLVED:
            raise SettlementRefused(
                f"order {order_id} is {order.state}: only an unresolved order can be settled"
            )
        return order

    def _mismatch(self, order: Order, report: OrderReport) -> str | None:
        """Return why a report cannot be about ``order``."""
        other = self._tracker.find(order.mode, report)
        if other is not None and other.order_id != order.order_id:
            return f"it is our order {other.order_id}"
        if report.side not in {None, order.side}:
            return f"it is a {report.side}"
        if report.amount not in {None, order.amount}:
            return f"it is of {plain(report.amount or order.amount)}, not {plain(order.amount)}"
        return None

    def _settled_by_person(self, order: Order, actor: str, reason: str, outcome: str) -> None:
        _log.warning(
            "order_settled_by_person",
            requestId=order.request_id,
            orderId=order.order_id,
            outcome=outcome,
            state=str(order.state),
            actor=actor,
            reason=reason,
        )
        self._on_settled(order)

    async def _settle(self, started: Order) -> None:
        search = Search(self._venues[started.mode], started, self._tracker)
        log = _log.bind(requestId=started.request_id, orderId=started.order_id)
        denials: list[int] = []
        asked_ns = 0
        waits, bell = _waits(), self._alarm.bell
        while True:
            await self._alarm.pause(self._pause_s(next(waits), denials, asked_ns), bell)
            bell = self._alarm.bell  # it may ring during the look-up
            asked_ns = self._clock.monotonic_ns()
            order = self._current(search)
            if order is None:
                return  # the stream or a reconciliation was faster
            try:
                heard = await self._look(search)
                order = self._current(search)
                if order is None:
                    return
                found = None if heard.report is None else self._take_over(order, heard)
            except Exception:
                log.exception("order_lookup_broke")
                continue
            if found is not None:
                log.info("order_settled", state=str(found.state), filled=str(found.filled))
                self._on_settled(found)
                return
            log.info("order_lookup", verdict=str(heard.verdict), answers=heard.to_wire())
            if heard.verdict is not Verdict.DENIED:
                continue
            if order.state is not OrderState.UNRESOLVED:
                return  # accepted before: only a reconciliation may say more
            if not denials:
                waits = _waits()
            denials.append(asked_ns)
            if self._enough(denials):
                self._not_placed(order, heard, denials)
                return

    def _current(self, search: Search) -> Order | None:
        order = self._tracker.get(search.order.order_id)
        if order is None or not order.is_open:
            return None
        search.order = order
        return order

    async def _look(self, search: Search) -> Round:
        async with self._rounds:
            return await look(search)

    def _take_over(self, order: Order, heard: Round) -> Order:
        assert heard.report is not None  # noqa: S101 - the callers have looked
        report = replace(heard.report, client_order_id=order.client_order_id)
        evidence = {"looked_up": heard.to_wire()}
        source = f"lookup:{heard.found_in}"
        return self._tracker.apply(order.mode, report, source, evidence) or order

    def _pause_s(self, usual_s: float, denials: list[int], asked_ns: int) -> float:
        """Return how long to wait: not longer than until patience is over."""
        if not denials or asked_ns >= (over_ns := denials[0] + self._patience_ns):
            return usual_s
        return min(usual_s, max(0, over_ns - self._clock.monotonic_ns()) / NS_PER_S)

    def _enough(self, denials: list[int]) -> bool:
        return len(denials) >= NOT_FOUND_NEEDED and denials[-1] - denials[0] >= self._patience_ns

    def _not_placed(self, order: Order, heard: Round, denials: list[int]) -> None:
        settled = self._tracker.settle(
            order.order_id,
            OrderState.REJECTED,
            f"not_placed: the exchange does not know it ({len(denials)} look-ups)",
            {
                "source": "lookup",
                "outcome": "not_placed",
                "denials": len(denials),
                "denied_for_s": round((denials[-1] - denials[0]) / NS_PER_S, 3),
                "patience_s": self._patience_ns / NS_PER_S,
                "newer_by": heard.canary or "patience",
                "looked_up": heard.to_wire(),
            },
        )
        _log.warning(
            "order_settled_not_placed",
            requestId=order.request_id,
            orderId=order.order_id,
            lookups=len(denials),
        )
        self._on_settled(settled)


def _waits() -> Iterator[float]:
    yield from WAITS_S
    while True:
        yield WAITS_S[-1]
