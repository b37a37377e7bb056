"""Random markets and random orders: what must hold, holds after every step."""

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cryptobot.domain.order import OrderType, Side, TimeInForce
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.records import NewOrder, OrderRecord
from cryptobot.matching.refusal import Refusal, RefusalCode
from cryptobot.matching.trigger import Trigger, TriggerKind

from .invariants import Auditor
from .venue import BUY, INSTRUMENT, SYMBOL, D, Venue

LOW, HIGH = 95, 105
prices = st.integers(LOW, HIGH).map(Decimal)
amounts = st.sampled_from([D(text) for text in ("0.001", "0.333", "0.5", "1", "2", "7.777")])
sides = st.sampled_from(Side)
Side_ = dict[Decimal, Decimal]


@st.composite
def books(draw: st.DrawFn) -> tuple[Side_, Side_]:
    """A market that does not cross itself."""
    middle = draw(st.integers(LOW, HIGH))
    bids = st.dictionaries(st.integers(LOW - 2, middle - 1).map(Decimal), amounts, max_size=4)
    asks = st.dictionaries(st.integers(middle, HIGH + 2).map(Decimal), amounts, max_size=4)
    return draw(bids), draw(asks)


class Market(RuleBasedStateMachine):
    @initialize(btc=st.integers(0, 20), usdt=st.integers(0, 2000))
    def open(self, btc: int, usdt: int) -> None:
        self.venue = Venue(
            btc=str(btc), usdt=str(usdt), instrument=replace(INSTRUMENT, min_notional=D(0))
        )
        self.audit = Auditor(self.venue.engine, SYMBOL)
        self.seen = 0
        self.feed: tuple[Side_, Side_] = ({}, {})
        self.taken: defaultdict[Decimal, Decimal] = defaultdict(Decimal)

    @rule(book=books(), how=st.sampled_from(["set_book", "set_window", "apply_levels"]))
    def feed_book(self, book: tuple[Side_, Side_], how: str) -> None:
        new_bids, new_asks = book
        if how == "apply_levels":
            new_bids, new_asks = (
                dict.fromkeys(old, ZERO) | new for old, new in zip(self.feed, book, strict=True)
            )
        self.feed = book
        self.taken.clear()
        getattr(self.venue.engine, how)(SYMBOL, new_bids.items(), new_asks.items())

    @rule(price=prices, amount=amounts, taker=sides)
    def feed_trade(self, price: Decimal, amount: Decimal, taker: Side) -> None:
        filled = self.filled_as_maker()
        self.venue.engine.apply_trade(SYMBOL, price, amount, taker)
        assert self.filled_as_maker() - filled <= amount

    def filled_as_maker(self) -> Decimal:
        """What a trade of the market may fill; what it triggers takes from the book."""
        mine = self.venue.engine.trades(SYMBOL)
        return sum((trade.amount for trade in mine if trade.is_maker), ZERO)

    @rule(
        side=sides,
        price=prices,
        amount=amounts,
        kind=st.sampled_from([OrderType.LIMIT, OrderType.LIMIT_MAKER]),
        lifetime=st.sampled_from(TimeInForce),
    )
    def place_limit(
        self,
        side: Side,
        price: Decimal,
        amount: Decimal,
        kind: OrderType,
        lifetime: TimeInForce,
    ) -> None:
        record = self.place(NewOrder(SYMBOL, side, kind, amount, price, lifetime))
        if record is None:
            return
        if kind is OrderType.LIMIT_MAKER:
            assert record.is_open
            assert not record.fills
        elif lifetime is TimeInForce.FOK:
            assert record.executed in {ZERO, amount}
        if lifetime is TimeInForce.IOC and kind is OrderType.LIMIT:
            assert not record.is_open
        if record.executed < amount and record.reason in {None, "unfilled"}:
            asks_or_bids = self.venue.engine.book(SYMBOL, 1)[side is BUY]
            for level in asks_or_bids:  # nothing within its limit is left
                assert level.price > price if side is BUY else level.price < price

    @rule(side=sides, amount=amounts)
    def place_market(self, side: Side, amount: Decimal) -> None:
        record = self.place(NewOrder(SYMBOL, side, OrderType.MARKET, amount))
        assert record is None or not record.is_open

    @rule(side=sides, quote=st.sampled_from(["0.05", "10", "99.99", "500", "1234.56"]))
    def place_market_by_quote(self, side: Side, quote: str) -> None:
        record = self.place(NewOrder(SYMBOL, side, OrderType.MARKET, None, quote_amount=D(quote)))
        assert record is None or not record.is_open

    @rule(
        side=sides,
        trigger=st.builds(Trigger, st.sampled_from(TriggerKind), prices),
        price=st.one_of(st.none(), prices),
        amount=amounts,
        lifetime=st.sampled_from(TimeInForce),
    )
    def place_waiting(
        self,
        side: Side,
        trigger: Trigger,
        price: Decimal | None,
        amount: Decimal,
        lifetime: TimeInForce,
    ) -> None:
        order_type = OrderType.MARKET if price is None else OrderType.LIMIT
        record = self.place(
            NewOrder(SYMBOL, side, order_type, amount, price, lifetime, trigger=trigger)
        )
        assert record is None or record.is_waiting

    @rule(which=st.integers(0, 50))
    def cancel(self, which: int) -> None:
        orders = self.venue.engine.orders(SYMBOL)
        if not orders:
            return
        order = orders[which % len(orders)]
        try:
            self.venue.engine.cancel(SYMBOL, order.order_id)
        except Refusal as refusal:
            assert refusal.code is RefusalCode.NOT_FOUND  # noqa: PT017 - most are closed
            assert not order.is_open
        else:
            assert order.is_open

    def place(self, new: NewOrder) -> OrderRecord | None:
        money, events = self.venue.ledger.balances(), len(self.venue.events)
        try:
            record = self.venue.engine.place(new)
        except Refusal:
            assert self.venue.ledger.balances() == money
            assert len(self.venue.events) == events
            return None
        for fill in record.fills:
            assert not fill.is_maker
            self.taken[fill.price] += fill.amount
            there = self.feed[1 if new.side is BUY else 0]
            assert self.taken[fill.price] <= there[fill.price]
        return record

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "audit"):
            return
        fresh: list[ExecutionEvent] = self.venue.events[self.seen :]
        self.seen += len(fresh)
        for event in fresh:
            self.audit.on_event(event)
        self.audit.check()


ZERO = D(0)
TestMarket = Market.TestCase
TestMarket.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
