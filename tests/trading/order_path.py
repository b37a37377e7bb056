"""The real order path, from the gateway to a journal on disk, around scripted venues."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path
from random import Random

from cryptobot.domain.clock import ManualClock
from cryptobot.domain.ids import IdSource
from cryptobot.domain.mode import Mode, ModeTrigger, TradingState
from cryptobot.domain.order import Fill, News, Order, OrderIntent, OrderState, OrderType, Side
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import RunEnd
from cryptobot.trading.fence import Fence
from cryptobot.trading.mode_controller import (
    FailedPrecondition,
    ModeController,
    ModeHooks,
    ModeStatus,
)
from cryptobot.trading.order_gateway import OrderGateway
from cryptobot.trading.order_journal import OrderJournal
from cryptobot.trading.order_tracker import OrderTracker
from cryptobot.trading.risk import Risk, RiskLimits

from .scripted_venue import SYMBOL, ScriptedVenue

BALANCES_READ_NS = 1_700_000_000_000_000_000
LIMITS = RiskLimits(D(1_000), D(5_000), 50, 40)


class Account:
    """Prices and holdings."""

    def __init__(self) -> None:
        self.prices: dict[str, D] = {SYMBOL: D(100)}
        self.held: dict[tuple[Mode, str], D] = {}

    def price(self, symbol: str) -> D | None:
        return self.prices.get(symbol)

    def position(self, mode: Mode, symbol: str) -> D:
        return self.held.get((mode, symbol), D(0))


class OrderPath:
    """The rooms of the order path. It starts live, unless told otherwise."""

    def __init__(self, journal: Journal, state_dir: Path, clock: ManualClock) -> None:
        self.journal, self.clock, self.state_dir = journal, clock, state_dir
        self.database = state_dir / "cryptobot.db"
        self.live, self.paper = ScriptedVenue(), ScriptedVenue("paper")
        self.account = Account()
        self.orders = OrderJournal(journal, "binance")
        self.counted: list[tuple[Order, bool]] = []
        self.orders.listen(lambda order, news: self.counted.append((order, News.ANSWERED in news)))
        self.tracker = OrderTracker(clock, self.orders.change)
        self.seen: list[tuple[Order, tuple[Fill, ...]]] = []
        self._changed = asyncio.Event()
        self.tracker.listen(self._see)
        self.modes = ModeController(
            ModeStatus(Mode.LIVE, clock.now_ns(), "test", "test", ModeTrigger.START),
            clock,
            journal,
        )
        self.fence = Fence(
            state_dir / "PAPER_ONLY", lambda: self.modes.mode, lambda: self.modes.switches
        )
        self.unresolved: list[Order] = []
        self.denials: list[str] = []
        self.risk = {mode: Risk(LIMITS, clock) for mode in Mode}
        self.gateway = OrderGateway(
            venues={Mode.LIVE: self.live, Mode.PAPER: self.paper},
            tracker=self.tracker,
            journal=self.orders,
            fence=self.fence,
            risk=self.risk,
            account=self.account,
            clock=clock,
            ids=IdSource(Random(7)),
            mode=lambda: self.modes.mode,
            trading_state=lambda: self.modes.trading_state,
            on_unresolved=self.unresolved.append,
            on_denied=self.denials.append,
        )
        self.paper_accounts_started = 0
        self.asked_paper = asyncio.Event()
        self.blockers: list[FailedPrecondition] = []
        self.checking: asyncio.Event | None = None
        self.asked_live = asyncio.Event()
        self.hooks = ModeHooks(self._start_paper_account, self._preconditions)
        self.modes.attach(self.fence, self.gateway, self.tracker, self.hooks)

    @property
    def fence_file(self) -> Path:
        return self.state_dir / "PAPER_ONLY"

    async def place(self, amount: str = "1", price: str | None = "100", **other: object) -> Order:
        return await self.gateway.place(an_intent(amount, price, **other))

    async def until(self, order_id: str, *states: OrderState) -> Order:
        """Return the order as soon as it is in one of ``states``."""
        async with asyncio.timeout(10):
            while (order := self.tracker.get(order_id)) is None or order.state not in states:
                self._changed.clear()
                await self._changed.wait()
        return order

    async def stored(self, order_id: str) -> Order | None:
        """Return the order as it is on disk, after all that was submitted is there."""
        await self.orders.drain()
        return await self.journal.order(order_id)

    async def caught_up(self) -> Journal:
        """Return the journal when all that it was given is on disk: a switch does not wait long."""
        await self.journal.record_run_ended(RunEnd(0, 0, 0))
        return self.journal

    def on_disk(self, order_id: str) -> str | None:
        """Return the order's state as another process would read it from the file now."""
        with closing(sqlite3.connect(self.database)) as other:
            row = other.execute(
                "SELECT state FROM orders WHERE order_id = ?", (order_id,)
            ).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def journal_locked(self) -> Iterator[None]:
        """No record can be committed meanwhile."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    def halted(self, state: TradingState = TradingState.HALTED) -> None:
        self.modes.trading_state = state

    def _see(self, order: Order, fills: tuple[Fill, ...]) -> None:
        self.seen.append((order, fills))
        self._changed.set()

    def _start_paper_account(self) -> int:
        self.paper_accounts_started += 1
        self.asked_paper.set()
        return BALANCES_READ_NS

    async def _preconditions(self, _: str | None) -> list[FailedPrecondition]:
        self.asked_live.set()
        if self.checking is not None:
            await self.checking.wait()
        return self.blockers


def an_intent(amount: str = "1", price: str | None = "100", **other: object) -> OrderIntent:
    values: dict[str, object] = {
        "symbol": SYMBOL,
        "side": Side.BUY,
        "type": OrderType.MARKET if price is None else OrderType.LIMIT,
        "amount": D(amount),
        "price": None if price is None else D(price),
    }
    return OrderIntent(**{**values, **other})  # type: ignore[arg-type]
