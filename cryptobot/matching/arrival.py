"""What becomes of an order when the book meets it: on arrival, or when its trigger is reached."""

from collections.abc import Mapping
from decimal import Decimal

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import OrderState, OrderType, Side, TimeInForce
from cryptobot.matching.filters import check_swept
from cryptobot.matching.matcher import Matcher
from cryptobot.matching.records import NewOrder, OrderRecord
from cryptobot.matching.refusal import Refusal, RefusalCode
from cryptobot.matching.sweep import Sweep, sweep_amount, sweep_quote
from cryptobot.matching.symbol_book import SymbolBook

_FIXED_LIFETIME: Mapping[OrderType, TimeInForce] = {
    OrderType.MARKET: TimeInForce.IOC,
    OrderType.LIMIT_MAKER: TimeInForce.GTC,
}
"""Only a plain limit order chooses its time in force."""


def sweep_of(book: SymbolBook, instrument: Instrument, new: NewOrder) -> Sweep:
    """Return what a new order would take at once. Raises ``Refusal`` where it must not exist."""
    levels = book.takeable(new.side, new.price)
    if new.quote_amount is not None:
        sweep = sweep_quote(levels, new.quote_amount, instrument.amount_step)
    else:
        sweep = sweep_amount(levels, new.amount or ZERO)
    if new.type is OrderType.LIMIT_MAKER and (sweep.takes or sweep.blocked):
        raise Refusal(RefusalCode.WOULD_TAKE, "the order would trade at once and must not take")
    if new.type is OrderType.MARKET and not next(book.takeable(new.side, None), None):
        # An order of our own, first in line, is no liquidity either.
        raise Refusal(RefusalCode.NO_LIQUIDITY, f"nothing to trade with in {new.symbol}")
    if new.quote_amount is not None:
        check_swept(sweep.wanted, instrument)
    return sweep


class Arrival:
    """Lets orders meet the book.

    Args:
        matcher: Carries out what was decided.
    """

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher

    def meet(self, book: SymbolBook, record: OrderRecord, sweep: Sweep) -> OrderRecord:
        """Take what ``sweep`` says, then let the rest wait in the book or expire."""
        if not sweep.complete and _lifetime(record) is TimeInForce.FOK:
            return self._matcher.close(record, OrderState.EXPIRED, "fill_or_kill")
        record = self._matcher.take(book, record, sweep)
        if sweep.complete:
            return record
        if sweep.blocked:
            return self._matcher.close(record, OrderState.EXPIRED, "self_trade")
        if record.price is None or _lifetime(record) is not TimeInForce.GTC:
            return self._matcher.close(record, OrderState.EXPIRED, "unfilled")
        self._matcher.rest(book, record, record.price)
        return record

    def wake_reached(self, book: SymbolBook) -> None:
        """Let every waiting order go whose trigger a trade has reached.

        What one of them trades may reach the next one's trigger.
        """
        while book.woken:
            self._wake(book, self._matcher.record(book.symbol, book.woken.popleft()))

    def _wake(self, book: SymbolBook, record: OrderRecord) -> None:
        sweep = sweep_amount(book.takeable(record.side, record.price), record.amount)
        is_market_buy = record.price is None and record.side is Side.BUY
        needed: Decimal = sweep.cost if is_market_buy else ZERO
        try:
            record = self._matcher.wake(record, needed)
        except Refusal:
            # Binance takes the order out and says so; the funds it bound are free again.
            self._matcher.close(record, OrderState.EXPIRED, "insufficient_funds")
            return
        self.meet(book, record, sweep)


def _lifetime(record: OrderRecord) -> TimeInForce:
    return _FIXED_LIFETIME.get(record.type, record.time_in_force)
