"""Orders: what was wanted, what became of it, and the table of how it may change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import Flag, StrEnum, auto
from operator import attrgetter
from typing import Any, Final

from cryptobot.domain.clock import iso
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO, decimal, plain

MANUAL: Final = "manual"
"""The origin of orders that a person or a program outside wants; else it is ``strategy:NAME``."""


class Side(StrEnum):
    """Buy or sell the base currency."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """How an order meets the book."""

    MARKET = "market"
    LIMIT = "limit"
    LIMIT_MAKER = "limit_maker"
    """A limit order that is refused if it would trade at once (post-only)."""


class TimeInForce(StrEnum):
    """How long a limit order stays."""

    GTC = "GTC"
    """Until cancelled."""
    IOC = "IOC"
    """Fills what it can at once, the rest expires."""
    FOK = "FOK"
    """Fills whole at once or expires."""


class Liquidity(StrEnum):
    """Which side of a trade was resting."""

    MAKER = "maker"
    TAKER = "taker"


class OrderState(StrEnum):
    """Where an order stands. ``TRANSITIONS`` says how it may move."""

    INITIALIZED = "initialized"
    """Accepted by the gateway, not yet journalled."""
    DENIED = "denied"
    """Refused here, before the wire; the exchange never saw it."""
    SUBMITTED = "submitted"
    """Journalled; on its way, no answer yet."""
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    """Refused by the exchange, on definite evidence."""
    UNRESOLVED = "unresolved"
    """Sent, outcome unknown; stays so until evidence or a person settles it."""


_S = OrderState
TERMINAL = frozenset({_S.DENIED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED})
"""States that nothing leaves."""

OPEN = frozenset({_S.SUBMITTED, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.UNRESOLVED})
"""States in which the order may still trade."""

_ANSWERS = frozenset(
    {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED}
)

TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = {
    _S.INITIALIZED: frozenset({_S.SUBMITTED, _S.DENIED}),
    _S.SUBMITTED: _ANSWERS | {_S.UNRESOLVED, _S.DENIED},  # denied: stopped at the fence
    _S.UNRESOLVED: _ANSWERS | {_S.DENIED},  # denied: proof that it never left
    # rejected: some exchanges acknowledge an order first and judge it afterwards (Bybit, OKX).
    _S.ACCEPTED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED}),
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED}),
    **{state: frozenset() for state in TERMINAL},
}
"""From each state, the states it may move to. All else is refused: orders only move forward."""


class News(Flag):
    """What a change of an order says for the first time: each is counted once."""

    NONE = 0
    ANSWERED = auto()
    """A definite answer, "unresolved" or "denied"."""
    FAILED = auto()
    """That it failed; with some exchanges after they have acknowledged it."""


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """What a person or a strategy wants.

    Attributes:
        symbol: Unified symbol such as ``BTC/USDT``.
        amount: In base currency.
        price: In quote currency; ``None`` for market orders.
        origin: Who wants it: ``manual`` or ``strategy:NAME``.
        request_id: Correlates everything done for one request; drawn when ``None``.
        expected_mode: Where the person believes it goes; it is denied when orders go elsewhere
            by the time it arrives. ``None``: wherever orders go.

    Raises:
        ValueError: Amount or price is not an exact, finite number.
    """

    symbol: str
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    origin: str = MANUAL
    request_id: str | None = None
    expected_mode: Mode | None = None

    def __post_init__(self) -> None:
        decimal(self.amount)
        if self.price is not None:
            decimal(self.price)


@dataclass(frozen=True, slots=True)
class Fill:
    """One trade of one of our orders.

    Attributes:
        trade_id: The exchange's trade id, unique per symbol: fills are keyed by it.
        client_order_id: Ours, or ``None`` where the exchange did not repeat it.
        price: In quote currency.
        amount: In base currency.
        fee: What was charged, in ``fee_currency``.
        at_ns: When it traded by the exchange's clock, UTC nanoseconds.
    """

    trade_id: str
    exchange_order_id: str
    client_order_id: str | None
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: Liquidity
    at_ns: int

    def to_wire(self) -> dict[str, object]:
        """Return the fill as it is shown on the control socket: numbers as strings."""
        return {
            "trade_id": self.trade_id,
            "exchange_order_id": self.exchange_order_id,
            "client_order_id": self.client_order_id,
            "symbol": self.symbol,
            "side": str(self.side),
            "price": plain(self.price),
            "amount": plain(self.amount),
            "fee": plain(self.fee),
            "fee_currency": self.fee_currency,
            "liquidity": str(self.liquidity),
            "at": iso(self.at_ns),
        }


@dataclass(frozen=True, slots=True)
class OrderReport:
    """What a venue says of an order: an answer, a stream event or the result of a look-up.

    Attributes:
        state: One of accepted, partially_filled, filled, canceled, expired, rejected.
        filled: Cumulative, in base currency.
        cost: Cumulative, in quote currency; ``None`` where the venue did not say.
        fills: The trades this report brings, possibly none, possibly some known already.
        acknowledged_only: It says that the order was taken, and not what became of it: look it up.
        at_ns: The venue's time of the report, UTC nanoseconds.
        side: ``None`` where the venue did not say.
        amount: What was ordered, in base currency; ``None`` where the venue did not say.
    """

    symbol: str
    client_order_id: str | None
    exchange_order_id: str
    state: OrderState
    filled: Decimal
    cost: Decimal | None
    at_ns: int
    fills: tuple[Fill, ...] = ()
    reason: str | None = None
    acknowledged_only: bool = False
    side: Side | None = None
    amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order and all that is known of it; a new value for every change.

    Attributes:
        order_id: 32 hex digits, ours.
        client_order_id: What the exchange is told; derived from ``order_id``.
        filled: In base currency; only grows.
        cost: In quote currency, of the filled part.
        fees: Charged so far, by currency.
        mode: Where it was sent; fixed when the gateway accepts it.
        reason: Why it was denied, rejected, or is unresolved.
        created_ns: When the gateway accepted the intent, UTC nanoseconds.
        answered_ns: When the first definite answer (or "unresolved") was reached; ``None`` before.
        latency_ms: From acceptance to that answer, by the monotonic clock.
        failed: Whether it counts in ``cryptobot_orders_failed_total``.
    """

    order_id: str
    request_id: str
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    amount: Decimal
    price: Decimal | None
    time_in_force: TimeInForce
    origin: str
    mode: Mode
    state: OrderState
    created_ns: int
    updated_ns: int
    exchange_order_id: str | None = None
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    fees: Mapping[str, Decimal] = field(default_factory=dict)
    reason: str | None = None
    answered_ns: int | None = None
    latency_ms: float | None = None
    failed: bool = False

    @property
    def average(self) -> Decimal | None:
        """Average fill price in quote currency, ``None`` while nothing is filled."""
        return self.cost / self.filled if self.filled else None

    @property
    def remaining(self) -> Decimal:
        """What may still fill, in base currency."""
        return self.amount - self.filled

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.state in OPEN

    def moved(self, state: OrderState, at_ns: int, reason: str | None = None) -> "Order":
        """Return the order in ``state``.

        Raises:
            ValueError: If ``TRANSITIONS`` does not allow the move.
        """
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"order {self.order_id}: {self.state} cannot become {state}")
        return self.changed(state=state, updated_ns=at_ns, reason=reason or self.reason)

    def changed(self, **changes: Any) -> "Order":
        """Return the order with other values for some attributes.

        As ``dataclasses.replace``, in half its time: every order passes here several times.
        """
        return Order(**{**dict(zip(_NAMES, _VALUES(self), strict=True)), **changes})

    def to_wire(self) -> dict[str, object]:
        """Return the order as the control socket shows it: amounts and prices as strings."""
        return {
            "order_id": self.order_id,
            "request_id": self.request_id,
            "client_order_id": self.client_order_id,
            "exchange_order_id": self.exchange_order_id,
            "symbol": self.symbol,
            "side": str(self.side),
            "type": str(self.type),
            "time_in_force": str(self.time_in_force),
            "amount": plain(self.amount),
            "price": None if self.price is None else plain(self.price),
            "state": str(self.state),
            "filled": plain(self.filled),
            "average": None if self.average is None else plain(self.average),
            "fee": {currency: plain(amount) for currency, amount in self.fees.items()},
            "mode": str(self.mode),
            "origin": self.origin,
            "reason": self.reason,
            "failed": self.failed,
            "latency_ms": self.latency_ms,
            "created_at": iso(self.created_ns),
            "updated_at": iso(self.updated_ns),
        }


_NAMES = tuple(each.name for each in fields(Order))
_VALUES = attrgetter(*_NAMES)
