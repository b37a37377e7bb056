"""Brings our orders and the market together; the books change here and nowhere else."""

from collections.abc import Mapping
from decimal import Decimal

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import OrderState, Side
from cryptobot.matching.events import DepthChange
from cryptobot.matching.ladder import at_least_as_good, would_trade
from cryptobot.matching.order_store import OrderStore
from cryptobot.matching.records import OrderRecord
from cryptobot.matching.refusal import Refusal, RefusalCode
from cryptobot.matching.resting import Resting
from cryptobot.matching.settlement import Settlement
from cryptobot.matching.sweep import Sweep
from cryptobot.matching.symbol_book import SymbolBook


class Matcher:
    """Fills orders against the market, by price and time.

    Args:
        instruments: By unified symbol.
        store: Where orders are remembered.
        settlement: Books each fill.
    """

    def __init__(
        self, instruments: Mapping[str, Instrument], store: OrderStore, settlement: Settlement
    ) -> None:
        self._instruments = instruments
        self._store = store
        self._settlement = settlement
        # An instrument may be delisted under an open order; its funds must still be freed.
        self._known: dict[str, Instrument] = {}

    def instrument(self, symbol: str) -> Instrument:
        """Return a symbol's rules. Raises ``Refusal`` ``unknown_symbol``."""
        listed = self._instruments.get(symbol)
        if listed is None:
            raise Refusal(RefusalCode.UNKNOWN_SYMBOL, f"{symbol} is not listed")
        self._known[symbol] = listed
        return listed

    def take(self, book: SymbolBook, record: OrderRecord, sweep: Sweep) -> OrderRecord:
        """Carry out the takes of an arriving order."""
        maker_side = record.side.opposite
        for price, amount in sweep.takes:
            book.consume(maker_side, price, amount)
            record = self._fill(book, record, price, amount, is_maker=False)
            self._note_depth(book, maker_side, price)
        return record

    def rest(self, book: SymbolBook, record: OrderRecord, price: Decimal) -> None:
        """Put what is left of an order at the end of the queue at its price."""
        book.own[record.side].add(
            Resting(record.order_id, price, record.remaining, book.queue_ahead(record.side, price))
        )
        self._note_depth(book, record.side, price)

    def withdraw(self, book: SymbolBook, record: OrderRecord, price: Decimal) -> OrderRecord:
        """Take a resting order out of the book, canceled."""
        book.own[record.side].remove(record.order_id, price)
        after = self.close(record, OrderState.CANCELED)
        self._note_depth(book, record.side, price)
        return after

    def close(
        self, record: OrderRecord, state: OrderState, reason: str | None = None
    ) -> OrderRecord:
        """End an order that is not in the book (any more)."""
        return self._settlement.close(record, self._known[record.symbol], state, reason)

    def wake(self, record: OrderRecord, needed: Decimal) -> OrderRecord:
        """Let a waiting order go; see ``Settlement.wake``."""
        return self._settlement.wake(record, self._known[record.symbol], needed)

    def record(self, symbol: str, order_id: int) -> OrderRecord:
        """Return an order of ours that is in the book or waits for it."""
        record = self._store.get(symbol, order_id)
        if record is None:
            raise LookupError(f"order {order_id} is in the book but not in the store")
        return record

    def trade(self, book: SymbolBook, side: Side, price: Decimal, amount: Decimal) -> None:
        """Let a trade of the market against makers on ``side`` reach our orders there."""
        own = book.own[side]
        budget = amount
        for our_price in tuple(own.prices()):
            if budget <= 0 or not at_least_as_good(side, our_price, price):
                return
            if our_price != price:
                own.cap_queue(our_price, ZERO)  # traded through: nobody is left ahead of us
            budget = self._trade_at(book, side, our_price, budget)

    def cross(self, book: SymbolBook) -> None:
        """Fill our resting orders that the market's book crosses, and consume what crossed."""
        for side in Side:
            own, market = book.own[side], book.market[side.opposite]
            while (ours := own.best()) is not None:
                level = market.best()
                if level is None or not would_trade(side, ours.price, level.price):
                    break
                amount = min(ours.remaining, level.amount)
                book.consume(side.opposite, level.price, amount)
                self._fill_resting(book, side, ours, amount)
                self._note_depth(book, side.opposite, level.price)

    def _trade_at(self, book: SymbolBook, side: Side, price: Decimal, budget: Decimal) -> Decimal:
        """Let ``budget`` trade at one price of ours; return what is left of it.

        The market's amount between two of our orders fills between them.
        """
        own = book.own[side]
        eaten = ZERO
        for ours in own.at(price):
            ahead = min(max(ours.ahead - eaten, ZERO), budget)
            eaten += ahead
            budget -= ahead
            if budget <= 0:
                break
            amount = min(budget, ours.remaining)
            budget -= amount
            self._fill_resting(book, side, ours, amount, is_printed=True)
        own.advance(price, eaten)
        return budget

    def _fill_resting(
        self,
        book: SymbolBook,
        side: Side,
        ours: Resting,
        amount: Decimal,
        *,
        is_printed: bool = False,
    ) -> None:
        ours.remaining -= amount
        if not ours.remaining:
            book.own[side].remove(ours.order_id, ours.price)
        record = self.record(book.symbol, ours.order_id)
        self._fill(book, record, ours.price, amount, is_maker=True, is_printed=is_printed)
        self._note_depth(book, side, ours.price)

    def _fill(
        self,
        book: SymbolBook,
        record: OrderRecord,
        price: Decimal,
        amount: Decimal,
        *,
        is_maker: bool,
        is_printed: bool = False,
    ) -> OrderRecord:
        book.traded(price)
        return self._settlement.fill(
            record,
            self._known[record.symbol],
            price,
            amount,
            is_maker=is_maker,
            is_printed=is_printed,
        )

    def _note_depth(self, book: SymbolBook, side: Side, price: Decimal) -> None:
        self._settlement.note_depth(DepthChange(side, price, book.public_amount(side, price)))
