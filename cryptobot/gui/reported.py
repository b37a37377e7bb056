"""What the engine reported, as values: orders, fills, books, strategies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from cryptobot.domain.instrument import Instrument
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import OPEN, OrderState, Side
from cryptobot.gui.wire_values import (
    Malformed,
    items,
    mapping,
    money,
    optional_money,
    optional_number,
    optional_text,
    part,
    sequence,
    text,
)


def instant(stamp: str) -> float:
    """Return an ISO 8601 stamp as seconds since the epoch.

    Raises:
        Malformed: It is not one.
    """
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        raise Malformed(f"not a time: {stamp!r}") from None


def mode_word(mode: str, *, simulated: bool) -> str:
    """Return where an order of ``mode`` goes: to a simulated exchange is not live."""
    return "SIMULATED" if simulated and mode == Mode.LIVE else mode.upper()


@dataclass(frozen=True, slots=True)
class ReportedOrder:
    """An order as last reported. Times are seconds since the epoch, UTC."""

    order_id: str
    request_id: str
    client_order_id: str
    exchange_order_id: str
    symbol: str
    side: Side
    type: str
    time_in_force: str
    amount: Decimal
    price: Decimal | None
    filled: Decimal
    average: Decimal | None
    fee: tuple[tuple[str, Decimal], ...]
    state: OrderState
    mode: Mode
    origin: str
    reason: str | None
    latency_ms: float | None
    created: float
    updated: float
    failed: bool = False
    """Whether the engine counted it as failed, were it live."""
    simulated: bool = False
    """Whether "live" means a simulated exchange: no real money."""

    @property
    def is_open(self) -> bool:
        """Whether it may still trade."""
        return self.state in OPEN or self.state is OrderState.INITIALIZED

    @property
    def mode_word(self) -> str:
        """LIVE, PAPER or SIMULATED."""
        return mode_word(self.mode, simulated=self.simulated)

    @property
    def counts_as_failed(self) -> bool:
        """Whether ``cryptobot_orders_failed_total`` counts it: live ones only.

        It was rejected by the exchange, or once had no known outcome, whatever it became.
        """
        return self.failed and self.mode is Mode.LIVE

    @classmethod
    def from_wire(cls, data: object, *, simulated: bool = False) -> "ReportedOrder":
        """Return the order of the ``orders`` topic or an answer.

        Raises:
            Malformed: A field is missing or of the wrong kind.
        """
        source = mapping(data, "order")
        created = instant(text(source, "created_at"))
        try:
            return cls(
                order_id=text(source, "order_id"),
                request_id=optional_text(source, "request_id") or "",
                client_order_id=optional_text(source, "client_order_id") or "",
                exchange_order_id=optional_text(source, "exchange_order_id") or "",
                symbol=text(source, "symbol"),
                side=Side(text(source, "side")),
                type=text(source, "type"),
                time_in_force=optional_text(source, "time_in_force") or "",
                amount=money(source, "amount"),
                price=optional_money(source, "price"),
                filled=optional_money(source, "filled") or ZERO,
                average=optional_money(source, "average"),
                fee=_fees(source),
                state=OrderState(text(source, "state")),
                mode=Mode(text(source, "mode")),
                origin=optional_text(source, "origin") or "",
                reason=optional_text(source, "reason"),
                latency_ms=optional_number(source, "latency_ms"),
                created=created,
                updated=instant(stamp)
                if (stamp := optional_text(source, "updated_at"))
                else created,
                failed=source.get("failed") is True,
                simulated=simulated,
            )
        except Malformed:
            raise
        except ValueError as error:  # an unknown side, state or mode
            raise Malformed(f"order: {error}") from None


def _fees(source: Mapping[str, object]) -> tuple[tuple[str, Decimal], ...]:
    fees = part(source, "fee")
    return tuple((currency, money(fees, currency)) for currency in fees)


@dataclass(frozen=True, slots=True)
class ReportedFill:
    """One of our trades. ``at`` is in seconds since the epoch."""

    trade_id: str
    order_id: str
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    fee: Decimal
    fee_currency: str
    liquidity: str
    mode: str
    at: float
    simulated: bool = False
    """As of an order."""

    @property
    def mode_word(self) -> str:
        """LIVE, PAPER or SIMULATED."""
        return mode_word(self.mode, simulated=self.simulated)

    @classmethod
    def from_wire(cls, data: object, *, simulated: bool = False) -> "ReportedFill":
        """Return the fill of the ``fills`` topic or an answer.

        Raises:
            Malformed: A field is missing or of the wrong kind.
        """
        source = mapping(data, "fill")
        side = text(source, "side")
        if side not in {Side.BUY, Side.SELL}:
            raise Malformed(f"fill: {side!r} is not a side")
        return cls(
            trade_id=text(source, "trade_id"),
            order_id=optional_text(source, "order_id") or "",
            symbol=text(source, "symbol"),
            side=Side(side),
            price=money(source, "price"),
            amount=money(source, "amount"),
            fee=optional_money(source, "fee") or ZERO,
            fee_currency=optional_text(source, "fee_currency") or "",
            liquidity=optional_text(source, "liquidity") or "",
            mode=optional_text(source, "mode") or "",
            at=instant(text(source, "at")),
            simulated=simulated,
        )


@dataclass(frozen=True, slots=True)
class BookView:
    """A symbol's book, best first: (price, amount)."""

    symbol: str
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    age_ms: float | None

    @classmethod
    def from_wire(cls, data: object) -> "BookView":
        """Return the book of the ``book`` topic.

        Raises:
            Malformed: A field is missing or of the wrong kind.
        """
        source = mapping(data, "book")
        return cls(
            text(source, "symbol"),
            _levels(source, "bids"),
            _levels(source, "asks"),
            optional_number(source, "age_ms"),
        )


