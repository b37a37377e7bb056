"""The exchange itself: the real matching engine, a market that moves, and all that was ever so."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from random import Random
from typing import Final

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.market import Book, Candle, Level, PublicTrade
from cryptobot.domain.order import Fill, Liquidity, OrderReport, OrderState, Side
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.events import ExecutionEvent
from cryptobot.matching.ledger import Ledger
from cryptobot.matching.records import FeeSchedule, NewOrder, OrderRecord, TradeRecord
from cryptobot.trading.exchange import Balance, OrderRequest

from .virtual_loop import EPOCH_NS, VirtualClock, VirtualLoop

BTC, ETH = "BTC/USDT", "ETH/USDT"
INSTRUMENTS: Final[Mapping[str, Instrument]] = {
    symbol: Instrument(
        symbol, symbol[:3], "USDT", D("0.01"), D("0.001"), D("0.001"), min_notional=D(5)
    )
    for symbol in (BTC, ETH)
}
FIRST_PRICES: Final = {BTC: D(100), ETH: D(50)}
DEPOSIT: Final = {"USDT": D(100_000), "BTC": D(500), "ETH": D(500)}
LEVELS: Final = 2
CANDLE_MS: Final = 1_000


class ModelExchange:
    """One account on one exchange. Its clock is right; it never forgets.

    Args:
        loop: Whose time.
        rng: Moves the market.
    """

    def __init__(self, loop: VirtualLoop, rng: Random) -> None:
        self._loop = loop
        self._rng = rng
        self.engine = MatchingEngine(
            INSTRUMENTS,
            Ledger(DEPOSIT),
            FeeSchedule(),
            VirtualClock(loop),
            on_event=self._on_event,
        )
        self._mid = dict(FIRST_PRICES)
        self._books: dict[str, Book] = {}
        self._histories: dict[str, list[tuple[float, OrderRecord]]] = {}
        self._trades: defaultdict[str, list[tuple[float, TradeRecord]]] = defaultdict(list)
        self._public = 0
        self.watchers: list[Callable[[OrderReport], None]] = []
        """Told of every change of an order, and of every trade, apart, as exchanges do."""

    # The market

    def move(self) -> None:
        """Let the market move a step."""
        for symbol, mid in self._mid.items():
            step = D(self._rng.randint(-20, 20)) / 100
            self._mid[symbol] = max(D(5), mid + step)
            book = self._books[symbol] = self._book(symbol)
            self.engine.set_book(symbol, book.bids, book.asks)
        if self._rng.random() < 0.5:
            trade = self.public_trade(self._rng.choice(list(self._mid)))
            self.engine.apply_trade(trade.symbol, trade.price, trade.amount, trade.side)

    def news(self) -> list[Book | PublicTrade | Candle]:
        """Return what the public hears of it."""
        symbol = self._rng.choice(list(self._mid))
        return [*self._books.values(), self.public_trade(symbol), self.candle(symbol)]

    def _book(self, symbol: str) -> Book:
        mid = self._mid[symbol]
        amount = D(self._rng.randint(1, 30)) / 10
        bids = [Level(mid - D(level) / 100, amount * level) for level in range(1, LEVELS + 1)]
        asks = [Level(mid + D(level) / 100, amount * level) for level in range(1, LEVELS + 1)]
        return Book(symbol, tuple(bids), tuple(asks), self._now_ns())

    def public_trade(self, symbol: str) -> PublicTrade:
        """Return a trade of others, near the middle."""
        self._public += 1
        price = self._mid[symbol] + D(self._rng.randint(-3, 3)) / 100
        amount = D(self._rng.randint(1, 40)) / 10
        side = self._rng.choice(list(Side))
        return PublicTrade(symbol, f"p{self._public}", side, price, amount, self._now_ns())

    def candle(self, symbol: str) -> Candle:
        """Return the running candle; a flat one does."""
        mid = self._mid[symbol]
        open_ms = self._now_ns() // NS_PER_MS // CANDLE_MS * CANDLE_MS
        return Candle(symbol, "1s", open_ms, mid, mid, mid, mid, D(1))

    def price(self, symbol: str) -> D:
        """Return the middle of the market."""
        return self._mid[symbol]

    # Writes: all raise ``Refusal``

    def place(self, request: OrderRequest) -> OrderReport:
        """Execute an order."""
        record = self.engine.place(
            NewOrder(
                symbol=request.symbol,
                side=request.side,
                type=request.type,
                amount=request.amount,
                price=request.price,
                time_in_force=request.time_in_force,
                client_order_id=request.client_order_id,
            )
        )
        return report_of(record, record.fills)

    def cancel(self, symbol: str, client_order_id: str) -> OrderReport:
        """Execute a cancel."""
        found = self.engine.find(symbol, client_order_id=client_order_id)
        record = self.engine.cancel(symbol, -1 if found is None else found.order_id)
        return report_of(record, ())

    # Reads, as things were at a virtual second

    def find(self, client_order_id: str, as_of_s: float) -> OrderReport | None:
        """Return an order; what trades it had is another question."""
        record = self._record(client_order_id, as_of_s)
        return None if record is None else report_of(record, ())

    def by_id(self, exchange_order_id: str, as_of_s: float) -> OrderReport | None:
        """Return an order by the exchange's own id."""
        found = (self.find(name, as_of_s) for name in self._histories)
        return next((it for it in found if it and it.exchange_order_id == exchange_order_id), None)

    def closed_orders(self, symbol: str, as_of_s: float) -> list[OrderReport]:
        """Return the orders that were closed."""
        found = (self._record(name, as_of_s) for name in self._histories)
        return [report_of(it, ()) for it in found if it and it.symbol == symbol and not it.is_open]

    def open_orders(self, symbol: str, as_of_s: float) -> list[OrderReport]:
        """Return the orders that were open."""
        records = [self._record(name, as_of_s) for name in self._histories]
        return [
            report_of(record, ())
            for record in records
            if record is not None and record.is_open and record.symbol == symbol
        ]

    def my_trades(self, symbol: str, as_of_s: float) -> list[Fill]:
        """Return the account's trades."""
        return [fill_of(trade) for at_s, trade in self._trades[symbol] if at_s <= as_of_s]

    def balances(self) -> dict[str, Balance]:
        """Return what the account holds now."""
        return {
            asset: Balance(held.free, held.locked)
            for asset, held in self.engine.ledger.balances().items()
        }

    def holds(self, client_order_id: str) -> bool:
        """Whether there is, or was, such an order."""
        return client_order_id in self._histories

    def trades(self) -> set[tuple[str, str]]:
        """Return symbol and id of every trade of the account."""
        return {
            (symbol, str(trade.trade_id))
            for symbol, trades in self._trades.items()
            for _, trade in trades
        }

    def orders(self) -> list[OrderRecord]:
        """Return every order there ever was, as it is now."""
        return [history[-1][1] for history in self._histories.values()]

    # Inside

    def _record(self, client_order_id: str, as_of_s: float) -> OrderRecord | None:
        found = None
        for at_s, record in self._histories.get(client_order_id, ()):
            if at_s > as_of_s:
                break
            found = record
        return found

    def _on_event(self, event: ExecutionEvent) -> None:
        now_s, order = self._loop.time(), event.order
        self._histories.setdefault(order.client_order_id, []).append((now_s, order))
        messages = [report_of(order, ())]
        if event.trade is not None:
            self._trades[order.symbol].append((now_s, event.trade))
            fill = fill_of(event.trade)
            messages.append(
                OrderReport(
                    symbol=fill.symbol,
                    client_order_id=None,
                    exchange_order_id=fill.exchange_order_id,
                    state=OrderState.PARTIALLY_FILLED,
                    filled=fill.amount,
                    cost=None,
                    at_ns=fill.at_ns,
                    fills=(fill,),
                )
            )
        for message in messages:
            for watcher in self.watchers:
                watcher(message)

    def _now_ns(self) -> int:
        return EPOCH_NS + round(self._loop.time() * 1e9)


def report_of(record: OrderRecord, trades: tuple[TradeRecord, ...]) -> OrderReport:
    """Return what the exchange says of an order."""
    return OrderReport(
        symbol=record.symbol,
        client_order_id=record.client_order_id,
        exchange_order_id=str(record.order_id),
        state=record.state,
        filled=record.executed,
        cost=record.cost,
        at_ns=record.updated_ns,
        fills=tuple(fill_of(trade) for trade in trades),
        reason=record.reason,
    )


def fill_of(trade: TradeRecord) -> Fill:
    """Return what the exchange says of a trade: it names the order by its own id only."""
    return Fill(
        trade_id=str(trade.trade_id),
        exchange_order_id=str(trade.order_id),
        client_order_id=None,
        symbol=trade.symbol,
        side=trade.side,
        price=trade.price,
        amount=trade.amount,
        fee=trade.commission,
        fee_currency=trade.commission_asset,
        liquidity=Liquidity.MAKER if trade.is_maker else Liquidity.TAKER,
        at_ns=trade.at_ns,
    )
