"""What must be true before live orders may leave: a list, every item checked each time."""

from dataclasses import dataclass

from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState
from cryptobot.engine.status import STALE_MARKET_MS, ExchangeState
from cryptobot.settings import Settings
from cryptobot.trading.differences import Reconciliation
from cryptobot.trading.exchange_client import ExchangeClient
from cryptobot.trading.failover import Failover
from cryptobot.trading.market_data import MarketData
from cryptobot.trading.mode_controller import FailedPrecondition
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.reconciler import Reconciler


@dataclass(slots=True)
class LivePreconditions:
    """Checks what stands in the way of going live."""

    settings: Settings
    client: ExchangeClient
    exchange: ExchangeState
    market: MarketData
    journal: OrderJournal
    tracker: OrderTracker
    reconciler: Reconciler
    failover: Failover

    def now(self) -> list[FailedPrecondition]:
        """Return what stands in the way by what is in memory; quick."""
        last = self.reconciler.last
        return self._standing() if last is None else [*self._standing(), *_unclean(last)]

    def _standing(self) -> list[FailedPrecondition]:
        failed = []
        refusal = self.client.capabilities.live_refusal
        if refusal is not None:
            failed.append(FailedPrecondition("exchange", refusal))
        if not self.client.has_keys:
            failed.append(
                FailedPrecondition(
                    "keys",
                    "no API key and secret: set CRYPTOBOT_EXCHANGE__API_KEY and "
                    "CRYPTOBOT_EXCHANGE__SECRET, or store them in the keyring"
                    + (
                        f"; {self.client.id} also needs CRYPTOBOT_EXCHANGE__PASSWORD"
                        if self.client.capabilities.needs_password
                        else ""
                    ),
                )
            )
        if not self.exchange.up:
            failed.append(
                FailedPrecondition("health", f"exchange is not up: {self.exchange.detail}")
            )
        else:
            failed.extend(self._market())
        if not self.journal.available:
            failed.append(FailedPrecondition("health", "the journal is not writable"))
        seen = {item.detail for item in failed}
        failed.extend(
            FailedPrecondition(f"failover: {item.trigger}", item.reason)
            for item in self.failover.standing()
            if item.reason not in seen
        )
        # Submitted and on paper: accepted before the switch, and still without an answer.
        unresolved = [
            order
            for order in self.tracker.open_orders(Mode.LIVE)
            if order.state in {OrderState.SUBMITTED, OrderState.UNRESOLVED}
        ]
        if unresolved:
            failed.append(
                FailedPrecondition(
                    "unresolved orders",
                    f"{len(unresolved)} with unknown outcome, first {unresolved[0].order_id}",
                )
            )
        return failed

    async def check(self, confirm: str | None) -> list[FailedPrecondition]:
        """Return what stands in the way, after a fresh reconciliation.

        Args:
            confirm: The account's name as the operator typed it.
        """
        failed = self._standing()
        if confirm != self.settings.account:
            typed = "nothing" if confirm is None else repr(confirm)
            failed.append(
                FailedPrecondition(
                    "confirmation",
                    f"--confirm must repeat the account's name {self.settings.account!r}; "
                    f"it said {typed}",
                )
            )
        if self.client.has_keys and self.exchange.up:
            failed.extend(_unclean(await self.reconciler.run()))
        return failed

    def _market(self) -> list[FailedPrecondition]:
        failed = []
        for symbol in self.settings.symbols:
            age = self.market.age_ms(symbol)
            if age is None or age > STALE_MARKET_MS:
                heard = "never heard of" if age is None else f"{age / 1000:.0f} s old"
                failed.append(FailedPrecondition("health", f"market data of {symbol} is {heard}"))
        return failed


def _unclean(result: Reconciliation) -> list[FailedPrecondition]:
    if result.clean:
        return []
    details = "; ".join(difference.detail for difference in result.differences[:3])
    return [FailedPrecondition("reconciliation", details)]
