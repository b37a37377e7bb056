"""What the engine takes and what it remembers: orders and their trades."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from cryptobot.domain.money import ZERO
from cryptobot.domain.order import OrderState, OrderType, Side, TimeInForce
from cryptobot.matching.trigger import Trigger


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Fees as fractions of what is received (``Decimal("0.001")`` is 0.1 %).

    Attributes:
        maker: For fills of resting orders.
        taker: For fills on arrival.
        decimals: A commission is cut (never rounded up) to that many decimals, as exchanges
            that keep balances with 8 decimals do; all arithmetic after that is exact.
    """

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    decimals: int = 8

    def commission(self, received: Decimal, *, is_maker: bool) -> Decimal:
        """Return the fee on ``received``, in the same asset."""
        fee = received * (self.maker if is_maker else self.taker)
        return fee.quantize(Decimal(1).scaleb(-self.decimals), rounding=ROUND_DOWN)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to place.

    Attributes:
        symbol: Unified symbol such as ``BTC/USDT``.
        amount: In base currency; ``None`` only with ``quote_amount``.
        price: In quote currency; ``None`` for market orders.
        client_order_id: The owner's id; the engine makes one when ``None``.
        quote_amount: Market orders only: how much quote currency to spend (buy) or to receive
            (sell), instead of ``amount``.
        trigger: Holds the order back from the book until the last trade price reaches it; ``type``
            says what it is then (``MARKET``: Binance's STOP_LOSS and TAKE_PROFIT).
    """

    symbol: str
    side: Side
    type: OrderType
    amount: Decimal | None
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    client_order_id: str | None = None
    quote_amount: Decimal | None = None
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """One fill of one of our orders.

    Attributes:
        trade_id: Unique per symbol, rising.
        price: In quote currency.
        amount: In base currency.
        commission: Taken from what was received, in ``commission_asset``.
        at_ns: UTC nanoseconds.
    """

    trade_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    at_ns: int

    @property
    def cost(self) -> Decimal:
        """Price times amount, in quote currency."""
        return self.price * self.amount


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """An order as it stands; a new value for every change.

    Attributes:
        order_id: Unique over the engine, rising.
        amount: In base currency. For an order by ``quote_amount``: what that bought or sold
            at the prices met.
        state: accepted, partially_filled, filled, canceled or expired.
        executed: In base currency, cumulative.
        cost: In quote currency, cumulative.
        fills: Its trades, oldest first.
        reason: Why it expired: ``unfilled``, ``fill_or_kill``, ``self_trade`` or
            ``insufficient_funds`` (a triggered market buy that the account cannot pay).
        trigger: What it waits or waited for, ``None`` for an order that never waits.
        working_ns: Since when the book knows it, UTC nanoseconds; ``None`` while it waits.
    """

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: Decimal | None
    amount: Decimal
    quote_amount: Decimal | None
    state: OrderState
    created_ns: int
    updated_ns: int
    executed: Decimal = ZERO
    cost: Decimal = ZERO
    fills: tuple[TradeRecord, ...] = ()
    reason: str | None = None
    trigger: Trigger | None = None
    working_ns: int | None = None

    @property
    def remaining(self) -> Decimal:
        """What has not filled, in base currency."""
        return self.amount - self.executed

    @property
    def is_open(self) -> bool:
        """Whether it rests in the book, or waits for its trigger."""
        return self.state in {OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED}

    @property
    def is_waiting(self) -> bool:
        """Whether it is open and its trigger has not been reached."""
        return self.trigger is not None and self.working_ns is None and self.is_open
