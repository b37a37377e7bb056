"""The journal's disk: commits take time, fail for a while, and survive a kill up to some commit.

It stands in the place of the process that writes the journal, and commits with the same code into
a real SQLite file.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from contextvars import Context
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from cryptobot.domain.clock import Clock
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO
from cryptobot.domain.order import Fill, Liquidity, Side
from cryptobot.journal.batch import Item, Written
from cryptobot.journal.committer import Answers, Committer, Lost, Message, Well
from cryptobot.journal.database import Database
from cryptobot.journal.hosts import Tell
from cryptobot.journal.journal import Journal
from cryptobot.journal.records import AccountSnapshot
from cryptobot.journal.rows import OrderRows

from .weather import Weather

RETRY_S = 0.2
Amounts = dict[str, Decimal]


def book(totals: Amounts, positions: Amounts, fill: Fill) -> None:
    """Book a trade: what it changes of an account, and of its positions."""
    base, _, quote = fill.symbol.partition("/")
    amount = fill.amount if fill.side is Side.BUY else -fill.amount
    fee_of_base = fill.fee if fill.fee_currency == base else ZERO
    for amounts, key, change in (
        (totals, base, amount),
        (totals, quote, -amount * fill.price),
        (totals, fill.fee_currency, -fill.fee),
        (positions, fill.symbol, amount - fee_of_base),
    ):
        amounts[key] = amounts.get(key, ZERO) + change


def fill_of(row: Mapping[str, Any]) -> Fill:
    """Return a trade as its row says it."""
    return Fill(
        trade_id=row["trade_id"],
        exchange_order_id=row["exchange_order_id"],
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=Side(row["side"]),
        price=Decimal(row["price"]),
        amount=Decimal(row["amount"]),
        fee=Decimal(row["fee"]),
        fee_currency=row["fee_currency"],
        liquidity=Liquidity(row["liquidity"]),
        at_ns=row["at_ns"],
    )


class Committed:
    """What is in the journal's file, by what was committed: the world's own copy, over all runs.

    Attributes:
        orders: The row of every order, by order id.
        fills: The row of every fill, by symbol and trade id, live and paper apart.
    """

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.fills: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.named: dict[str, str] = {}
        self.wanted: dict[str, list[str]] = {}
        self.paper_start: Amounts | None = None
        """What the paper account started with the last time; ``None`` before the first."""
        self.paper_start_positions: Amounts = {}
        self.paper_since: list[Fill] = []
        """Its trades since."""
        self._live_positions: Amounts = {}
        self.live_counts = [0, 0]
        """Live orders that failed, and live orders with a latency."""

    def add(self, item: OrderRows) -> None:
        """Take a committed record in."""
        row = item.order
        order_id, mode = row["order_id"], row["mode"]
        before = self.orders.get(order_id)
        if before is None:
            self.named[row["client_order_id"]] = order_id
            self.wanted.setdefault(row["request_id"], []).append(order_id)
        if mode == "live":
            for sign, of in ((-1, before), (1, row)):
                if of is not None:
                    self.live_counts[0] += sign * bool(of["failed"])
                    self.live_counts[1] += sign * (of["latency_ms"] is not None)
        self.orders[order_id] = row
        for row in item.fills:
            key = (mode, row["symbol"], row["trade_id"])
            if key in self.fills:
                continue
            self.fills[key] = row
            if mode == Mode.PAPER:
                self.paper_since.append(fill_of(row))
            else:
                book({}, self._live_positions, fill_of(row))

    def start_paper(self, snapshot: AccountSnapshot) -> None:
        """Take in that the paper account has started anew."""
        self.paper_start = {asset: it.free + it.locked for asset, it in snapshot.holdings.items()}
        self.paper_start_positions = dict(self._live_positions)
        self.paper_since.clear()


class SimulatedDisk:
    """Implements the journal's ``Host``.

    Args:
        committer: Writes the file; one serves all runs, making one takes longer than a run.
        committed: Told of what is in it.
        weather: How the disk does.
        rng: Chooses within the weather.
        on_commit: Called when records are on disk and nobody knows.
        on_told: Called when the engine has heard.
    """

    def __init__(
        self,
        committer: Committer,
        committed: Committed,
        weather: Callable[[], Weather],
        rng: Random,
        *,
        on_commit: Callable[[], None],
        on_told: Callable[[], None],
    ) -> None:
        self._committer = committer
        self._committed = committed
        self._weather = weather
        self._rng = rng
        self._on_commit = on_commit
        self._on_told = on_told
        self._items: list[Item] = []
        self._busy = False
        self._cut = False
        self._outside = Context()
        self._tell: Tell = lambda _: None

    @property
    def at_rest(self) -> bool:
        """Whether all that was given has been answered."""
        return not self._items and not self._busy

    async def start(self, tell: Tell) -> None:
        """Begin, with nothing remembered of earlier writers."""
        self._committer._batches.forget()
        self._tell = tell

    def give(self, item: Item, *, urgent: bool) -> None:  # noqa: ARG002 - the disk is slow anyway
        """Commit ``item`` with all else that is given before the disk is free."""
        if self._cut:
            return
        self._items.append(item)
        if not self._busy:
            self._busy = True
            self._later(self._take_s(), self._commit)

    async def close(self) -> None:
        """Answer all that was given, and let go of the file."""
        while not self.at_rest and not self._cut:  # noqa: ASYNC110 - in virtual time it costs nothing
            await asyncio.sleep(0.01)
        self._committer.disconnect()

    def cut(self, *, power: bool) -> None:
        """The engine is gone: what it gave is committed all the same, or up to some record."""
        if self._cut:
            return
        self._cut = True
        kept = self._rng.randint(0, len(self._items)) if power else len(self._items)
        if kept:
            self._write(self._items[:kept])
        self._committer.disconnect()

    def _take_s(self) -> float:
        slow_s = self._weather().disk_slow_s
        return self._rng.uniform(0.0002, 0.004) + (self._rng.uniform(0, slow_s) if slow_s else 0)

    def _later(self, wait_s: float, what: Callable[..., None], *args: Any) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(wait_s, self._unless_cut, what, *args, context=self._outside)

    def _unless_cut(self, what: Callable[..., None], *args: Any) -> None:
        if not self._cut:
            what(*args)

    def _commit(self) -> None:
        items, self._items = self._items, []
        messages = self._write(items)
        self._on_commit()
        self._later(self._rng.uniform(0.0001, 0.002), self._answer, messages)

    def _answer(self, messages: list[Message]) -> None:
        for message in messages:
            self._tell(message)
        self._on_told()
        self._busy = False
        if any(isinstance(message, Lost) for message in messages):
            self._later(RETRY_S, self._probe)
        if self._items:
            self._busy = True
            self._later(self._take_s(), self._commit)

    def _probe(self) -> None:
        if self._committer.recovered():
            self._tell(Well())
        else:
            self._later(RETRY_S, self._probe)

    def _write(self, items: list[Item]) -> list[Message]:
        messages = self._committer.commit(items)
        outcomes = [
            outcome
            for message in messages
            if isinstance(message, Answers)
            for outcome in message.outcomes
        ]
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(item, OrderRows) and isinstance(outcome, Written):
                self._committed.add(item)
            elif isinstance(item, AccountSnapshot) and outcome is None:
                self._committed.start_paper(item)
        return messages


class SimulatedJournal(Journal):
    """A journal on a simulated disk, in a file that has its schema already."""

    def __init__(self, database: Database, clock: Clock, disk: SimulatedDisk) -> None:
        super().__init__(database, clock, disk)

    async def start(self) -> None:
        """Begin; there is nothing to migrate."""
        await self._writer.start()


class DiskLock:
    """Somebody else holds the file: every commit fails meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder: sqlite3.Connection | None = None

    def hold(self, *, held: bool) -> None:
        """Hold it or let it go."""
        if held and self._holder is None:
            self._holder = sqlite3.connect(self._path, isolation_level=None, timeout=0)
            self._holder.execute("BEGIN IMMEDIATE")
        elif not held and self._holder is not None:
            self._holder.close()
            self._holder = None
