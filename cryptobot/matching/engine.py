"""The matching engine: one account's orders against a market whose liquidity others made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from cryptobot.domain.clock import Clock
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Level
from cryptobot.domain.order import Side
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.filters import SymbolFilters
from cryptobot.matching.ledger import Ledger
from cryptobot.matching.records import FeeSchedule, NewOrder, OrderRecord, TradeRecord


class MatchingEngine:
    """Matches one account's orders by price-time priority; pure and synchronous.

    Args:
        instruments: By unified symbol.
        ledger: The account's funds; the engine locks, spends and credits.
        fees: Maker and taker fractions.
        clock: Stamps orders and trades with UTC nanoseconds.
        on_event: Called with every change of an order, in order, after the call that caused it
            has left the engine consistent; it may call the engine again.
        filters: Further rules by symbol (market lot, percent price).
        first_order_id: The first order gets this id.
        first_trade_id: The first trade gets this id.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        ledger: Ledger,
        fees: FeeSchedule,
        clock: Clock,
        *,
        on_event: Callable[[ExecutionEvent], None] | None = None,
        filters: Mapping[str, SymbolFilters] | None = None,
        first_order_id: int = 1,
        first_trade_id: int = 1,
    ) -> None:
        raise NotImplementedError

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instruments by unified symbol."""
        raise NotImplementedError

    @property
    def ledger(self) -> Ledger:
        """The account's funds."""
        raise NotImplementedError

    def set_book(self, symbol: str, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Take a snapshot of the market's book; resting orders that it crosses are filled."""
        raise NotImplementedError

    def apply_levels(self, symbol: str, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Take changed levels with absolute amounts (0 removes); crossed orders are filled."""
        raise NotImplementedError

    def apply_trade(self, symbol: str, price: Decimal, amount: Decimal, taker_side: Side) -> None:
        """Take a trade of the market: it eats the queue ahead of our orders, then fills them."""
        raise NotImplementedError

    def place(self, new: NewOrder) -> OrderRecord:
        """Take an order and match it at once; return it as it stands then.

        Raises:
            Refusal: The order does not exist; nothing changed.
        """
        raise NotImplementedError

    def cancel(self, symbol: str, order_id: int) -> OrderRecord:
        """Take an open order out of the book. Raises ``Refusal`` ``not_found``."""
        raise NotImplementedError

    def cancel_all(self, symbol: str) -> list[OrderRecord]:
        """Cancel every open order of a symbol, oldest first; possibly none."""
        raise NotImplementedError

    def find(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderRecord | None:
        """Look an order up by either id; by client id the latest that has it."""
        raise NotImplementedError

    def open_orders(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return the open orders, oldest first."""
        raise NotImplementedError

    def orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Return every order of a symbol, oldest first."""
        raise NotImplementedError

    def trades(self, symbol: str) -> Sequence[TradeRecord]:
        """Return every trade of a symbol, oldest first."""
        raise NotImplementedError

    def book(self, symbol: str, depth: int | None = None) -> tuple[list[Level], list[Level]]:
        """Return bids and asks, best first, as the public sees them.

        That is: the market's liquidity without what we consumed, plus our resting orders.
        """
        raise NotImplementedError

    def public_amount(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """Return what the public sees at a price: ``BUY`` for bids, ``SELL`` for asks."""
        raise NotImplementedError

    def last_price(self, symbol: str) -> Decimal | None:
        """Return the latest trade's price (the market's or ours), ``None`` before the first."""
        raise NotImplementedError
