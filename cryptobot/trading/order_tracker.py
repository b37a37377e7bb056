"""What is known of every order: applied in memory at once, journalled in order, told to listeners.

Reports may come twice, late or swapped. What they say is merged so that an order only moves
forward: the filled amount only grows, fills are keyed by trade id, a closed order stays closed.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import structlog

from cryptobot.domain.clock import Clock
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO, plain
from cryptobot.domain.order import (
    OPEN,
    TERMINAL,
    TRANSITIONS,
    Fill,
    News,
    Order,
    OrderReport,
    OrderState,
)

CLOSED_KEPT: Final = 5_000
"""Closed orders held in memory; older ones are in the journal."""

OrderListener = Callable[[Order, tuple[Fill, ...]], None]
"""Told of every change at once: the order as it is now, and the fills that are new."""

Journaller = Callable[[Order, tuple[Fill, ...], object, News], None]
"""Takes an order's change, its new fills, the evidence for it, and its news; does not wait."""

_log = structlog.stdlib.get_logger("cryptobot.orders")


class OrderTracker:
    """Holds every open order and the latest closed ones.

    Args:
        clock: Stamps changes.
        journal: Where changes are kept.
    """

    def __init__(self, clock: Clock, journal: Journaller) -> None:
        self._clock = clock
        self._journal = journal
        self._orders: OrderedDict[str, Order] = OrderedDict()
        self._by_client_id: dict[str, str] = {}
        self._by_request_id: dict[str, str] = {}
        self._by_exchange_id: dict[tuple[Mode, str, str], str] = {}
        self._fills: dict[str, dict[str, Fill]] = {}
        self._accepted_ns: dict[str, int] = {}
        self._listeners: list[OrderListener] = []
        self._open: dict[str, Order] = {}
        self._lacking: set[str] = set()

    def listen(self, listener: OrderListener) -> None:
        """Call ``listener`` at each change."""
        self._listeners.append(listener)

    def get(self, order_id: str) -> Order | None:
        """Return an order that is open or was closed lately."""
        return self._orders.get(order_id)

    def by_request_id(self, request_id: str) -> Order | None:
        """Return the first order made for a request, open or closed lately."""
        order_id = self._by_request_id.get(request_id)
        return None if order_id is None else self._orders.get(order_id)

    def open_orders(self, mode: Mode | None = None) -> list[Order]:
        """Return the orders that may still trade."""
        return [order for order in self._open.values() if mode is None or order.mode is mode]

    def recent(self) -> list[Order]:
        """Return what is held, newest first."""
        return list(reversed(self._orders.values()))

    def filled_in_fills(self, order_id: str) -> Decimal:
        """Return the sum of the order's known trades, in base currency."""
        return sum((fill.amount for fill in self._fills.get(order_id, {}).values()), ZERO)

    def lacks_fills(self, order: Order) -> bool:
        """Return whether the order is filled further than its known trades tell."""
        return order.order_id in self._lacking

    def lacking_fills(self, mode: Mode) -> list[Order]:
        """Return the orders, open or closed, whose trades are not all known."""
        found = [self._orders[order_id] for order_id in self._lacking]
        return [order for order in found if order.mode is mode]

    def load(self, order: Order, fills: Iterable[Fill]) -> None:
        """Take an order from the journal at start; nobody is told."""
        self._fills[order.order_id] = {fill.trade_id: fill for fill in fills}
        self._store(order)

    def admit(self, order: Order, accepted_monotonic_ns: int) -> None:
        """Take a new order, told but not journalled: the gateway journals intents itself."""
        if order.answered_ns is None:
            self._accepted_ns[order.order_id] = accepted_monotonic_ns
        self._store(order)
        self._tell(order, ())

    def forget(self, order: Order) -> None:
        """Drop an order whose intent could not be journalled; nothing of it was sent."""
        self._orders.pop(order.order_id, None)
        self._open.pop(order.order_id, None)
        self._by_client_id.pop(order.client_order_id, None)
        self._forget_request(order)
        self._accepted_ns.pop(order.order_id, None)
        reason = "journal: the intent could not be recorded; nothing was sent"
        self._tell(order.moved(OrderState.DENIED, self._clock.now_ns(), reason), ())

    def find(self, mode: Mode, report: OrderReport) -> Order | None:
        """Return the order that a report is about, by our id or the exchange's."""
        order_id = self._by_client_id.get(report.client_order_id or "")
        order_id = order_id or self._by_exchange_id.get(
            (mode, report.symbol, report.exchange_order_id)
        )
        return None if order_id is None else self._orders.get(order_id)

    def of_client_id(self, client_order_id: str) -> Order | None:
        """Return the order that the exchange knows by our id ``client_order_id``."""
        return self._orders.get(self._by_client_id.get(client_order_id, ""))

    def settle(
        self, order_id: str, state: OrderState, reason: str, evidence: Mapping[str, object]
    ) -> Order:
        """Move an order to ``state`` on other evidence than a report of it."""
        now = self._clock.now_ns()
        before = self._orders[order_id]
        moved = before.moved(state, now, reason)
        answer = self._stamps(before, state, now)
        return self._change(before, moved.changed(**answer) if answer else moved, (), evidence)

    def apply(
        self,
        mode: Mode,
        report: OrderReport,
        source: str,
        evidence: Mapping[str, object] | None = None,
    ) -> Order | None:
        """Merge a report into its order.

        Args:
            mode: Whose venue reported.
            report: What it said.
            source: Who brought it (``answer``, ``stream``, ``lookup:...``), kept as evidence.
            evidence: What else is kept with it.

        Returns:
            The order as it is now; ``None`` if it is not one of ours.
        """
        order = self.find(mode, report)
        if order is None or order.mode is not mode:
            return None
        known = self._fills.setdefault(order.order_id, {})
        new = tuple(fill for fill in report.fills if fill.trade_id not in known)
        known.update((fill.trade_id, fill) for fill in new)
        says = self._merged(order, report, known)
        if not new and all(getattr(order, name) == value for name, value in says.items()):
            return order
        now = self._clock.now_ns()
        answer = self._stamps(order, says["state"], now)
        merged = order.changed(**says, updated_ns=now, **answer)
        said = {
            "source": source,
            "state": str(report.state),
            "exchange_order_id": report.exchange_order_id,
            "filled": str(report.filled),
            **(evidence or {}),
        }
        return self._change(order, merged, new, said)

    def _merged(
        self, order: Order, report: OrderReport, known: Mapping[str, Fill]
    ) -> dict[str, Any]:
        """Return what the order is by the report and all its known fills, by attribute."""
        in_fills = sum((fill.amount for fill in known.values()), ZERO)
        filled = max(order.filled, report.filled, in_fills)
        cost = order.cost
        if in_fills == filled and known:
            cost = sum((fill.amount * fill.price for fill in known.values()), ZERO)
        elif report.cost is not None and report.filled == filled:
            cost = max(cost, report.cost)
        fees: dict[str, Decimal] = {}
        for fill in known.values():
            if fill.fee:
                fees[fill.fee_currency] = fees.get(fill.fee_currency, ZERO) + fill.fee
        state = _forward(order, report, filled)
        return {
            "state": state,
            "filled": filled,
            "cost": cost,
            "fees": fees or order.fees,
            "exchange_order_id": order.exchange_order_id or report.exchange_order_id,
            "reason": _reason(order, report, state),
        }

    def _stamps(self, order: Order, state: OrderState, now_ns: int) -> dict[str, Any]:
        """Return the stamps of the first definite answer, or the first "unresolved": once only.

        An order that was acknowledged and is rejected afterwards has failed too.
        """
        if state is OrderState.SUBMITTED:
            return {}
        if order.answered_ns is not None:
            return {"failed": True} if state is OrderState.REJECTED else {}
        accepted = self._accepted_ns.pop(order.order_id, None)
        if accepted is None:  # from an earlier run: its monotonic clock is gone
            latency_ms = max(0, now_ns - order.created_ns) / 1e6
        else:
            latency_ms = (self._clock.monotonic_ns() - accepted) / 1e6
        return {
            "answered_ns": now_ns,
            "latency_ms": None if state is OrderState.DENIED else round(latency_ms, 3),
            "failed": state in {OrderState.REJECTED, OrderState.UNRESOLVED},
        }

    def _change(
        self,
        before: Order,
        order: Order,
        new: tuple[Fill, ...],
        evidence: Mapping[str, object],
    ) -> Order:
        self._store(order)
        self._journal(order, new, evidence, _news(before, order))
        self._tell(order, new)
        source = evidence.get("source")
        if source != "answer":  # the gateway logs answers, after all that an order waits for
            _log.info(
                "order_changed",
                requestId=order.request_id,
                orderId=order.order_id,
                mode=str(order.mode),
                symbol=order.symbol,
                before=str(before.state),
                state=str(order.state),
                filled=plain(order.filled),
                trades=[fill.trade_id for fill in new] or None,
                source=source,
                reason=order.reason,
            )
        return order

    def _tell(self, order: Order, new: tuple[Fill, ...]) -> None:
        for listener in self._listeners:
            try:
                listener(order, new)
            except Exception:  # noqa: BLE001 - whatever it is, it is logged with its traceback
                # What an order became is known and kept: nobody who is told may undo that.
                _log.exception("order_listener_failed", orderId=order.order_id)

    def _store(self, order: Order) -> None:
        self._orders[order.order_id] = order
        self._by_client_id[order.client_order_id] = order.order_id
        self._by_request_id.setdefault(order.request_id, order.order_id)
        if order.exchange_order_id is not None:
            key = (order.mode, order.symbol, order.exchange_order_id)
            self._by_exchange_id[key] = order.order_id
        if order.filled > self.filled_in_fills(order.order_id):
            self._lacking.add(order.order_id)
        else:
            self._lacking.discard(order.order_id)
        if order.state in OPEN or order.state is OrderState.INITIALIZED:
            self._open[order.order_id] = order
        else:
            self._open.pop(order.order_id, None)
            self._trim()

    def _trim(self) -> None:
        while len(self._orders) - len(self._open) > CLOSED_KEPT:
            order_id = next(key for key in self._orders if key not in self._open)
            old = self._orders.pop(order_id)
            self._lacking.discard(order_id)
            self._by_client_id.pop(old.client_order_id, None)
            self._forget_request(old)
            self._by_exchange_id.pop((old.mode, old.symbol, old.exchange_order_id or ""), None)
            self._fills.pop(order_id, None)

    def _forget_request(self, order: Order) -> None:
        if self._by_request_id.get(order.request_id) == order.order_id:
            del self._by_request_id[order.request_id]


def _reason(order: Order, report: OrderReport, state: OrderState) -> str | None:
    """Return why the order is where it is: a new state does not keep the reason of the old one."""
    if state is OrderState.FILLED:
        return None
    return report.reason or (order.reason if state is order.state else None)


def _forward(order: Order, report: OrderReport, filled: Decimal) -> OrderState:
    """Return the state a report moves an order to, never backwards."""
    if order.state in TERMINAL:
        return order.state
    wanted = report.state
    if wanted not in TERMINAL:
        if filled >= order.amount:
            wanted = OrderState.FILLED
        elif filled:
            wanted = OrderState.PARTIALLY_FILLED
    return wanted if wanted in TRANSITIONS[order.state] else order.state


def _news(before: Order, order: Order) -> News:
    answered = before.answered_ns is None and order.answered_ns is not None
    failed = order.failed and not before.failed
    return (News.ANSWERED if answered else News.NONE) | (News.FAILED if failed else News.NONE)
