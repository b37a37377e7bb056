"""The paper account: put back after a restart, started from the live one at a switch to paper."""

from collections.abc import Mapping

import structlog

from cryptobot.domain.clock import NS_PER_S, Clock, iso
from cryptobot.domain.mode import Mode
from cryptobot.engine import recovery
from cryptobot.engine.rooms import Rooms
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import AccountSnapshot, Holding
from cryptobot.settings.model import PaperSettings
from cryptobot.trading.exchange import Balance

_log = structlog.stdlib.get_logger("cryptobot.engine")


class PaperAccount:
    """What the paper exchange begins with, and when.

    It can begin only when the instruments are known. A start from the live account that is asked
    for before is made up for then: what earlier runs left is put back first.

    Args:
        rooms: The paper exchange, the portfolio and the tracker of orders.
        clock: Stamps and ages.
    """

    def __init__(self, rooms: Rooms, clock: Clock) -> None:
        self._rooms = rooms
        self._clock = clock
        self._left: Mapping[str, Balance] = {}
        self._left_orders: list[str] = []
        self._owed = False
        self.began = False
        """Whether the account is there."""

    async def load(self, journal: Journal, settings: PaperSettings) -> None:
        """Read what earlier runs left. Comes before the first order of this run.

        Raises:
            JournalUnavailable: The journal cannot be read.
        """
        self._left = await recovery.paper_balances(journal, settings.balances)
        self._left_orders = [
            order.order_id for order in self._rooms.tracker.open_orders(Mode.PAPER)
        ]

    def begin(self) -> None:
        """Put back what earlier runs left; the instruments are known now.

        Of the open orders only theirs: one of this run is on its way there by itself.
        """
        self.began = True
        known = (self._rooms.tracker.get(order_id) for order_id in self._left_orders)
        open_orders = [order for order in known if order is not None and order.is_open]
        for order in self._rooms.paper.restore(self._left, open_orders):
            recovery.drop_paper_order(self._rooms.tracker, order)
        if self._owed:
            self.start_from_live()

    def start_from_live(self) -> int | None:
        """Start it from the live account; called at the very moment of a switch to paper.

        Returns:
            When the live balances were read, nanoseconds since 1970; ``None`` when they never were:
            the account goes on with what it had, unless they are read before it begins.
        """
        portfolio = self._rooms.portfolio
        balances, read_ns = portfolio.balances(Mode.LIVE), portfolio.balances_ns(Mode.LIVE)
        if not self.began:
            self._owed = True
            return read_ns if balances else None
        if not balances or read_ns is None:
            _log.warning("paper_account_goes_on", reason="the live balances were never read")
            return None
        self._rooms.paper.reset(balances)
        portfolio.set_positions(Mode.PAPER, portfolio.positions(Mode.LIVE))
        self._rooms.daily_loss[Mode.PAPER].begin()
        holdings = {
            asset: Holding(balance.total, balance.locked * 0) for asset, balance in balances.items()
        }
        now_ns = self._clock.now_ns()
        self._rooms.orders.account(AccountSnapshot(Mode.PAPER, now_ns, holdings))
        _log.info(
            "paper_account_started",
            balances_at=iso(read_ns),
            age_s=round((now_ns - read_ns) / NS_PER_S, 1),
        )
        return read_ns
