"""The account as it was: for reads that come from a source that lags behind."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.money import ZERO
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.ledger import Holding
from cryptobot.matching.records import OrderRecord, TradeRecord
from cryptobot.simulator.clock import ExchangeClock
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.tape import TapeTrade
from cryptobot.simulator.venue import ChangedLevels, Venue

MAX_LAG_MS = 600_000


class AccountView(Protocol):
    """The account's orders, trades and balances, now or as they were."""

    def find(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderRecord | None:
        """Look an order up by either id."""
        ...

    def open_orders(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return open orders, oldest first."""
        ...

    def orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Return orders, oldest first."""
        ...

    def trades(self, symbol: str) -> Sequence[TradeRecord]:
        """Return trades, oldest first."""
        ...

    def balances(self) -> Mapping[str, Holding]:
        """Return what is held."""
        ...


@dataclass(frozen=True, slots=True)
class _Change:
    """What an event changed, to take it back: ``None`` and missing assets were not there."""

    at_ns: int
    order_id: int
    before: OrderRecord | None
    balances: Mapping[str, Holding]


@dataclass(frozen=True, slots=True)
class LiveAccount:
    """The account as it is."""

    engine: MatchingEngine

    def find(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderRecord | None:
        """Look an order up by either id."""
        return self.engine.find(symbol, order_id=order_id, client_order_id=client_order_id)

    def open_orders(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return open orders, oldest first."""
        return self.engine.open_orders(symbol)

    def orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Return orders, oldest first."""
        return self.engine.orders(symbol)

    def trades(self, symbol: str) -> Sequence[TradeRecord]:
        """Return trades, oldest first."""
        return self.engine.trades(symbol)

    def balances(self) -> Mapping[str, Holding]:
        """Return what is held."""
        return self.engine.ledger.balances()


@dataclass(frozen=True, slots=True)
class PastAccount:
    """The account with later changes taken back.

    Attributes:
        earlier: By order id, the order as it was; ``None`` where it did not exist.
        held: By asset, what was held, where that differs.
    """

    engine: MatchingEngine
    as_of_ns: int
    earlier: Mapping[int, OrderRecord | None] = field(default_factory=dict)
    held: Mapping[str, Holding] = field(default_factory=dict)

    def find(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderRecord | None:
        """Look an order up by either id."""
        for order in reversed(self.orders(symbol)):
            if order_id is None and order.client_order_id == client_order_id:
                return order
            if order.order_id == order_id:
                return order
        return None

    def open_orders(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return open orders, oldest first."""
        symbols = self.engine.instruments if symbol is None else (symbol,)
        found = [order for name in symbols for order in self.orders(name) if order.is_open]
        return sorted(found, key=lambda order: order.order_id)

    def orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Return orders, oldest first."""
        past = (self.earlier.get(order.order_id, order) for order in self.engine.orders(symbol))
        return [order for order in past if order is not None]

    def trades(self, symbol: str) -> Sequence[TradeRecord]:
        """Return trades, oldest first."""
        return [trade for trade in self.engine.trades(symbol) if trade.at_ns <= self.as_of_ns]

    def balances(self) -> Mapping[str, Holding]:
        """Return what is held."""
        return {**self.engine.ledger.balances(), **self.held}


class AccountHistory:
    """A ``VenueListener`` that remembers what changed lately.

    Args:
        venue: The exchange; the history begins now.
    """

    def __init__(self, venue: Venue) -> None:
        self._engine = venue.engine
        self._clock: ExchangeClock = venue.clock
        self._changes: deque[_Change] = deque()
        self._open: dict[int, OrderRecord] = {}
        self._held = dict(venue.engine.ledger.balances())

    def view(self, lag_ms: int = 0) -> AccountView:
        """Return the account as it was ``lag_ms`` ago."""
        if not lag_ms:
            return LiveAccount(self._engine)
        as_of_ns = self._clock.now_ns() - lag_ms * NS_PER_MS
        earlier: dict[int, OrderRecord | None] = {}
        held: dict[str, Holding] = {}
        for change in reversed(self._changes):
            if change.at_ns <= as_of_ns:
                break
            earlier[change.order_id] = change.before
            held.update(change.balances)
        return PastAccount(self._engine, as_of_ns, earlier, held)

    def traded(self, market: SymbolMarket, trade: TapeTrade) -> None:
        """Do nothing: public trades are not the account's."""

    def book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        """Do nothing: the book is not the account's."""

    def time_passed(self, now_ns: int) -> None:
        """Forget what is too old to be asked for."""
        oldest_ns = now_ns - MAX_LAG_MS * NS_PER_MS
        while self._changes and self._changes[0].at_ns < oldest_ns:
            self._changes.popleft()

    def executed(self, market: SymbolMarket, event: ExecutionEvent) -> None:
        """Remember what was before."""
        del market
        order = event.order
        balances = {asset: self._held.get(asset, _NOTHING) for asset in event.balances}
        before = self._open.get(order.order_id)
        self._changes.append(_Change(event.at_ns, order.order_id, before, balances))
        self._held.update(event.balances)
        if order.is_open:
            self._open[order.order_id] = order
        else:
            self._open.pop(order.order_id, None)


_NOTHING = Holding(free=ZERO, locked=ZERO)