def _levels(source: Mapping[str, object], key: str) -> tuple[tuple[Decimal, Decimal], ...]:
    levels = []
    for entry in items(source, key):
        pair = sequence(entry, f"a level of {key}")
        if len(pair) < 2:  # noqa: PLR2004 - price and amount
            raise Malformed(f"a level of {key} has no amount")
        level = {"price": pair[0], "amount": pair[1]}
        levels.append((money(level, "price"), money(level, "amount")))
    return tuple(levels)


@dataclass(frozen=True, slots=True)
class StrategyRow:
    """A strategy the engine knows."""

    name: str
    state: str
    symbol: str
    params: Mapping[str, object]
    defaults: Mapping[str, object]
    orders: int
    fills: int
    error: str | None
    origin: str

    @classmethod
    def from_wire(cls, data: object) -> "StrategyRow":
        """Return one item of ``strategy.list``.

        Raises:
            Malformed: It has no name.
        """
        source = mapping(data, "strategy")
        return cls(
            name=text(source, "name"),
            state=optional_text(source, "state") or "stopped",
            symbol=optional_text(source, "symbol") or "",
            params=part(source, "params"),
            defaults=part(source, "defaults"),
            orders=int(optional_number(source, "orders") or 0),
            fills=int(optional_number(source, "fills") or 0),
            error=optional_text(source, "error"),
            origin=optional_text(source, "origin") or "",
        )


def instrument_from_wire(data: object) -> Instrument:
    """Return one item of ``instrument.list``.

    Raises:
        Malformed: A field is missing or of the wrong kind.
    """
    source = mapping(data, "instrument")
    return Instrument(
        symbol=text(source, "symbol"),
        base=text(source, "base"),
        quote=text(source, "quote"),
        price_step=money(source, "price_step"),
        amount_step=money(source, "amount_step"),
        min_amount=money(source, "min_amount"),
        min_notional=optional_money(source, "min_notional") or ZERO,
    )
