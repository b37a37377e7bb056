"""What the account holds: balances and positions."""

from dataclasses import dataclass
from decimal import Decimal

from cryptobot.gui.reported import instant
from cryptobot.gui.wire_values import (
    items,
    mapping,
    money,
    optional_money,
    optional_text,
    text,
)


@dataclass(frozen=True, slots=True)
class Balance:
    """What the account holds of an asset."""

    asset: str
    free: Decimal
    locked: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """What our fills of the current mode add up to in a symbol."""

    symbol: str
    amount: Decimal
    average: Decimal | None
    mark: Decimal | None
    unrealized: Decimal | None
    realized: Decimal | None


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The answer of ``portfolio.get``.

    Attributes:
        balances_at: When the venue had these balances, seconds since the epoch; ``None`` before
            they were ever read.
    """

    mode: str
    currency: str
    equity: Decimal | None
    balances_at: float | None = None
    balances: tuple[Balance, ...] = ()
    positions: tuple[Position, ...] = ()

    @classmethod
    def from_wire(cls, data: object) -> "Portfolio":
        """Return the portfolio.

        Raises:
            Malformed: A field is missing or of the wrong kind.
        """
        source = mapping(data, "portfolio")
        read_at = optional_text(source, "balances_at")
        return cls(
            mode=optional_text(source, "mode") or "",
            currency=optional_text(source, "currency") or "",
            equity=optional_money(source, "equity"),
            balances_at=None if read_at is None else instant(read_at),
            balances=tuple(_balance(item) for item in items(source, "balances")),
            positions=tuple(_position(item) for item in items(source, "positions")),
        )


def _balance(data: object) -> Balance:
    source = mapping(data, "balance")
    return Balance(
        text(source, "asset"),
        money(source, "free"),
        money(source, "locked"),
        money(source, "total"),
    )


def _position(data: object) -> Position:
    source = mapping(data, "position")
    return Position(
        text(source, "symbol"),
        money(source, "amount"),
        optional_money(source, "average"),
        optional_money(source, "mark"),
        optional_money(source, "unrealized"),
        optional_money(source, "realized"),
    )
