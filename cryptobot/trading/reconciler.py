"""Compares what we believe with what the exchange says: orders, trades and balances.

What it says of our orders is taken over. Orders of others on the same account are listed, changes
of balances that our trades do not explain are told once: neither is touched.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from cryptobot.domain.clock import NS_PER_MS, Clock
from cryptobot.domain.errors import ReadFailed
from cryptobot.domain.ids import CLIENT_ORDER_ID_PREFIX
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import plain
from cryptobot.domain.order import OPEN, Fill, Order, OrderReport, OrderState
from cryptobot.trading.background import in_background
from cryptobot.trading.balance_book import BalanceBook
from cryptobot.trading.differences import Difference, ExternalOrder, Findings, Reconciliation
from cryptobot.trading.differences import DifferenceKind as K
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.lookup import CLOCKS_APART_MS, report_of
from cryptobot.trading.order_tracker import OrderTracker

SOON_S: Final = 0.3
"""Pause before a requested run: the stream usually brings what is missing within it."""

AGAIN_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Pauses before further runs when one has shown what may pass by itself; then the timed runs do."""

PASSING: Final = frozenset({K.MISSING_TRADES, K.OPEN_THERE, K.FORGOTTEN, K.BALANCE_NOT_BELIEVED})
"""Differences that reads which lag behind the matching show, and reads a moment later do not."""

ASKED: Final = 20
"""Orders of unknown trades that one run asks the exchange about."""

CONFIRM_S: Final = 1.0
"""Pause before balances that differ are read again: they may lag behind a trade just heard of."""

_log = structlog.stdlib.get_logger("cryptobot.reconciliation")


