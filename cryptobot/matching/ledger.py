"""Exact balances with locked funds; nothing here is ever negative."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from cryptobot.domain.money import ZERO, plain
from cryptobot.matching.refusal import Refusal, RefusalCode


class Holding(NamedTuple):
    """An asset's amounts: ``locked`` is bound in open orders."""

    free: Decimal
    locked: Decimal


_NOTHING = Holding(ZERO, ZERO)


class Ledger:
    """Free and locked amounts per asset.

    Args:
        balances: What is held at the start.
    """

    def __init__(self, balances: Mapping[str, Decimal] | None = None) -> None:
        self._holdings: dict[str, Holding] = {}
        for asset, amount in (balances or {}).items():
            self.deposit(asset, amount)

    def balances(self) -> dict[str, Holding]:
        """Return every asset ever held, also those at zero now."""
        return dict(self._holdings)

    def holding(self, asset: str) -> Holding:
        """Return an asset's amounts, zeros when it was never held."""
        return self._holdings.get(asset, _NOTHING)

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Add ``amount`` from outside to the free funds."""
        self.credit(asset, amount)

    def reset(self, balances: Mapping[str, Decimal]) -> None:
        """Hold exactly ``balances`` from now on; nothing may be locked."""
        bound = sorted(asset for asset, holding in self._holdings.items() if holding.locked)
        if bound:
            raise ValueError(f"still locked in open orders: {', '.join(bound)}")
        self._holdings = {}
        for asset, amount in balances.items():
            self.deposit(asset, amount)

    def credit(self, asset: str, amount: Decimal) -> None:
        """Add what a trade brought to the free funds."""
        free, locked = self.holding(asset)
        self._set(asset, free + _checked(amount), locked)

    def lock(self, asset: str, amount: Decimal) -> None:
        """Bind free funds to an order.

        Raises:
            Refusal: ``insufficient_funds``; nothing changed.
        """
        free, locked = self.holding(asset)
        if free < _checked(amount):
            raise Refusal(
                RefusalCode.INSUFFICIENT_FUNDS,
                f"{plain(amount)} {asset} needed, {plain(free)} {asset} free",
            )
        self._set(asset, free - amount, locked + amount)

    def unlock(self, asset: str, amount: Decimal) -> None:
        """Free funds bound to an order."""
        free, locked = self.holding(asset)
        self._set(asset, free + _checked(amount), locked - amount)

    def rebind(self, asset: str, bound: Decimal, needed: Decimal) -> None:
        """Bind ``needed`` to an order instead of ``bound``.

        Raises:
            Refusal: ``insufficient_funds``; nothing changed.
        """
        if needed > bound:
            self.lock(asset, needed - bound)
        else:
            self.unlock(asset, bound - needed)

    def spend(self, asset: str, amount: Decimal) -> None:
        """Pay a trade out of locked funds."""
        free, locked = self.holding(asset)
        self._set(asset, free, locked - _checked(amount))

    def _set(self, asset: str, free: Decimal, locked: Decimal) -> None:
        if free < 0 or locked < 0:
            raise ValueError(f"{asset} would be negative: free {free}, locked {locked}")
        self._holdings[asset] = Holding(free, locked)


def _checked(amount: Decimal) -> Decimal:
    if amount < 0:
        raise ValueError(f"a ledger moves no negative amount: {amount}")
    return amount
