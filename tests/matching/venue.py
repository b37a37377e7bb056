"""A matching engine with one symbol, a full account and a record of its events."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.money import plain
from cryptobot.domain.order import OrderType, Side, TimeInForce
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.events import ExecutionEvent, ExecutionKind
from cryptobot.matching.filters import SymbolFilters
from cryptobot.matching.ledger import Ledger
from cryptobot.matching.records import FeeSchedule, NewOrder, OrderRecord

D = Decimal
SYMBOL = "BTC/USDT"
BUY, SELL = Side.BUY, Side.SELL
INSTRUMENT = Instrument(
    SYMBOL,
    "BTC",
    "USDT",
    price_step=D("0.01"),
    amount_step=D("0.001"),
    min_amount=D("0.001"),
    max_amount=D(1000),
    min_price=D("0.01"),
    max_price=D(100000),
    min_notional=D(5),
    max_notional=D(1000000),
)


class Venue:
    """Short words for what tests do: amounts and prices are strings, levels ``"100 x 2"``."""

    def __init__(
        self,
        *,
        btc: str = "100",
        usdt: str = "100000",
        fees: FeeSchedule | None = None,
        instrument: Instrument = INSTRUMENT,
        filters: SymbolFilters | None = None,
        trade_ids: Callable[[str], int] | None = None,
        keep_closed: int | None = None,
    ) -> None:
        self.events: list[ExecutionEvent] = []
        self.clock = ManualClock()
        self.ledger = Ledger({"BTC": D(btc), "USDT": D(usdt)})
        self.engine = MatchingEngine(
            {SYMBOL: instrument},
            self.ledger,
            fees or FeeSchedule(),
            self.clock,
            on_event=self.events.append,
            filters=None if filters is None else {SYMBOL: filters},
            trade_ids=trade_ids,
            keep_closed=keep_closed,
        )

    def book(self, bids: str = "", asks: str = "") -> None:
        self.engine.set_book(SYMBOL, levels(bids), levels(asks))

    def window(self, bids: str = "", asks: str = "") -> None:
        self.engine.set_window(SYMBOL, levels(bids), levels(asks))

    def diff(self, bids: str = "", asks: str = "") -> None:
        self.engine.apply_levels(SYMBOL, levels(bids), levels(asks))

    def trade(self, taker: Side, amount: str, price: str) -> None:
        self.engine.apply_trade(SYMBOL, D(price), D(amount), taker)

    def limit(self, side: Side, amount: str, price: str, **more: Any) -> OrderRecord:
        return self.engine.place(
            NewOrder(SYMBOL, side, more.pop("type", OrderType.LIMIT), D(amount), D(price), **more)
        )

    def ioc(self, side: Side, amount: str, price: str) -> OrderRecord:
        return self.limit(side, amount, price, time_in_force=TimeInForce.IOC)

    def fok(self, side: Side, amount: str, price: str) -> OrderRecord:
        return self.limit(side, amount, price, time_in_force=TimeInForce.FOK)

    def maker(self, side: Side, amount: str, price: str) -> OrderRecord:
        return self.limit(side, amount, price, type=OrderType.LIMIT_MAKER)

    def market(self, side: Side, amount: str) -> OrderRecord:
        return self.engine.place(NewOrder(SYMBOL, side, OrderType.MARKET, D(amount)))

    def market_for(self, side: Side, quote_amount: str) -> OrderRecord:
        return self.engine.place(
            NewOrder(SYMBOL, side, OrderType.MARKET, None, quote_amount=D(quote_amount))
        )

    def now(self, record: OrderRecord) -> OrderRecord:
        found = self.engine.find(SYMBOL, order_id=record.order_id)
        assert found is not None
        return found

    def public(self) -> tuple[str, str]:
        bids, asks = self.engine.book(SYMBOL)
        return text(bids), text(asks)

    def last_event(self) -> ExecutionEvent:
        return self.events[-1]

    def kinds(self) -> list[ExecutionKind]:
        return [event.kind for event in self.events]

    def funds(self, asset: str) -> tuple[Decimal, Decimal]:
        held = self.ledger.holding(asset)
        return held.free, held.locked


def levels(words: str) -> list[tuple[Decimal, Decimal]]:
    """Read ``"100 x 2, 101 x 3"``."""
    pairs = (part.split("x") for part in words.split(",") if part.strip())
    return [(D(price.strip()), D(amount.strip())) for price, amount in pairs]


def text(found: Iterable[tuple[Decimal, Decimal]]) -> str:
    """Write what ``levels`` reads."""
    return ", ".join(f"{plain(price)} x {plain(amount)}" for price, amount in found)


def fills(record: OrderRecord) -> str:
    """Write an order's fills as levels."""
    return text((fill.price, fill.amount) for fill in record.fills)
