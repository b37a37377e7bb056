"""Positions and balances of both modes, in memory; prices from the market."""

from collections.abc import Callable, Container, Mapping
from decimal import Decimal

from cryptobot.domain.clock import iso
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO, plain
from cryptobot.domain.order import Fill, Order
from cryptobot.journal.positions import Position
from cryptobot.trading.exchange import Balance
from cryptobot.trading.risk import Holding


class Portfolio:
    """What is held. Positions come from our fills, balances from the venues.

    Args:
        price: The latest price of a symbol in quote currency, ``None`` while unknown.
    """

    def __init__(self, price: Callable[[str], Decimal | None]) -> None:
        self._price = price
        self._positions: dict[Mode, dict[str, Position]] = {mode: {} for mode in Mode}
        self._balances: dict[Mode, Mapping[str, Balance]] = {mode: {} for mode in Mode}
        self._read_ns: dict[Mode, int] = {}

    def price(self, symbol: str) -> Decimal | None:
        """Return the latest price in quote currency."""
        return self._price(symbol)

    def position(self, mode: Mode, symbol: str) -> Decimal:
        """Return the amount that our fills left, in base currency."""
        held = self._positions[mode].get(symbol)
        return ZERO if held is None else held.amount

    def positions(self, mode: Mode) -> Mapping[str, Position]:
        """Return the positions of a mode by symbol."""
        return self._positions[mode]

    def balances(self, mode: Mode) -> Mapping[str, Balance]:
        """Return the latest known balances of a mode."""
        return self._balances[mode]

    def balances_ns(self, mode: Mode) -> int | None:
        """Return when the balances of a mode were as they are known; ``None`` before the first."""
        return self._read_ns.get(mode)

    def set_positions(self, mode: Mode, positions: Mapping[str, Position]) -> None:
        """Replace the positions of a mode: from the journal, or at a switch."""
        self._positions[mode] = dict(positions)

    def set_balances(self, mode: Mode, balances: Mapping[str, Balance], at_ns: int) -> None:
        """Replace the balances of a mode by those of ``at_ns``, nanoseconds since 1970.

        A live account that held something and is said to hold nothing is not believed: a reply
        that was cut off looks the same.
        """
        held = any(balance.total for balance in self._balances[mode].values())
        if mode is Mode.LIVE and held and not any(item.total for item in balances.values()):
            return
        self._balances[mode] = dict(balances)
        self._read_ns[mode] = at_ns

    def on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        """Book new fills; a listener of the order tracker."""
        held = self._positions[order.mode]
        for fill in fills:
            held[fill.symbol] = (held.get(fill.symbol) or Position(fill.symbol)).after(fill)

    def equity(self, mode: Mode, currency: str) -> Decimal | None:
        """Return the balances' worth in ``currency``; ``None`` while a price is missing.

        Assets with no watched pair against ``currency`` are left out.
        """
        total = ZERO
        for asset, balance in self._balances[mode].items():
            if asset == currency:
                total += balance.total
                continue
            price = self._price(f"{asset}/{currency}")
            if price is not None:
                total += balance.total * price
        return total

    def profit(self, mode: Mode, symbols: Container[str]) -> dict[str, Decimal] | None:
        """Return realized and unrealized profit of ``symbols``, each in its quote currency.

        ``None`` while the price of something held is missing.
        """
        found = {}
        for symbol, held in self._positions[mode].items():
            if symbol not in symbols:
                continue  # nobody tells its price
            price = self._price(symbol) if held.amount else ZERO
            if price is None:
                return None
            found[symbol] = held.realized + held.amount * price - held.cost
        return found

    def holdings(self, mode: Mode) -> dict[str, Holding]:
        """Return the positions with what one of each is worth: the market's price, or its cost."""
        return {
            symbol: Holding(held.amount, self._price(symbol) or held.average or ZERO)
            for symbol, held in self._positions[mode].items()
            if held.amount
        }

    def to_wire(self, mode: Mode, currency: str) -> dict[str, object]:
        """Return the portfolio as the control socket shows it."""
        equity = self.equity(mode, currency)
        read_ns = self.balances_ns(mode)
        return {
            "mode": str(mode),
            "currency": currency,
            "equity": None if equity is None else plain(equity.quantize(Decimal("0.01"))),
            "balances_at": None if read_ns is None else iso(read_ns),
            "balances": [
                {
                    "asset": asset,
                    "free": plain(balance.free),
                    "locked": plain(balance.locked),
                    "total": plain(balance.total),
                }
                for asset, balance in sorted(self._balances[mode].items())
            ],
            "positions": [
                self._position_to_wire(position)
                for _, position in sorted(self._positions[mode].items())
            ],
        }

    def _position_to_wire(self, position: Position) -> dict[str, object]:
        mark = self._price(position.symbol)
        unrealized = None
        if mark is not None:
            unrealized = position.amount * mark - position.cost
        return {
            "symbol": position.symbol,
            "amount": plain(position.amount),
            "average": None if position.average is None else _cents(position.average),
            "mark": None if mark is None else plain(mark),
            "unrealized": None if unrealized is None else _cents(unrealized),
            "realized": _cents(position.realized),
        }


def _cents(value: Decimal) -> str:
    return plain(value.quantize(Decimal("0.0001")))
