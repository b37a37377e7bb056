"""Compares what we believe with what the exchange says, and takes over what it says of our orders.

Orders of others on the same account are counted and never touched.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from cryptobot.domain.clock import NS_PER_MS, Clock
from cryptobot.domain.errors import ReadFailed
from cryptobot.domain.ids import CLIENT_ORDER_ID_PREFIX
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OPEN, Fill, Order, OrderReport, OrderState
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.order_tracker import OrderTracker

SOON_S: Final = 0.3
"""Pause before a requested run: the stream usually brings what is missing within it."""

_log = structlog.stdlib.get_logger("cryptobot.reconciliation")


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What one comparison found.

    Attributes:
        at_ns: When it ended, UTC nanoseconds.
        differences: One line each; empty when clean.
        external_orders: Open orders on the account that are not ours.
        complete: Whether the exchange could be read.
    """

    at_ns: int
    differences: tuple[str, ...] = ()
    external_orders: int = 0
    complete: bool = True

    @property
    def clean(self) -> bool:
        """Whether everything was read and nothing differs."""
        return self.complete and not self.differences


@dataclass(slots=True)
class _Findings:
    differences: list[str] = field(default_factory=list)
    external: int = 0


class Reconciler:
    """Runs comparisons with the live exchange, one at a time.

    Args:
        exchange: The live exchange.
        tracker: What we believe.
        symbols: Symbols that are always compared; those of open orders come on top.
        clock: Stamps results.
        on_unresolved: Starts the search for an order's outcome.
        on_result: Told of each result.
    """

    def __init__(
        self,
        exchange: Exchange,
        tracker: OrderTracker,
        symbols: Sequence[str],
        clock: Clock,
        *,
        on_unresolved: Callable[[Order], None],
        on_result: Callable[[Reconciliation], None],
    ) -> None:
        self._exchange = exchange
        self._tracker = tracker
        self._symbols = symbols
        self._clock = clock
        self._on_unresolved = on_unresolved
        self._on_result = on_result
        self._lock = asyncio.Lock()
        self._requested: asyncio.Task[None] | None = None
        self.last: Reconciliation | None = None

    def request(self) -> None:
        """Run a comparison soon; several requests make one run."""
        if self._requested is None or self._requested.done():
            self._requested = asyncio.create_task(self._soon(), name="reconcile-soon")

    async def _soon(self) -> None:
        await asyncio.sleep(SOON_S)
        await self.run()

    async def close(self) -> None:
        """Cancel a requested run."""
        if self._requested is not None:
            self._requested.cancel()
            await asyncio.gather(self._requested, return_exceptions=True)

    async def run(self) -> Reconciliation:
        """Compare now; never raises for an exchange that cannot be read."""
        async with self._lock:
            findings = _Findings()
            complete = True
            try:
                for symbol in self._all_symbols():
                    await self._orders(symbol, findings)
                    await self._trades(symbol, findings)
            except ReadFailed as error:
                complete = False
                findings.differences.append(f"the exchange could not be read: {error}")
            self._unresolved(findings)
            result = Reconciliation(
                self._clock.now_ns(), tuple(findings.differences), findings.external, complete
            )
        self.last = result
        if result.clean:
            _log.debug("reconciliation_clean", external_orders=result.external_orders)
        else:
            _log.warning("reconciliation_differs", differences=list(result.differences))
        self._on_result(result)
        return result

    def _all_symbols(self) -> list[str]:
        found = dict.fromkeys(self._symbols)
        found.update((order.symbol, None) for order in self._tracker.open_orders(Mode.LIVE))
        return [symbol for symbol in found if symbol in self._exchange.instruments]

    async def _orders(self, symbol: str, findings: _Findings) -> None:
        # What we believed before asking: orders placed meanwhile are none of this run's business.
        believed = {
            order.client_order_id: order
            for order in self._tracker.open_orders(Mode.LIVE)
            if order.symbol == symbol and order.state is not OrderState.SUBMITTED
        }
        for report in await self._exchange.open_orders(symbol):
            order = self._tracker.apply(Mode.LIVE, report, "reconciliation")
            if order is not None:
                believed.pop(order.client_order_id, None)
                if not order.is_open:
                    await self._closed_here(order, findings)
            elif (report.client_order_id or "").startswith(CLIENT_ORDER_ID_PREFIX):
                findings.differences.append(
                    f"{symbol}: order {report.client_order_id} is open on the exchange and looks "
                    "like ours, but the journal does not know it"
                )
            else:
                findings.external += 1
        for order in believed.values():
            await self._missing(order, findings)

    async def _closed_here(self, order: Order, findings: _Findings) -> None:
        """Look at an order that we hold for closed and the exchange lists as open.

        The list may be older than what closed it, so the order is asked for once more.
        """
        report = await self._exchange.find_order(order.symbol, order.client_order_id)
        if report is not None and report.state in OPEN:
            findings.differences.append(
                f"{order.symbol}: order {order.order_id} is {order.state} here, but open on the "
                "exchange; cancel it there"
            )

    async def _missing(self, order: Order, findings: _Findings) -> None:
        """Look at an order that we believe open and the exchange does not list as open."""
        report = await self._exchange.find_order(order.symbol, order.client_order_id)
        if report is not None:
            self._tracker.apply(Mode.LIVE, report, "reconciliation")
            return
        current = self._tracker.get(order.order_id)
        if current is not None and current.is_open and current.state is not OrderState.UNRESOLVED:
            findings.differences.append(
                f"{order.symbol}: order {order.order_id} was accepted, but the exchange does not "
                "know it any more"
            )

    async def _trades(self, symbol: str, findings: _Findings) -> None:
        """Fetch the trades that our orders are known to lack.

        First those since the oldest of these orders. That is our clock's time and trades have the
        exchange's: if they are far apart, only the latest trades of all will do.
        """
        lacking = self._lacking(symbol)
        if not lacking:
            return
        since_ms = min(order.created_ns for order in lacking) // NS_PER_MS - 60_000
        for since in (since_ms, None):
            for fill in await self._exchange.my_trades(symbol, since):
                self._tracker.apply(Mode.LIVE, _report_of(fill), "reconciliation")
            if not self._lacking(symbol):
                return
        findings.differences.extend(
            f"{symbol}: order {order.order_id} is filled further than its trades tell"
            for order in self._lacking(symbol)
        )

    def _lacking(self, symbol: str) -> list[Order]:
        return [order for order in self._tracker.lacking_fills(Mode.LIVE) if order.symbol == symbol]

    def _unresolved(self, findings: _Findings) -> None:
        for order in self._tracker.open_orders(Mode.LIVE):
            if order.state is OrderState.UNRESOLVED:
                findings.differences.append(
                    f"{order.symbol}: the outcome of order {order.order_id} is unknown"
                )
                self._on_unresolved(order)


def _report_of(fill: Fill) -> OrderReport:
    """Return the least that a trade says of its order."""
    return OrderReport(
        symbol=fill.symbol,
        client_order_id=fill.client_order_id,
        exchange_order_id=fill.exchange_order_id,
        state=OrderState.PARTIALLY_FILLED,
        filled=fill.amount,
        cost=None,
        at_ns=fill.at_ns,
        fills=(fill,),
    )
