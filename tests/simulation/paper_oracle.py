"""What must hold of the paper account, whatever happens.

============================================  =======================================
invariant                                     judged
============================================  =======================================
it starts from the live account, at every     at the switch
switch to paper
a restart goes on with what it had            when it is put back
totals = its start + its trades - their fees  whenever nothing more can happen at an
positions = those at its start + its trades   instant
locked = what its open orders bind            likewise
its open orders are those that we know        likewise
a trade is booked once                        when it is told
an order's trades make what it has filled     whenever the disk is at rest
no paper order is at the exchange, and no     whenever nothing more can happen at an
live order on paper                           instant
============================================  =======================================
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Fill, Order, OrderState, OrderType, Side
from cryptobot.trading.exchange import Balance

from .disk import Amounts, Committed, book
from .incarnation import Incarnation
from .tier import Judged

RESTING = frozenset({OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED})


class PaperOracle:
    """Judges the paper account of one engine after the other.

    Args:
        exchange: Where no paper order may be.
        committed: What the journal has.
        first: What the account of a first start holds.
        fail: Called with what does not hold.
    """

    def __init__(
        self,
        exchange: Judged,
        committed: Committed,
        first: Mapping[str, Decimal],
        fail: Callable[[str], None],
    ) -> None:
        self._exchange = exchange
        self._committed = committed
        self._first = first
        self._fail = fail
        self._totals: Amounts | None = None
        self._positions: Amounts = {}
        self._told: set[tuple[str, str]] = set()
        self._restoring = False
        self._was_live = False
        self._changed = False

    def watch(self, process: Incarnation) -> None:
        """Watch an engine that has not started yet."""
        self._totals = None
        self._was_live = False
        paper = process.rooms.paper
        reset, restore = paper.reset, paper.restore

        def on_reset(balances: Mapping[str, Balance]) -> None:
            reset(balances)
            if process.alive and not self._restoring:
                self._started(process, balances)

        def on_restore(balances: Mapping[str, Balance], orders: Iterable[Order]) -> list[Order]:
            self._restoring = True
            try:
                lost = restore(balances, orders)
            finally:
                self._restoring = False
            if process.alive:
                self._restarted(balances)
            return lost

        vars(paper).update(reset=on_reset, restore=on_restore)

    def on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        """Take in what the engine tells of an order."""
        if order.mode is not Mode.PAPER:
            return
        self._changed = True
        for fill in fills:
            key = (fill.symbol, fill.trade_id)
            if key in self._told:
                self._fail(f"paper trade {fill.trade_id} of {fill.symbol} is booked twice")
            self._told.add(key)
            if self._totals is not None:
                book(self._totals, self._positions, fill)

    def at_rest(self, process: Incarnation, *, at_end: bool = False) -> None:
        """Judge an engine at an instant at which nothing more happens."""
        if self._totals is None or not process.ready:
            return
        live = process.rooms.modes.mode is Mode.LIVE
        if not live and self._was_live and process.rooms.portfolio.balances(Mode.LIVE):
            self._fail("it was switched to paper, and the paper account did not start anew")
        self._was_live = live
        if not (self._changed or at_end):
            return
        self._changed = False
        self._account(process, self._totals)
        self._orders(process)
        if process.disk.at_rest and not process.rooms.orders.waiting:
            self._filled()

    # Where it starts

    def _started(self, process: Incarnation, balances: Mapping[str, Balance]) -> None:
        portfolio = process.rooms.portfolio
        self._was_live = False
        self._changed = True
        self._totals = _totals(balances)
        live = portfolio.positions(Mode.LIVE)
        self._positions = {symbol: held.amount for symbol, held in live.items()}
        if self._totals != _totals(portfolio.balances(Mode.LIVE)):
            self._fail("the paper account did not start from the live one")

    def _restarted(self, balances: Mapping[str, Balance]) -> None:
        self._changed = True
        start = self._committed.paper_start
        self._totals = dict(self._first if start is None else start)
        self._positions = dict(self._committed.paper_start_positions)
        for fill in self._committed.paper_since:
            book(self._totals, self._positions, fill)
        if _totals(balances) != _not_zero(self._totals):
            self._fail(
                f"after a restart the paper account holds {_totals(balances)}, "
                f"and not {_not_zero(self._totals)}"
            )

    # What it is

    def _account(self, process: Incarnation, totals: Amounts) -> None:
        holdings = process.rooms.paper._engine.ledger.balances()
        held = _not_zero({asset: it.free + it.locked for asset, it in holdings.items()})
        if held != _not_zero(totals):
            self._fail(f"the paper account holds {held}; start and trades make {totals}")
        locked = _not_zero({asset: it.locked for asset, it in holdings.items()})
        bound = _bound(self._resting(process))
        if locked != bound:
            self._fail(f"the paper account has locked {locked}; its open orders bind {bound}")
        for symbol in {*self._positions, *process.rooms.portfolio.positions(Mode.PAPER)}:
            position = process.rooms.portfolio.position(Mode.PAPER, symbol)
            if position != self._positions.get(symbol, ZERO):
                self._fail(
                    f"paper position {position} of {symbol}; start and trades make "
                    f"{self._positions.get(symbol)}"
                )

    def _orders(self, process: Incarnation) -> None:
        engine = process.rooms.paper._engine
        there = {record.client_order_id for record in engine.open_orders()}
        known = {order.client_order_id for order in self._resting(process)}
        if there != known:
            self._fail(f"paper orders open on one side only: {sorted(there ^ known)}")
        modes = {row["client_order_id"]: row["mode"] for row in self._committed.orders.values()}
        for name, mode in modes.items():
            if mode == Mode.PAPER and self._exchange.holds(name):
                self._fail(f"paper order {name} is at the exchange")
        for symbol in engine.instruments:
            for record in engine.orders(symbol):
                if modes.get(record.client_order_id) == Mode.LIVE:
                    self._fail(f"live order {record.client_order_id} is on paper")

    def _filled(self) -> None:
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        for (mode, *_), row in self._committed.fills.items():
            if mode == Mode.PAPER:
                sums[row["order_id"]] += Decimal(row["amount"])
        for order_id, row in self._committed.orders.items():
            if row["mode"] == Mode.PAPER and Decimal(row["filled"]) != sums[order_id]:
                self._fail(
                    f"paper order {order_id} is filled {row['filled']}, not {sums[order_id]}"
                )

    @staticmethod
    def _resting(process: Incarnation) -> list[Order]:
        orders = process.rooms.tracker.open_orders(Mode.PAPER)
        return [order for order in orders if order.state in RESTING]


def _bound(orders: Iterable[Order]) -> Amounts:
    amounts: Amounts = {}
    for order in orders:
        base, _, quote = order.symbol.partition("/")
        if order.side is Side.SELL:
            amounts[base] = amounts.get(base, ZERO) + order.remaining
        elif order.type is not OrderType.MARKET and order.price is not None:
            amounts[quote] = amounts.get(quote, ZERO) + order.remaining * order.price
    return _not_zero(amounts)


def _totals(balances: Mapping[str, Balance]) -> Amounts:
    return _not_zero({asset: balance.total for asset, balance in balances.items()})


def _not_zero(amounts: Mapping[str, Decimal]) -> Amounts:
    return {asset: amount for asset, amount in amounts.items() if amount}
