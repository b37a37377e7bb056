"""What must hold after every step, whatever happened: checked from the outside."""

from collections import defaultdict
from decimal import Decimal

from cryptobot.domain.order import OrderState, OrderType, Side
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.events import ExecutionEvent, ExecutionKind
from cryptobot.matching.records import OrderRecord

from .venue import BUY, SELL

ENDS = {
    ExecutionKind.CANCELED: OrderState.CANCELED,
    ExecutionKind.EXPIRED: OrderState.EXPIRED,
}


class Auditor:
    """Follows the events of one engine and one symbol, and compares.

    It keeps its own books: money from the trades alone, open orders from the events alone.
    """

    def __init__(self, engine: MatchingEngine, symbol: str) -> None:
        self.engine = engine
        self.symbol = symbol
        self.start = {asset: sum(held) for asset, held in engine.ledger.balances().items()}
        self.flow: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.open: dict[int, OrderRecord] = {}
        self.last_execution_id = 0
        self.last_trade_id = 0

    def on_event(self, event: ExecutionEvent) -> None:
        assert event.execution_id == self.last_execution_id + 1
        self.last_execution_id = event.execution_id
        order = event.order
        if event.kind is ExecutionKind.NEW:
            assert order.order_id not in self.open
            assert order.state is OrderState.ACCEPTED
            self.open[order.order_id] = order
        elif event.kind is ExecutionKind.TRADE:
            self._on_trade(event)
        elif event.kind is ExecutionKind.TRIGGERED:
            assert self.open[order.order_id].is_waiting
            assert order.working_ns is not None
            self.open[order.order_id] = order
        else:
            assert order.state is ENDS[event.kind]
            del self.open[order.order_id]

    def _on_trade(self, event: ExecutionEvent) -> None:
        order, trade = event.order, event.trade
        assert trade is not None
        assert trade.trade_id > self.last_trade_id
        self.last_trade_id = trade.trade_id
        before = self.open[order.order_id]
        assert not before.is_waiting
        assert trade.amount > 0
        assert order.executed == before.executed + trade.amount <= order.amount
        assert order.cost == before.cost + trade.price * trade.amount
        assert order.fills == (*before.fills, trade)
        if order.price is not None:
            assert trade.price <= order.price if order.side is BUY else trade.price >= order.price
        if order.quote_amount is not None:
            assert order.cost <= order.quote_amount
        if trade.is_maker:
            self._check_turn(order)
        elif before.fills:
            earlier = before.fills[-1].price
            assert trade.price >= earlier if order.side is BUY else trade.price <= earlier
        if order.executed == order.amount:
            assert order.state is OrderState.FILLED
            del self.open[order.order_id]
        else:
            assert order.state is OrderState.PARTIALLY_FILLED
            self.open[order.order_id] = order
        base, quote = self.symbol.split("/")
        sign = 1 if order.side is BUY else -1
        self.flow[base] += sign * trade.amount
        self.flow[quote] -= sign * trade.price * trade.amount
        assert trade.commission_asset == (base if order.side is BUY else quote)
        self.flow[trade.commission_asset] -= trade.commission

    def _check_turn(self, filled: OrderRecord) -> None:
        """Price before time: nobody of ours in front of a maker that fills."""
        for other in self.open.values():
            if other.is_waiting:
                continue
            if other.side is filled.side and other.order_id != filled.order_id:
                assert rank(other) > rank(filled)

    def check(self) -> None:
        self._check_orders()
        self._check_money()
        self._check_book()

    def _check_orders(self) -> None:
        assert self.engine.open_orders(self.symbol) == sorted(
            self.open.values(), key=lambda order: order.order_id
        )
        for order in self.open.values():
            assert order.type is not OrderType.MARKET or order.is_waiting
            last = self.engine.last_price(self.symbol)
            if order.is_waiting and order.trigger is not None and last is not None:
                assert not order.trigger.reached(order.side, last)

    def _check_money(self) -> None:
        base, quote = self.symbol.split("/")
        needed: defaultdict[str, Decimal] = defaultdict(Decimal)
        for order in self.open.values():
            if order.side is SELL:
                needed[base] += order.amount - order.executed
            elif order.price is not None:
                needed[quote] += order.price * (order.amount - order.executed)
            else:
                assert order.trigger is not None
                needed[quote] += order.trigger.price * order.amount
        for asset, held in self.engine.ledger.balances().items():
            assert held.free >= 0
            assert held.locked == needed[asset]
            assert held.free + held.locked == self.start[asset] + self.flow[asset]

    def _check_book(self) -> None:
        bids, asks = self.engine.book(self.symbol, 5)
        assert all(level.amount > 0 for level in (*bids, *asks))
        assert bids == sorted(bids, reverse=True)
        assert asks == sorted(asks)
        if bids and asks:
            assert bids[0].price < asks[0].price


def rank(order: OrderRecord) -> tuple[Decimal, int]:
    """An order's place among our own on its side: the lower, the earlier."""
    assert order.price is not None
    return (-order.price if order.side is Side.BUY else order.price), order.order_id
