"""The matching engine: one account's orders against a market whose liquidity others made.

Rules, beyond price-time priority:

- A taker eats the market's levels best first. Where the next in line is an order of our own, the
  taker's rest expires with reason ``self_trade`` (Binance's ``EXPIRE_TAKER``).
- A resting order waits behind the market's amount at its price when it was placed. Trades at
  that price eat this queue first, then us; a trade at a worse price would have met us first, so
  it fills us.
- When the market's book crosses a resting order, the order fills as maker at its own price, up
  to the crossing amount, which is then consumed.
- A feed trade does not change the market's levels: the feed's next depth update does.
- A stop or take-profit order waits outside the book until the price of a trade, the market's or
  ours, reaches its trigger; then it meets the book as a new order would, behind all others.
  Those reached by the same trade go oldest first.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import count

from cryptobot.domain.clock import Clock
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Level
from cryptobot.domain.order import OrderState, OrderType, Side
from cryptobot.matching.arrival import Arrival, sweep_of
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.filters import NO_FILTERS, SymbolFilters, check_order
from cryptobot.matching.ledger import Ledger
from cryptobot.matching.matcher import Matcher
from cryptobot.matching.order_store import OrderStore
from cryptobot.matching.records import FeeSchedule, NewOrder, OrderRecord, TradeRecord
from cryptobot.matching.refusal import Refusal, RefusalCode
from cryptobot.matching.settlement import Settlement, funds_needed
from cryptobot.matching.sweep import Sweep
from cryptobot.matching.symbol_book import Levels, SymbolBook


class MatchingEngine:
    """Matches one account's orders by price-time priority; pure and synchronous.

    Args:
        instruments: By unified symbol; looked at for every order, so it may change.
        ledger: The account's funds; the engine locks, spends and credits.
        fees: Maker and taker fractions.
        clock: Stamps orders and trades with UTC nanoseconds.
        on_event: Called with every change of an order, in order, after the call that caused it
            has left the engine consistent; it may call the engine again.
        filters: Further rules by symbol (market lot, percent price).
        first_order_id: The first order gets this id.
        trade_ids: Numbers a trade of the symbol it is given, uniquely and rising per symbol;
            ``None``: one counter from 1 for all symbols.
        keep_closed: How many closed orders to remember, with their trades, over all symbols;
            the oldest go first. ``None``: all of them, without limit.
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
        trade_ids: Callable[[str], int] | None = None,
        keep_closed: int | None = None,
    ) -> None:
        self._instruments = instruments
        self._ledger = ledger
        self._clock = clock
        self._filters = filters or {}
        self._books: dict[str, SymbolBook] = {}
        self._store = OrderStore(keep_closed)
        self._settlement = Settlement(
            ledger,
            self._store,
            fees,
            clock,
            on_event=on_event or (lambda _: None),
            trade_ids=trade_ids or _one_counter(),
        )
        self._matcher = Matcher(instruments, self._store, self._settlement)
        self._arrival = Arrival(self._matcher)
        self._next_order_id = first_order_id

    @property
    def instruments(self) -> Mapping[str, Instrument]:
        """The instruments by unified symbol."""
        return self._instruments

    @property
    def ledger(self) -> Ledger:
        """The account's funds."""
        return self._ledger

    # The market

    def set_book(self, symbol: str, bids: Levels, asks: Levels) -> None:
        """Take a snapshot of the market's whole book; resting orders that it crosses fill."""
        self._replace(symbol, bids, asks, whole=True)

    def set_window(self, symbol: str, bids: Levels, asks: Levels) -> None:
        """Take a snapshot of the market's best levels; beyond them nothing is known.

        What was consumed beyond the window stays remembered, and an order resting there waits
        behind whatever shows up at its price.
        """
        self._replace(symbol, bids, asks, whole=False)

    def apply_levels(self, symbol: str, bids: Levels, asks: Levels) -> None:
        """Take changed levels with absolute amounts (0 removes); crossed orders fill."""
        book = self._book(symbol)
        book.update(Side.BUY, bids)
        book.update(Side.SELL, asks)
        self._market_moved(book)

    def set_last_price(self, symbol: str, price: Decimal) -> None:
        """Take the price of the last trade before the feed begins; nothing fills or triggers."""
        self._book(symbol).last_price = price

    def apply_trade(self, symbol: str, price: Decimal, amount: Decimal, taker_side: Side) -> None:
        """Take a trade of the market: it eats the queue ahead of our orders, then fills them.

        Args:
            symbol: The unified symbol.
            price: In quote currency.
            amount: In base currency.
            taker_side: ``BUY`` when it lifted an offer, ``SELL`` when it hit a bid.
        """
        book = self._book(symbol)
        self._matcher.trade(book, taker_side.opposite, price, amount)
        book.traded(price)
        self._market_moved(book)

    # Orders

    def place(self, new: NewOrder) -> OrderRecord:
        """Take an order and match it at once; return it as it stands then.

        Raises:
            Refusal: The order does not exist; nothing changed.
        """
        instrument = self._admit(new)
        book = self._book(new.symbol)
        check_order(
            new, instrument, self._filters.get(new.symbol, NO_FILTERS), book.reference_price()
        )
        if new.trigger is not None:
            return self._let_wait(book, new, instrument)
        sweep = sweep_of(book, instrument, new)
        record = self._arrival.meet(book, self._accept(new, instrument, sweep), sweep)
        self._arrival.wake_reached(book)
        self._settlement.deliver()
        return record

    def rest(self, new: NewOrder) -> OrderRecord:
        """Put back a limit order that rested before a restart: no filters, nothing taken.

        It joins the end of the queue at its price; the next book or trade may fill it.

        Raises:
            Refusal: Unknown symbol, duplicate id or insufficient funds; nothing changed.
            ValueError: It has no price or no amount.
        """
        if new.price is None or new.amount is None:
            raise ValueError("only an order with a price and an amount can rest")
        instrument = self._admit(new)
        record = self._accept(new, instrument, Sweep((), new.amount))
        self._matcher.rest(self._book(new.symbol), record, new.price)
        self._settlement.deliver()
        return record

    def cancel(self, symbol: str, order_id: int) -> OrderRecord:
        """Take an open order out of the book; return it as it stands then.

        Raises:
            Refusal: ``not_found``: no open order of that symbol has the id.
        """
        record = self._store.get(symbol, order_id)
        if record is None or not record.is_open:
            raise Refusal(RefusalCode.NOT_FOUND, f"no open order {order_id} of {symbol}")
        after = self._withdraw(record)
        self._settlement.deliver()
        return after

    def cancel_all(self, symbol: str) -> list[OrderRecord]:
        """Cancel every open order of a symbol, oldest first; possibly none."""
        canceled = [self._withdraw(record) for record in self._store.open(symbol)]
        self._settlement.deliver()
        return canceled

    # Looking

    def find(
        self, symbol: str, *, order_id: int | None = None, client_order_id: str | None = None
    ) -> OrderRecord | None:
        """Look a remembered order up by either id; by client id the latest that has it."""
        if order_id is not None:
            return self._store.get(symbol, order_id)
        return None if client_order_id is None else self._store.latest(symbol, client_order_id)

    def open_orders(self, symbol: str | None = None) -> list[OrderRecord]:
        """Return the open orders of a symbol (``None``: of all), oldest first."""
        return self._store.open(symbol)

    def orders(self, symbol: str) -> Sequence[OrderRecord]:
        """Return the remembered orders of a symbol, oldest first."""
        return self._store.orders(symbol)

    def trades(self, symbol: str) -> Sequence[TradeRecord]:
        """Return the trades of the remembered orders of a symbol, oldest first."""
        return self._store.trades(symbol)

    def book(self, symbol: str, depth: int | None = None) -> tuple[list[Level], list[Level]]:
        """Return bids and asks, best first, as the public sees them.

        That is: the market's liquidity without what we consumed, plus our resting orders.
        """
        book = self._book(symbol)
        return book.public(Side.BUY, depth), book.public(Side.SELL, depth)

    def public_amount(self, symbol: str, side: Side, price: Decimal) -> Decimal:
        """Return what the public sees at a price: ``BUY`` for bids, ``SELL`` for asks."""
        return self._book(symbol).public_amount(side, price)

    def last_price(self, symbol: str) -> Decimal | None:
        """Return the latest trade's price (the market's or ours), ``None`` before the first."""
        return self._book(symbol).last_price

    # Inside

    def _book(self, symbol: str) -> SymbolBook:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = SymbolBook(symbol)
        return book

    def _replace(self, symbol: str, bids: Levels, asks: Levels, *, whole: bool) -> None:
        book = self._book(symbol)
        book.replace(Side.BUY, bids, whole=whole)
        book.replace(Side.SELL, asks, whole=whole)
        self._market_moved(book)

    def _market_moved(self, book: SymbolBook) -> None:
        self._matcher.cross(book)
        self._arrival.wake_reached(book)
        self._settlement.deliver()

    def _admit(self, new: NewOrder) -> Instrument:
        instrument = self._matcher.instrument(new.symbol)
        if new.client_order_id is not None:
            earlier = self._store.latest(new.symbol, new.client_order_id)
            if earlier is not None and earlier.is_open:
                raise Refusal(
                    RefusalCode.DUPLICATE_CLIENT_ORDER_ID,
                    f"an open order has the client order id {new.client_order_id} already",
                )
        return instrument

    def _let_wait(self, book: SymbolBook, new: NewOrder, instrument: Instrument) -> OrderRecord:
        if new.trigger is None or new.amount is None:
            raise ValueError("only an order with a trigger and an amount can wait")
        if book.last_price is not None and new.trigger.reached(new.side, book.last_price):
            raise Refusal(RefusalCode.WOULD_TRIGGER, "the last trade has reached the trigger")
        record = self._accept(new, instrument, Sweep((), new.amount))
        book.waiting.add(record.order_id, new.side, new.trigger)
        self._settlement.deliver()
        return record

    def _accept(self, new: NewOrder, instrument: Instrument, sweep: Sweep) -> OrderRecord:
        now = self._clock.now_ns()
        order_id = self._next_order_id
        record = OrderRecord(
            order_id=order_id,
            client_order_id=new.client_order_id or f"engine-{order_id}",
            symbol=new.symbol,
            side=new.side,
            type=new.type,
            time_in_force=new.time_in_force,
            price=new.price,
            amount=sweep.wanted,
            quote_amount=new.quote_amount,
            state=OrderState.ACCEPTED,
            created_ns=now,
            updated_ns=now,
            trigger=new.trigger,
            working_ns=now if new.trigger is None else None,
        )
        asset, amount = funds_needed(record, instrument)
        is_market_buy = (
            new.type is OrderType.MARKET and new.side is Side.BUY and new.trigger is None
        )
        self._settlement.accept(record, asset, sweep.cost if is_market_buy else amount)
        self._next_order_id += 1
        return record

    def _withdraw(self, record: OrderRecord) -> OrderRecord:
        if record.is_waiting:
            self._book(record.symbol).waiting.remove(record.order_id)
            return self._matcher.close(record, OrderState.CANCELED)
        if record.price is None:
            raise ValueError(f"order {record.order_id} has no price: it cannot rest")
        return self._matcher.withdraw(self._book(record.symbol), record, record.price)


def _one_counter() -> Callable[[str], int]:
    numbers = count(1)
    return lambda _: next(numbers)
