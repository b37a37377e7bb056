"""What a change of an order does: records, funds and the event that tells of it."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from cryptobot.domain.clock import Clock
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import OrderState, OrderType, Side
from cryptobot.matching.events import (
    DepthChange,
    ExecutionEvent,
    ExecutionKind,
    PublicPrint,
)
from cryptobot.matching.ledger import Ledger
from cryptobot.matching.order_store import OrderStore
from cryptobot.matching.records import FeeSchedule, OrderRecord, TradeRecord


def funds_needed(record: OrderRecord, instrument: Instrument) -> tuple[str, Decimal]:
    """Return the asset and the amount that must stay locked for what is left of an order.

    A market buy pays what its fills cost; between fills nothing of it rests, so nothing is
    needed. While it waits for its trigger it binds its amount at the trigger's price.
    """
    if record.side is Side.SELL:
        return instrument.base, record.remaining
    if record.price is None and record.is_waiting and record.trigger is not None:
        return instrument.quote, record.trigger.price * record.remaining
    if record.type is OrderType.MARKET or record.price is None:
        return instrument.quote, ZERO
    return instrument.quote, record.price * record.remaining


class Settlement:
    """Books every change of an order exactly once, and tells of it in order.

    Args:
        ledger: The account's funds.
        store: Where orders and trades are remembered.
        fees: Maker and taker fractions.
        clock: Stamps in UTC nanoseconds.
        on_event: Called by ``deliver`` with each event.
        trade_ids: Numbers a trade of the symbol it is given.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: OrderStore,
        fees: FeeSchedule,
        clock: Clock,
        *,
        on_event: Callable[[ExecutionEvent], None],
        trade_ids: Callable[[str], int],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._fees = fees
        self._clock = clock
        self._on_event = on_event
        self._trade_ids = trade_ids
        self._next_execution_id = 1
        self._pending: deque[ExecutionEvent] = deque()
        self._delivering = False

    def accept(self, record: OrderRecord, asset: str, amount: Decimal) -> None:
        """Lock the order's funds and take it in. Raises ``Refusal`` ``insufficient_funds``."""
        self._ledger.lock(asset, amount)
        self._store.put(record)
        self._emit(ExecutionKind.NEW, record, (asset,))

    def wake(self, record: OrderRecord, instrument: Instrument, needed: Decimal) -> OrderRecord:
        """Let a waiting order go to the book; return the order after it.

        Args:
            record: The order before.
            instrument: Of its symbol.
            needed: What a market buy will cost, in quote currency; other orders have bound what
                they need already.

        Raises:
            Refusal: ``insufficient_funds``: the order must be closed instead; nothing changed.
        """
        now = self._clock.now_ns()
        asset, bound = funds_needed(record, instrument)
        if record.price is None and record.side is Side.BUY:
            self._ledger.rebind(asset, bound, needed)
        after = replace(record, working_ns=now, updated_ns=now)
        self._store.put(after)
        self._emit(ExecutionKind.TRIGGERED, after, (asset,))
        return after

    def fill(
        self,
        record: OrderRecord,
        instrument: Instrument,
        price: Decimal,
        amount: Decimal,
        *,
        is_maker: bool,
        is_printed: bool,
    ) -> OrderRecord:
        """Trade ``amount`` of an order at ``price``; return the order after it.

        Args:
            record: The order before.
            instrument: Of its symbol.
            price: In quote currency, never worse than the order's limit.
            amount: In base currency, at most what is left.
            is_maker: Whether the order was resting.
            is_printed: Whether the feed has shown this trade to the public already.
        """
        now = self._clock.now_ns()
        cost = price * amount
        is_buy = record.side is Side.BUY
        if is_buy:
            self._ledger.spend(instrument.quote, cost)
            if record.price is not None:
                self._ledger.unlock(instrument.quote, record.price * amount - cost)
        else:
            self._ledger.spend(instrument.base, amount)
        received, asset = (amount, instrument.base) if is_buy else (cost, instrument.quote)
        commission = self._fees.commission(received, is_maker=is_maker)
        self._ledger.credit(asset, received - commission)
        trade = TradeRecord(
            trade_id=self._trade_ids(record.symbol),
            order_id=record.order_id,
            client_order_id=record.client_order_id,
            symbol=record.symbol,
            side=record.side,
            price=price,
            amount=amount,
            commission=commission,
            commission_asset=asset,
            is_maker=is_maker,
            at_ns=now,
        )
        executed = record.executed + amount
        after = replace(
            record,
            executed=executed,
            cost=record.cost + cost,
            fills=(*record.fills, trade),
            state=OrderState.FILLED if executed == record.amount else OrderState.PARTIALLY_FILLED,
            updated_ns=now,
        )
        self._store.put(after)
        public = None
        if not is_printed:
            taker = record.side.opposite if is_maker else record.side
            public = PublicPrint(record.symbol, trade.trade_id, price, amount, taker, now)
        self._emit(
            ExecutionKind.TRADE,
            after,
            (instrument.base, instrument.quote),
            trade=trade,
            public=public,
        )
        return after

    def close(
        self,
        record: OrderRecord,
        instrument: Instrument,
        state: OrderState,
        reason: str | None = None,
    ) -> OrderRecord:
        """End an order as canceled or expired and free what it still binds."""
        asset, amount = funds_needed(record, instrument)
        self._ledger.unlock(asset, amount)
        after = replace(record, state=state, updated_ns=self._clock.now_ns(), reason=reason)
        self._store.put(after)
        kind = ExecutionKind.CANCELED if state is OrderState.CANCELED else ExecutionKind.EXPIRED
        self._emit(kind, after, (asset,))
        return after

    def note_depth(self, change: DepthChange) -> None:
        """Add a change of the public book to the event that caused it: the latest."""
        event = self._pending[-1]
        self._pending[-1] = replace(event, depth=(*event.depth, change))

    def deliver(self) -> None:
        """Give out what happened, in order.

        Called when the engine is consistent again. A receiver may call the engine; what that
        causes is delivered after what is waiting already.
        """
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._pending:
                self._on_event(self._pending.popleft())
        finally:
            self._delivering = False

    def _emit(
        self,
        kind: ExecutionKind,
        record: OrderRecord,
        assets: tuple[str, ...],
        trade: TradeRecord | None = None,
        public: PublicPrint | None = None,
    ) -> None:
        self._pending.append(
            ExecutionEvent(
                execution_id=self._next_execution_id,
                kind=kind,
                order=record,
                at_ns=record.updated_ns,
                trade=trade,
                balances={asset: self._ledger.holding(asset) for asset in assets},
                public=public,
            )
        )
        self._next_execution_id += 1
