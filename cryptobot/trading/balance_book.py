"""What the account should hold: the last totals believed, and what our trades changed since."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Context, Decimal, localcontext
from typing import Final

from cryptobot.domain.clock import Clock
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO, plain
from cryptobot.domain.order import Fill, Order, Side
from cryptobot.journal.records import BalanceBaseline
from cryptobot.trading.differences import Difference, DifferenceKind
from cryptobot.trading.exchange import Balance

TOLERANCE: Final = Decimal("1e-8")
"""What each trade may be off by: exchanges keep eight digits (Binance: ``quotePrecision``)."""

_EXACT: Final = Context(prec=60)

Amounts = Mapping[str, Decimal]


class BalanceBook:
    """Books our live trades by asset, and compares the exchange's totals with them.

    Args:
        clock: Stamps baselines.
        keep: Stores a new baseline; does not wait and does not raise.
    """

    def __init__(self, clock: Clock, keep: Callable[[BalanceBaseline], None]) -> None:
        self._clock = clock
        self._keep = keep
        self._booked: dict[str, Decimal] = {}
        self._trades = 0
        self._trades_then = 0
        self._kept: BalanceBaseline | None = None
        self.baseline: BalanceBaseline | None = None
        """What differences are counted from; ``None`` before the account was ever read."""

    @property
    def trades(self) -> int:
        """How many trades were booked; another number means that holdings have moved."""
        return self._trades

    def restore(self, fills: Iterable[Fill], baseline: BalanceBaseline | None) -> None:
        """Take over all live fills and the last baseline of the journal, at the start."""
        for fill in fills:
            self._book(fill)
        self._trades_then = self._trades
        self.baseline = self._kept = baseline

    def on_order(self, order: Order, fills: tuple[Fill, ...]) -> None:
        """Book new fills; a listener of the order tracker."""
        if order.mode is Mode.LIVE:
            for fill in fills:
                self._book(fill)

    def believable(self, balances: Mapping[str, Balance]) -> bool:
        """Return whether an account that held something is not all of a sudden empty."""
        held = self.baseline is not None and any(self.baseline.totals.values())
        return not held or any(balance.total for balance in balances.values())

    def differences(
        self, balances: Mapping[str, Balance], others: Iterable[Fill] = ()
    ) -> list[Difference]:
        """Return the assets that changed by something else than our trades.

        Args:
            balances: What the exchange says.
            others: Trades on the account since the baseline that are not ours, to explain it.
        """
        if self.baseline is None:
            return []
        explained = changes(others)
        allowed = TOLERANCE * (1 + self._trades - self._trades_then)
        found = []
        for asset in sorted({*self.baseline.totals, *balances, *self._booked}):
            total = balances[asset].total if asset in balances else ZERO
            expected = self._expected(asset)
            difference = total - expected
            if abs(difference) <= allowed:
                continue
            by_others = explained.get(asset, ZERO)
            found.append(
                Difference(
                    DifferenceKind.BALANCE,
                    asset,
                    f"{asset}: the exchange holds {plain(total)}, our trades explain "
                    f"{plain(expected)}; {plain(by_others)} of the difference of "
                    f"{plain(difference)} by trades that are not ours",
                )
            )
        return found

    def rebase(self, balances: Mapping[str, Balance]) -> None:
        """Count differences from these totals on: what was told once is not told again."""
        totals = {asset: balance.total for asset, balance in balances.items() if balance.total}
        self.baseline = BalanceBaseline(self._clock.now_ns(), totals, dict(self._booked))
        self._trades_then = self._trades
        kept = self._kept
        if kept is None or (kept.totals, kept.booked) != (totals, self._booked):
            self._kept = self.baseline
            self._keep(self.baseline)

    def _expected(self, asset: str) -> Decimal:
        if self.baseline is None:
            return ZERO
        since = self._booked.get(asset, ZERO) - self.baseline.booked.get(asset, ZERO)
        return self.baseline.totals.get(asset, ZERO) + since

    def _book(self, fill: Fill) -> None:
        self._trades += 1
        _add(self._booked, fill)


def changes(fills: Iterable[Fill]) -> dict[str, Decimal]:
    """Return what trades changed, by asset."""
    amounts: dict[str, Decimal] = {}
    for fill in fills:
        _add(amounts, fill)
    return amounts


def _add(amounts: dict[str, Decimal], fill: Fill) -> None:
    base, _, quote = fill.symbol.partition("/")
    sign = 1 if fill.side is Side.BUY else -1
    with localcontext(_EXACT):
        amounts[base] = amounts.get(base, ZERO) + sign * fill.amount
        amounts[quote] = amounts.get(quote, ZERO) - sign * fill.amount * fill.price
        if fill.fee:
            paid = amounts.get(fill.fee_currency, ZERO) - fill.fee
            amounts[fill.fee_currency] = paid