class Reconciler:
    """Runs comparisons with the live exchange, one at a time.

    Args:
        exchange: The live exchange.
        tracker: What we believe.
        symbols: Symbols that are always compared; those of open orders come on top.
        clock: Stamps results.
        book: What the account should hold.
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
        book: BalanceBook,
        on_unresolved: Callable[[Order], None],
        on_result: Callable[[Reconciliation], None],
    ) -> None:
        self._exchange = exchange
        self._tracker = tracker
        self._symbols = symbols
        self._clock = clock
        self._book = book
        self._on_unresolved = on_unresolved
        self._on_result = on_result
        self._lock = asyncio.Lock()
        self._requested: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._repeated = 0
        self.last: Reconciliation | None = None

    def request(self) -> None:
        """Run a comparison soon; several requests make one run."""
        if self._requested is None or self._requested.done():
            self._requested = in_background(self._soon(), "reconcile-soon")

    async def _soon(self) -> None:
        await asyncio.sleep(SOON_S)
        await self.run()

    async def close(self) -> None:
        """Cancel a requested run, and a further one."""
        if self._again is not None:
            self._again.cancel()
        if self._requested is not None:
            self._requested.cancel()
            await asyncio.gather(self._requested, return_exceptions=True)

    async def run(self) -> Reconciliation:
        """Compare now; never raises for an exchange that cannot be read."""
        async with self._lock:
            findings = Findings()
            complete = True
            try:
                for symbol in self._all_symbols():
                    await self._orders(symbol, findings)
                    await self._trades(symbol, findings)
                await self._balances(findings)
            except ReadFailed as error:
                complete = False
                detail = f"the exchange could not be read: {error}"
                findings.differences.append(Difference(K.UNREADABLE, "", detail))
            self._unresolved(findings)
            result = Reconciliation(
                self._clock.now_ns(),
                tuple(findings.differences),
                tuple(findings.external),
                complete=complete,
                repaired=len(findings.repaired),
                balances_compared=findings.balances_compared,
            )
        self.last = result
        if result.clean:
            _log.debug("reconciliation_clean", **result.summary())
        else:
            told = [difference.to_wire() for difference in result.differences]
            _log.warning("reconciliation_differs", differences=told)
        self._look_again(result)
        self._on_result(result)
        return result

    def _look_again(self, result: Reconciliation) -> None:
        """See to a further run soon, where this one has shown what may pass by itself."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if PASSING.isdisjoint(difference.kind for difference in result.differences):
            self._repeated = 0
        elif self._repeated < len(AGAIN_S):
            pause_s = AGAIN_S[self._repeated]
            self._repeated += 1
            self._again = asyncio.get_running_loop().call_later(pause_s, self.request)

    def _all_symbols(self) -> list[str]:
        found = dict.fromkeys(self._symbols)
        found.update((order.symbol, None) for order in self._tracker.open_orders(Mode.LIVE))
        return [symbol for symbol in found if symbol in self._exchange.instruments]

    async def _orders(self, symbol: str, findings: Findings) -> None:
        # What we believed before asking: orders placed meanwhile are none of this run's business.
        believed = {
            order.client_order_id: order
            for order in self._tracker.open_orders(Mode.LIVE)
            if order.symbol == symbol and order.state is not OrderState.SUBMITTED
        }
        for report in await self._exchange.open_orders(symbol):
            order = self._take_over(report, findings)
            if order is not None:
                believed.pop(order.client_order_id, None)
                if not order.is_open:
                    await self._closed_here(order, findings)
            elif (report.client_order_id or "").startswith(CLIENT_ORDER_ID_PREFIX):
                findings.differences.append(
                    Difference(
                        K.UNKNOWN_OWN_ORDER,
                        symbol,
                        f"{symbol}: order {report.client_order_id} is open on the exchange and "
                        "looks like ours, but the journal does not know it",
                    )
                )
            else:
                findings.external.append(ExternalOrder.of(report))
        for order in believed.values():
            await self._missing(order, findings)

    async def _closed_here(self, order: Order, findings: Findings) -> None:
        """Look at an order that we hold for closed and the exchange lists as open.

        The list may be older than what closed it, so the order is asked for once more.
        """
        report = await self._exchange.find_order(order.symbol, order.client_order_id)
        if report is not None and report.state in OPEN:
            findings.differences.append(
                Difference(
                    K.OPEN_THERE,
                    order.symbol,
                    f"{order.symbol}: order {order.order_id} is {order.state} here, but open on "
                    "the exchange; cancel it there",
                    order.order_id,
                )
            )

    async def _missing(self, order: Order, findings: Findings) -> None:
        """Look at an order that we believe open and the exchange does not list as open."""
        report = await self._exchange.find_order(order.symbol, order.client_order_id)
        if report is not None:
            self._take_over(report, findings)
            return
        current = self._tracker.get(order.order_id)
        if current is not None and current.is_open and current.state is not OrderState.UNRESOLVED:
            findings.differences.append(
                Difference(
                    K.FORGOTTEN,
                    order.symbol,
                    f"{order.symbol}: order {order.order_id} was accepted, but the exchange does "
                    "not know it any more",
                    order.order_id,
                )
            )

    async def _trades(self, symbol: str, findings: Findings) -> None:
        """Fetch the trades that our orders are known to lack.

        First those since the oldest of these orders. That is our clock's time and trades have the
        exchange's: if they are far apart, only the latest trades of all will do.
        """
        lacking = self._lacking(symbol)
        if not lacking:
            return
        since_ms = min(order.created_ns for order in lacking) // NS_PER_MS - CLOCKS_APART_MS
        for since in (since_ms, None):
            for fill in await self._exchange.my_trades(symbol, since):
                self._take_over(report_of(fill), findings)
            if not self._lacking(symbol):
                return
        findings.differences.extend(
            Difference(
                K.MISSING_TRADES,
                symbol,
                f"{symbol}: order {order.order_id} is filled further than its trades tell",
                order.order_id,
            )
            for order in self._lacking(symbol)
        )

    async def _balances(self, findings: Findings) -> None:
        """Compare the account's totals with what our trades explain."""
        if self._trade_under_way():
            return
        trades = self._book.trades
        balances = await self._exchange.balances()
        others: list[Fill] = []
        if self._book.believable(balances) and self._book.differences(balances):
            # Reads lag, and a trade may be there that nobody has told us of: look once more.
            others = await self._missed_trades(findings)
            await asyncio.sleep(CONFIRM_S)
            trades = self._book.trades
            balances = await self._exchange.balances()
        if trades != self._book.trades or self._trade_under_way():
            return
        findings.balances_compared = True
        if not self._book.believable(balances):
            detail = "the account is said to be empty, and it was not: not believed"
            findings.differences.append(Difference(K.BALANCE_NOT_BELIEVED, "", detail))
            return
        findings.differences.extend(self._book.differences(balances, others))
        self._book.rebase(balances)

    def _trade_under_way(self) -> bool:
        """Return whether one side may know of a trade of ours that the other does not."""
        unsure = {OrderState.SUBMITTED, OrderState.UNRESOLVED}
        return bool(self._tracker.lacking_fills(Mode.LIVE)) or any(
            order.state in unsure for order in self._tracker.open_orders(Mode.LIVE)
        )

    async def _missed_trades(self, findings: Findings) -> list[Fill]:
        """Take over our trades since the baseline; return those that are not ours."""
        baseline = self._book.baseline
        if baseline is None:
            return []
        since_ms = baseline.at_ns // NS_PER_MS - CLOCKS_APART_MS
        others: list[Fill] = []
        for symbol in self._all_symbols():
            fills = await self._exchange.my_trades(symbol, since_ms)
            others += [f for f in fills if self._take_over(report_of(f), findings) is None]
        others = [fill for fill in others if fill.at_ns >= baseline.at_ns]
        return await self._not_ours_after_all(others, findings)

    async def _not_ours_after_all(self, others: list[Fill], findings: Findings) -> list[Fill]:
        """Take over the trades of orders that count as never placed; return the other trades.

        Such an order has no exchange's id here, so its trades are known only by asking whose they
        are. A reply, or a person, was wrong about it: the trades are true all the same.
        """
        orders: dict[str, Order | None] = {}
        for fill in others:
            if fill.exchange_order_id not in orders and len(orders) < ASKED:
                orders[fill.exchange_order_id] = await self._order_of(fill)
        for fill in others:
            order = orders.get(fill.exchange_order_id)
            if order is not None:
                ours = replace(fill, client_order_id=order.client_order_id)
                self._take_over(report_of(ours), findings)
        for order in filter(None, orders.values()):
            traded = self._tracker.filled_in_fills(order.order_id)
            findings.differences.append(
                Difference(
                    K.TRADED_AFTER_ALL,
                    order.symbol,
                    f"{order.symbol}: order {order.order_id} was settled as {order.state} "
                    f"({order.reason}), but it traded {plain(traded)} on the exchange; these "
                    "trades are counted now",
                    order.order_id,
                )
            )
        return [fill for fill in others if orders.get(fill.exchange_order_id) is None]

    async def _order_of(self, fill: Fill) -> Order | None:
        """Return our order of a trade, by the client order id that the exchange knows."""
        report = await self._exchange.find_by_exchange_id(fill.symbol, fill.exchange_order_id)
        if report is None or report.client_order_id is None:
            return None
        order = self._tracker.of_client_id(report.client_order_id)
        return order if order is not None and order.mode is Mode.LIVE else None

    def _take_over(self, report: OrderReport, findings: Findings) -> Order | None:
        """Merge what the exchange says into an order of ours, and note what that changed."""
        before = self._tracker.find(Mode.LIVE, report)
        order = self._tracker.apply(Mode.LIVE, report, "reconciliation")
        answered = before is not None and before.state is not OrderState.SUBMITTED
        if order is not None and order is not before and answered:
            findings.repaired.add(order.order_id)
        return order

    def _lacking(self, symbol: str) -> list[Order]:
        return [order for order in self._tracker.lacking_fills(Mode.LIVE) if order.symbol == symbol]

    def _unresolved(self, findings: Findings) -> None:
        for order in self._tracker.open_orders(Mode.LIVE):
            if order.state is OrderState.UNRESOLVED:
                findings.differences.append(
                    Difference(
                        K.UNRESOLVED,
                        order.symbol,
                        f"{order.symbol}: the outcome of order {order.order_id} is unknown",
                        order.order_id,
                    )
                )
                self._on_unresolved(order)
