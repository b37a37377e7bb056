"""The exchange itself: a market feed, the matching engine and the public record, in step."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.domain.order import Side
from cryptobot.matching.engine import MatchingEngine
from cryptobot.matching.events import ExecutionEvent, PublicPrint
from cryptobot.matching.ledger import Ledger
from cryptobot.matching.records import FeeSchedule, NewOrder, OrderRecord
from cryptobot.simulator.clock import ExchangeClock
from cryptobot.simulator.listing import starting_funds
from cryptobot.simulator.market.feed import BookChange, MarketFeed, MarketTrade
from cryptobot.simulator.symbol_market import SymbolMarket
from cryptobot.simulator.tape import TapeTrade

ChangedLevels = Sequence[tuple[Side, Decimal]]


class VenueListener(Protocol):
    """Told of everything that happens, at once, with the exchange's clock at that moment."""

    def traded(self, market: SymbolMarket, trade: TapeTrade) -> None:
        """Take note of a public trade."""
        ...

    def book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        """Take note that levels changed: bids for ``BUY``, asks for ``SELL``, by price."""
        ...

    def executed(self, market: SymbolMarket, event: ExecutionEvent) -> None:
        """Take note of a change of one of the account's orders."""
        ...

    def time_passed(self, now_ns: int) -> None:
        """Do what is due by ``now_ns``."""
        ...


class Venue:
    """Plays a feed against the account's orders.

    Every call that looks or trades should come after ``advance``, so that what it meets is the
    market of that moment.

    Args:
        feed: The market; it is started here.
        clock: The exchange's.
        fees: Maker and taker fees.
    """

    def __init__(
        self, feed: MarketFeed, clock: ExchangeClock, fees: FeeSchedule | None = None
    ) -> None:
        self.feed = feed
        self.clock = clock
        self.fees = fees or FeeSchedule()
        feed.start(clock.now_ns())
        self.markets = {listing.wire: SymbolMarket(listing, feed) for listing in feed.listings}
        self._by_symbol = {market.symbol: market for market in self.markets.values()}
        self._listeners: list[VenueListener] = []
        self.engine = MatchingEngine(
            {listing.symbol: listing.instrument for listing in feed.listings},
            Ledger(starting_funds(feed.listings)),
            self.fees,
            clock,
            on_event=self._executed,
            filters={listing.symbol: listing.filters for listing in feed.listings},
            trade_ids=self._trade_id,
        )
        for market in self.markets.values():
            last = market.last_price()
            if last is not None:
                self.engine.set_last_price(market.symbol, last)
        self._printed_id: int | None = None
        self.market_trades = 0

    def listen(self, listener: VenueListener) -> None:
        """Tell ``listener`` everything from now on."""
        self._listeners.append(listener)

    @property
    def ended(self) -> bool:
        """Whether a replay has played its last event."""
        return self.feed.next_ns() is None

    def advance(self) -> None:
        """Play the market up to now."""
        now_ns = self.clock.flowing_ns()
        try:
            for event in self.feed.due(now_ns):
                self.clock.hold(event.at_ns)
                if isinstance(event, BookChange):
                    self._change_book(event)
                else:
                    self._trade(event)
        finally:
            self.clock.release()
        for listener in self._listeners:
            listener.time_passed(now_ns)

    def place(self, new: NewOrder) -> OrderRecord:
        """Take an order of the account. Raises ``Refusal``.

        The time stands meanwhile: an order, its trades and its answer have one time, as on Binance.
        """
        self.clock.hold(self.clock.now_ns())
        try:
            return self.engine.place(new)
        finally:
            self.clock.release()

    def cancel(self, symbol: str, order_id: int) -> OrderRecord:
        """Cancel an open order of the account. Raises ``Refusal``."""
        return self.engine.cancel(symbol, order_id)

    def _change_book(self, event: BookChange) -> None:
        market = self._by_symbol[event.symbol]
        if event.whole:
            bids, asks = self.engine.book(event.symbol)
            self.engine.set_book(event.symbol, event.bids, event.asks)
            levels = [(Side.BUY, level.price) for level in (*bids, *event.bids)]
            levels += [(Side.SELL, level.price) for level in (*asks, *event.asks)]
        else:
            self.engine.apply_levels(event.symbol, event.bids, event.asks)
            levels = [(Side.BUY, level.price) for level in event.bids]
            levels += [(Side.SELL, level.price) for level in event.asks]
        self._book_changed(market, levels)

    def _trade(self, event: MarketTrade) -> None:
        market = self._by_symbol[event.symbol]
        self.market_trades += 1
        trade_id = market.tape.next_id()
        self._print(market, trade_id, event)
        self._printed_id = trade_id
        self.engine.apply_trade(event.symbol, event.price, event.amount, event.taker_side)
        self._printed_id = None

    def _trade_id(self, symbol: str) -> int:
        """Number a fill of ours as the public trade that it is.

        A trade of the feed has been printed with one number. The first of our orders that it
        fills takes that; any other takes a number of its own, which the tape then leaves out,
        as no two fills of a symbol may have one number.
        """
        printed, self._printed_id = self._printed_id, None
        return self._by_symbol[symbol].tape.next_id() if printed is None else printed

    def _executed(self, event: ExecutionEvent) -> None:
        market = self._by_symbol[event.order.symbol]
        if event.depth:
            self._book_changed(market, [(change.side, change.price) for change in event.depth])
        for listener in self._listeners:
            listener.executed(market, event)
        if event.public is not None:
            self._print(market, event.public.trade_id, event.public)

    def _book_changed(self, market: SymbolMarket, levels: ChangedLevels) -> None:
        if not levels:
            return
        market.update_id += len(levels)
        for listener in self._listeners:
            listener.book_changed(market, levels)

    def _print(
        self, market: SymbolMarket, trade_id: int, printed: MarketTrade | PublicPrint
    ) -> None:
        trade = TapeTrade(
            trade_id,
            printed.at_ns // NS_PER_MS,
            printed.price,
            printed.amount,
            buyer_is_maker=printed.taker_side is Side.SELL,
        )
        market.trade(trade)
        for listener in self._listeners:
            listener.traded(market, trade)
