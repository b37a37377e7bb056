"""Checks intents against limits. Each denial says which limit, its value and its setting.

The checks are a table (``CHECKS``): the first that denies is told. All work on what is in memory
and take time in proportion to the open orders at the most.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from cryptobot.domain.clock import NS_PER_S, Clock
from cryptobot.domain.money import ZERO, plain
from cryptobot.domain.order import MANUAL, Order, OrderIntent, OrderState, OrderType
from cryptobot.trading.risk.exposure import reduces, worst_held, worst_position
from cryptobot.trading.risk.limits import Denial, Limit, RiskLimits

RATE_WINDOW_S: Final = 10


class Holding(NamedTuple):
    """A position and what one of its base currency is worth, in quote currency."""

    amount: Decimal
    price: Decimal


@dataclass(slots=True)
class Surroundings:
    """What the checks ask about; the answers come from memory.

    Attributes:
        market_price: A symbol's market price, ``None`` while unknown.
        no_book: Why a followed symbol has no book to trade on, ``None`` when it has one.
        holdings: The positions of the mode by symbol.
        daily_loss: What the UTC day has cost in quote currency, of a symbol or (``None``) in all;
            ``None`` while unknown.
    """

    market_price: Callable[[str], Decimal | None] = lambda _: None
    no_book: Callable[[str], str | None] = lambda _: None
    holdings: Callable[[], Mapping[str, Holding]] = dict
    daily_loss: Callable[[str | None], Decimal | None] = lambda _: None


class Question(NamedTuple):
    """An intent and how things stand."""

    intent: OrderIntent
    price: Decimal | None
    position: Decimal
    orders: Sequence[Order]


class Risk:
    """Checks intents of one mode against limits and counts what was sent.

    Args:
        limits: The limits.
        clock: Measures the rate window.
        surroundings: Prices, positions and losses; without them the limits on these are off.
    """

    def __init__(
        self, limits: RiskLimits, clock: Clock, surroundings: Surroundings | None = None
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._surroundings = surroundings or Surroundings()
        self._sent: deque[tuple[int, str]] = deque()

    def denial(
        self,
        intent: OrderIntent,
        price: Decimal | None,
        position: Decimal,
        open_orders: Iterable[Order],
    ) -> Denial | None:
        """Return why ``intent`` must not be sent, or ``None``.

        Args:
            intent: The order wanted.
            price: What to value it at, in quote currency; ``None`` when no price is known.
            position: Amount held of the base currency, negative when short.
            open_orders: All orders of the mode that may still trade. Unresolved ones count at
                their worst: as if they had filled.
        """
        question = Question(intent, price, position, tuple(open_orders))
        for code, check in CHECKS:
            reason = check(self, question)
            if reason is not None:
                return Denial(code, reason)
        return None

    def sent(self, symbol: str) -> None:
        """Count an order in the rate window."""
        self._sent.append((self._clock.monotonic_ns(), symbol))

    def unknown_outcome(self, question: Question) -> str | None:
        """Deny what could double an order whose outcome is unknown."""
        blocking = (order for order in question.orders if self._blocks(order, question.intent))
        unknown = next(blocking, None)
        if unknown is None:
            return None
        return (
            f"the outcome of {unknown.side} order {unknown.order_id} of {unknown.symbol} is "
            "unknown; it is being looked up (risk.block_while_unresolved)"
        )

    def _blocks(self, order: Order, intent: OrderIntent) -> bool:
        """Return whether ``intent`` must wait until the outcome of ``order`` is known."""
        if order.state is not OrderState.UNRESOLVED:
            return False
        if (order.symbol, order.side) != (intent.symbol, intent.side):
            return False
        own = order.origin == intent.origin and order.origin != MANUAL
        return own or self._limits.block_while_unresolved

    def open_orders(self, question: Question) -> str | None:
        """Deny one open order too many, in all or of the symbol."""
        symbol = question.intent.symbol
        of_symbol = sum(order.symbol == symbol for order in question.orders)
        for count, limit in (
            (len(question.orders), self._limits.in_all("max_open_orders")),
            (of_symbol, self._limits.own("max_open_orders", symbol)),
        ):
            if limit is not None and count >= limit.value:
                return f"{count} orders are open, the limit is {limit.value} ({limit.setting})"
        return None

    def rate(self, question: Question) -> str | None:
        """Deny one order too many in the window, in all or of the symbol."""
        self._forget_old()
        symbol = question.intent.symbol
        of_symbol = sum(sent == symbol for _, sent in self._sent)
        for count, limit in (
            (len(self._sent), self._limits.in_all("max_orders_per_10s")),
            (of_symbol, self._limits.own("max_orders_per_10s", symbol)),
        ):
            if limit is not None and count >= limit.value:
                return (
                    f"{count} orders were sent in the last {RATE_WINDOW_S} s, the limit is "
                    f"{limit.value} ({limit.setting})"
                )
        return None

    def book_current(self, question: Question) -> str | None:
        """Deny what makes a position larger while the book it was decided on is not known."""
        intent = question.intent
        why = self._surroundings.no_book(intent.symbol)
        if why is None or reduces(intent, question.position, question.orders):
            return None
        return (
            f"there is no current book of {intent.symbol}: {why}; until then only orders that make "
            "a position smaller are taken"
        )

    def price_known(self, question: Question) -> str | None:
        """Deny what cannot be valued."""
        if question.price is not None:
            return None
        return f"no price of {question.intent.symbol} is known yet; wait for data"

    def price_band(self, question: Question) -> str | None:
        """Deny a limit price too far from the market: a slip of the finger."""
        intent = question.intent
        limit = self._limits.of("price_band", intent.symbol)
        market = self._surroundings.market_price(intent.symbol)
        if limit is None or not market or intent.price is None or intent.type is OrderType.MARKET:
            return None
        distance = abs(intent.price - market) / market
        if distance <= limit.value:
            return None
        return (
            f"price {plain(intent.price)} is {_percent(distance)} from the market at "
            f"{plain(market)}, the limit is {_percent(limit.value)} ({limit.setting})"
        )

    def order_notional(self, question: Question) -> str | None:
        """Deny an order of too large a value."""
        limit = self._limits.of("max_order_notional", question.intent.symbol)
        notional = question.intent.amount * (question.price or ZERO)
        if limit is None or notional <= limit.value:
            return None
        return f"order value {plain(notional)} is above the limit {_text(limit)}"

    def position_notional(self, question: Question) -> str | None:
        """Deny what could make the symbol's position too large."""
        intent, price = question.intent, question.price or ZERO
        limit = self._limits.of("max_position_notional", intent.symbol)
        worst = abs(worst_position(intent, question.position, question.orders)) * price
        if limit is None or worst <= limit.value or worst <= abs(question.position) * price:
            return None
        return f"position could reach a value of {_cents(worst)}, the limit is {_text(limit)}"

    def total_notional(self, question: Question) -> str | None:
        """Deny what could make all positions together too large."""
        intent = question.intent
        limit = self._limits.in_all("max_total_notional")
        if limit is None or reduces(intent, question.position, question.orders):
            return None
        holdings = dict(self._surroundings.holdings())
        own = abs(worst_position(intent, question.position, question.orders))
        own = max(own, worst_held(intent.symbol, question.position, question.orders))
        total = own * (question.price or ZERO)
        symbols = {*holdings, *(order.symbol for order in question.orders)} - {intent.symbol}
        for symbol in symbols:
            amount, price = holdings.get(symbol) or (ZERO, None)
            worth = price or self._surroundings.market_price(symbol) or ZERO
            total += worst_held(symbol, amount, question.orders) * worth
        if total <= limit.value:
            return None
        return f"all positions could reach a value of {_cents(total)}, the limit is {_text(limit)}"

    def daily_loss(self, question: Question) -> str | None:
        """Deny what makes a position larger when the day has cost enough."""
        intent = question.intent
        if reduces(intent, question.position, question.orders):
            return None
        for symbol, limit in (
            (None, self._limits.in_all("max_daily_loss")),
            (intent.symbol, self._limits.own("max_daily_loss", intent.symbol)),
        ):
            loss = None if limit is None else self._surroundings.daily_loss(symbol)
            if limit is not None and loss is not None and loss >= limit.value:
                return (
                    f"the day's loss is {_cents(loss)}, the limit is {_text(limit)}; only orders "
                    "that make a position smaller are taken until the UTC day ends"
                )
        return None

    def _forget_old(self) -> None:
        horizon = self._clock.monotonic_ns() - RATE_WINDOW_S * NS_PER_S
        while self._sent and self._sent[0][0] <= horizon:
            self._sent.popleft()


Check = Callable[[Risk, Question], str | None]

CHECKS: Final[Sequence[tuple[str, Check]]] = (
    ("unresolved", Risk.unknown_outcome),
    ("max_open_orders", Risk.open_orders),
    ("max_orders_per_10s", Risk.rate),
    ("no_book", Risk.book_current),
    ("no_price", Risk.price_known),
    ("price_band", Risk.price_band),
    ("max_order_notional", Risk.order_notional),
    ("max_position_notional", Risk.position_notional),
    ("max_total_notional", Risk.total_notional),
    ("max_daily_loss", Risk.daily_loss),
)
"""The code of each denial and who decides on it, in the order in which they are asked."""


def _text(limit: Limit) -> str:
    return f"{plain(limit.value)} ({limit.setting})"


def _cents(value: Decimal) -> str:
    return plain(value.quantize(Decimal("0.01")))


def _percent(fraction: Decimal) -> str:
    return f"{plain((fraction * 100).quantize(Decimal('0.01')))} %"
