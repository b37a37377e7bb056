"""What must hold, whatever happens: judged by what the exchange and the disk saw, from outside.

================================================  ===================================
invariant                                         judged
================================================  ===================================
at most one exchange order for one wish           when a request arrives
every order is in the journal before it leaves    when bytes leave
no order leaves after a switch to paper was       when bytes leave
acknowledged, or the fence file was there
no order of a wish while an earlier one of it     when bytes leave
may still exist or arrive
no order while one of an earlier run is unknown   when bytes leave
fills are booked once                             whenever nothing more can happen at an instant
position is the sum of the trades                 likewise
orders only move forward                          at every change
metrics equal the journal                         whenever the disk is at rest
both sides agree on every order, trade, balance   at the end, when all faults are over
work goes on                                      at the end
================================================  ===================================
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import OPEN, TERMINAL, Fill, Order, OrderState, Side
from cryptobot.trading.circuit_breaker import BreakerState
from cryptobot.trading.guarded_exchange import Group
from telemetry.metrics import Metrics

from .disk import Committed
from .incarnation import Incarnation
from .tier import Judged

UNKNOWN: Final = frozenset({OrderState.SUBMITTED, OrderState.UNRESOLVED})


class Oracle:
    """Judges.

    Args:
        exchange: What is.
        committed: What the journal has.
        fail: Called with what does not hold.
    """

    def __init__(self, exchange: Judged, committed: Committed, fail: Callable[[str], None]) -> None:
        self._exchange = exchange
        self._committed = committed
        self._fail = fail
        self._on_the_way: set[str] = set()
        self._fenced_by: int | None = None
        self._lifting: set[int] = set()
        self._lifted_by = 0
        self._calls = 0
        self._states: dict[str, Order] = {}
        self._of_earlier_runs: set[str] = set()
        self._changed = False

    # Switches. A call to live may lift the fences of calls to paper that were made before it.

    def call(self) -> int:
        """Number a call to switch; later calls have higher numbers."""
        self._calls += 1
        return self._calls

    def fenced(self, call: int) -> None:
        """A switch to paper, made as ``call``, holds from now on, unless it was undone already."""
        if call > self._lifted_by:
            self._fenced_by = max(call, self._fenced_by or 0)

    def lifting(self, call: int) -> None:
        """Somebody asks for live."""
        self._lifting.add(call)

    def lifted(self, call: int, *, live: bool) -> None:
        """The call to live has been answered, or its engine has died."""
        self._lifting.discard(call)
        if live:
            self._lifted_by = max(call, self._lifted_by)
            if self._fenced_by is not None and self._fenced_by < call:
                self._fenced_by = None

    def _fence_holds(self, process: Incarnation) -> bool:
        if self._fenced_by is None:
            return False
        asked = any(call > self._fenced_by for call in self._lifting)
        return not (asked and process.rooms.modes.mode is Mode.LIVE)

    # What the world sees

    def on_left(self, process: Incarnation, name: str) -> None:
        """Judge an order whose bytes leave now."""
        if self._fence_holds(process):
            self._fail(f"order {name} left after an acknowledged switch to paper")
        order_id = self._committed.named.get(name)
        if order_id is None:
            self._fail(f"order {name} left before its intent was on disk")
            return
        if self._may_exist(name):
            self._fail(f"order {name} left again while the first may exist")
        wish = self._committed.orders[order_id]["request_id"]
        for earlier in self._committed.wanted[wish]:
            client_id = self._committed.orders[earlier]["client_order_id"]
            if client_id != name and self._may_exist(client_id):
                self._fail(f"order {name} left while {client_id} of the same wish may exist")
        for order in process.rooms.tracker.open_orders(Mode.LIVE):
            if order.state in UNKNOWN and order.order_id in self._of_earlier_runs:
                self._fail(f"order {name} left while {order.order_id} of an earlier run is unknown")

    def _may_exist(self, client_order_id: str) -> bool:
        """Whether an order is on the exchange, or may still arrive there."""
        return client_order_id in self._on_the_way or self._exchange.holds(client_order_id)

    def on_sent(self, name: str) -> None:
        """Note an order that is on its way and will arrive, whatever its sender hears."""
        self._on_the_way.add(name)

    def on_lost(self, name: str) -> None:
        """Note that an order will not arrive any more."""
        self._on_the_way.discard(name)

    def on_arrived(self, name: str) -> None:
        """Judge an order that the exchange has taken or refused."""
        self._on_the_way.discard(name)
        order_id = self._committed.named.get(name)
        if order_id is None:
            self._fail(f"order {name} is on the exchange and not in the journal")
            return
        wish = self._committed.orders[order_id]["request_id"]
        there = [
            client_id
            for known in self._committed.wanted[wish]
            if self._exchange.holds(client_id := self._committed.orders[known]["client_order_id"])
        ]
        if len(there) > 1:
            self._fail(f"wish {wish} has {len(there)} orders on the exchange: {there}")

    def on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        """Judge a change that the engine tells."""
        del fills
        self._changed = True
        before = self._states.get(order.order_id)
        self._states[order.order_id] = order
        if before is None:
            return
        if before.state in TERMINAL and order.state is not before.state:
            self._fail(f"order {order.order_id} went from {before.state} to {order.state}")
        if order.filled < before.filled or order.filled > order.amount:
            self._fail(f"order {order.order_id} filled {before.filled}, then {order.filled}")
        if before.state not in {OrderState.SUBMITTED, order.state} and order.state in UNKNOWN:
            self._fail(f"order {order.order_id} went from {before.state} back to {order.state}")

    def on_start(self, process: Incarnation) -> None:
        """Look at an engine that has recovered, before anything else happens."""
        self._of_earlier_runs = {
            order.order_id for order in process.rooms.tracker.open_orders(Mode.LIVE)
        }
        self._states = {order.order_id: order for order in process.rooms.tracker.recent()}
        self._changed = True

    def at_rest(self, process: Incarnation) -> None:
        """Judge an engine at an instant at which nothing more happens."""
        if not self._changed or not process.ready:
            return
        if process.rooms.orders.waiting or not process.disk.at_rest:
            return
        self._changed = False
        self._positions(process)
        self._metrics(process)

    def _positions(self, process: Incarnation) -> None:
        amounts: dict[str, Decimal] = {}
        for (mode, symbol, _), row in self._committed.fills.items():
            if mode != "live":
                continue
            sign = 1 if row["side"] == Side.BUY.value else -1
            amount = amounts.get(symbol, ZERO) + sign * Decimal(row["amount"])
            if row["fee_currency"] == symbol.partition("/")[0]:
                amount -= Decimal(row["fee"])
            amounts[symbol] = amount
        for symbol, amount in amounts.items():
            held = process.rooms.portfolio.position(Mode.LIVE, symbol)
            if held != amount:
                self._fail(f"position {held} of {symbol}, but the journal's trades make {amount}")

    def _metrics(self, process: Incarnation) -> None:
        counted = named_metrics(process.metrics)
        if counted != self._committed.live_counts:
            self._fail(
                f"metrics count {counted} failed and answered orders, the journal "
                f"{self._committed.live_counts}"
            )

    # At the end

    def unsettled(self, process: Incarnation) -> str | None:
        """Return what is not settled yet in an engine that has had time to."""
        rooms = process.rooms
        for order in rooms.tracker.open_orders(Mode.LIVE):
            if order.state in UNKNOWN:
                return f"order {order.order_id} is {order.state}"
        if rooms.gateway.sending:
            return "an order waits for its answer, which may be lost"
        breaker = rooms.live.breakers[Group.ORDERS]
        if breaker.state is BreakerState.OPEN:
            return f"the circuit breaker {breaker.name} is open"
        if rooms.orders.waiting or not process.disk.at_rest:
            return "records wait for the journal"
        if not rooms.exchange.up:
            return f"the exchange is not up: {rooms.exchange.detail}"
        return self._difference(process)

    def _difference(self, process: Incarnation) -> str | None:
        """Return the first thing in which exchange, journal and memory differ."""
        there = {record.client_order_id: record for record in self._exchange.orders()}
        for row in self._committed.orders.values():
            if row["mode"] != "live":
                continue
            record = there.pop(row["client_order_id"], None)
            state = OrderState(row["state"])
            if record is None:
                if state in OPEN or Decimal(row["filled"]):
                    return f"order {row['order_id']} is {state} here, and unknown there"
            elif state is not record.state or Decimal(row["filled"]) != record.executed:
                return (
                    f"order {row['order_id']} is {state}, filled {row['filled']}; on the exchange "
                    f"{record.state}, filled {record.executed}"
                )
        if there:
            return f"orders on the exchange that the journal does not know: {sorted(there)}"
        trades = {("live", symbol, trade_id) for symbol, trade_id in self._exchange.trades()}
        booked = {key for key in self._committed.fills if key[0] == "live"}
        if trades != booked:
            return f"trades of one side only: {sorted(trades ^ booked)}"
        balances = {
            asset: balance for asset, balance in self._exchange.balances().items() if balance.total
        }
        if process.rooms.portfolio.balances(Mode.LIVE) != balances:
            return "balances differ"
        return None


def named_metrics(metrics: Metrics) -> list[int]:
    """Return the failed and the answered orders as they are counted; a scrape takes too long."""
    failed = metrics.counter("orders_failed_total")._child(())
    latency = metrics.histogram("order_latency")._child(())
    return [round(failed._value), sum(latency._counts)]
