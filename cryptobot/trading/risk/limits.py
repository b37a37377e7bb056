"""What may be risked: in all, and for one symbol."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

IN_ALL: Final = "risk"
"""Where limits are set that hold for every symbol."""


@dataclass(frozen=True, slots=True)
class SymbolLimits:
    """Limits of one symbol; ``None``: the one that holds for every symbol.

    Attributes:
        max_order_notional: Quote currency, one order.
        max_position_notional: Quote currency, all its open orders filled.
        max_open_orders: Of this symbol, besides those in all.
        max_orders_per_10s: Of this symbol, besides those in all.
        max_daily_loss: Quote currency, of this symbol's trades, besides the loss in all.
        price_band: Furthest that a limit price may be from the market, as a fraction of it.
    """

    max_order_notional: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_open_orders: int | None = None
    max_orders_per_10s: int | None = None
    max_daily_loss: Decimal | None = None
    price_band: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RiskLimits:
    """What may be risked.

    Attributes:
        max_order_notional: Quote currency, one order.
        max_position_notional: Quote currency, one symbol, all its open orders filled.
        max_open_orders: Orders that may still trade, unresolved ones included.
        max_orders_per_10s: Orders sent in any 10 seconds.
        block_while_unresolved: Nobody trades a symbol's side while an order there is unknown;
            otherwise only the strategy whose order it is waits.
        max_total_notional: Quote currency, all symbols together; ``None`` for no limit.
        max_daily_loss: Quote currency, realized and unrealized since the UTC day began; ``None``
            for no limit.
        price_band: Furthest that a limit price may be from the market, as a fraction of it;
            ``None`` for no limit.
        symbols: Other limits for some symbols.
    """

    max_order_notional: Decimal
    max_position_notional: Decimal
    max_open_orders: int
    max_orders_per_10s: int
    block_while_unresolved: bool = True
    max_total_notional: Decimal | None = None
    max_daily_loss: Decimal | None = None
    price_band: Decimal | None = None
    symbols: Mapping[str, SymbolLimits] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, name: str, symbol: str) -> "Limit | None":
        """Return the limit that holds for a symbol: its own, else everybody's, else none."""
        return self.own(name, symbol) or self.in_all(name)

    def own(self, name: str, symbol: str) -> "Limit | None":
        """Return a symbol's own limit."""
        limits = self.symbols.get(symbol)
        value = None if limits is None else getattr(limits, name)
        return None if value is None else Limit(value, f'{IN_ALL}.symbols."{symbol}".{name}')

    def in_all(self, name: str) -> "Limit | None":
        """Return the limit that holds for every symbol, or for all together."""
        value = getattr(self, name)
        return None if value is None else Limit(value, f"{IN_ALL}.{name}")


class Limit(NamedTuple):
    """A limit and the setting it comes from."""

    value: Any
    setting: str


@dataclass(frozen=True, slots=True)
class Denial:
    """Why an order is not sent: ``code`` is from a closed set, ``reason`` for people."""

    code: str
    reason: str
