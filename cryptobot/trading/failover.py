"""Falls back to paper by itself when live trading cannot be trusted; never back to live by itself.

==================  =============================================================  =============
trigger             what must be true                                              setting
==================  =============================================================  =============
breaker_open        the circuit breaker of orders is open                          breaker_open
failed_orders       more than N live orders failed or became unknown in a window   failed_orders
exchange_down       the exchange was not ready for so long                         exchange_down_s
market_stale        no market data of a symbol for so long                         market_stale_s
journal_down        the journal cannot commit for so long                          journal_down_s
clock_skew          this machine's clock is too far from the exchange's            clock_skew_s
daily_loss          today's loss, realized and not, is over the limit              daily_loss
==================  =============================================================  =============

A setting of 0 (``false`` for the breaker) switches its trigger off. A machine that slept is given
time: what was silent while nobody listened proves nothing.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from cryptobot.domain.clock import NS_PER_S, Clock, iso
from cryptobot.domain.mode import Mode
from cryptobot.domain.money import ZERO, plain
from cryptobot.domain.order import Fill, Order
from cryptobot.trading.background import repeat

WATCH_S: Final = 0.2
"""Pause between two looks; from a trigger to the fence it must stay far below a second."""

FAILED_ORDERS: Final = "failed_orders"

QUIET_S: Final = 5.0
"""A market may be silent for so long without anybody being told."""

ASLEEP_S: Final = 3.0
"""A pause so much longer than asked for means that the machine slept or the process was stopped."""

_log = structlog.stdlib.get_logger("cryptobot.orders")


@dataclass(frozen=True, slots=True)
class FailoverLimits:
    """When to fall back; see the table above."""

    breaker_open: bool = True
    failed_orders: int = 3
    failed_window_s: float = 300.0
    exchange_down_s: float = 30.0
    market_stale_s: float = 30.0
    journal_down_s: float = 5.0
    clock_skew_s: float = 2.0
    daily_loss: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Signals:
    """What the triggers look at. Answers come from memory, at once.

    Attributes:
        breaker_open: Why the breaker of orders is open, ``None`` while it is not.
        exchange_trouble: Why the exchange is not ready, ``None`` while it is.
        market_ages_s: Seconds since the last market data by symbol, ``None`` before the first.
        journal_trouble: Why the journal takes no records, ``None`` while it does.
        clock_skew_s: Exchange's clock minus ours, ``None`` while unknown.
        daily_loss: Today's live loss in quote currency, ``None`` while unknown.
    """

    breaker_open: Callable[[], str | None]
    exchange_trouble: Callable[[], str | None]
    market_ages_s: Callable[[], Mapping[str, float | None]]
    journal_trouble: Callable[[], str | None]
    clock_skew_s: Callable[[], float | None]
    daily_loss: Callable[[], Decimal | None]


@dataclass(frozen=True, slots=True)
class Tripped:
    """A trigger whose condition holds."""

    trigger: str
    reason: str


Switch = Callable[[Tripped], Awaitable[object]]


class Failover:
    """Looks at the triggers while the mode is live, and switches at the first that holds.

    Args:
        limits: When.
        signals: What is looked at.
        clock: Monotonic time.
        mode: The mode in force.
        switch: Switches to paper; the fence is closed before its first pause.
    """

    def __init__(
        self,
        limits: FailoverLimits,
        signals: Signals,
        clock: Clock,
        *,
        mode: Callable[[], Mode],
        switch: Switch,
    ) -> None:
        self._limits = limits
        self._signals = signals
        self._clock = clock
        self._mode = mode
        self._switch = switch
        self._began_ns = clock.now_ns()
        self._awake_ns = self._looked_ns = clock.monotonic_ns()
        self._since_ns: dict[str, int] = {}
        self._failed: deque[tuple[int, str]] = deque()
        self._counted: set[str] = set()
        self._switching: asyncio.Task[object] | None = None
        self.last: Tripped | None = None
        """What made it fall back last."""
        self.tripped_ns = 0
        """When that was noticed, monotonic."""
        self._tripped_at_ns = 0

    def on_order(self, order: Order, _fills: tuple[Fill, ...]) -> None:
        """Count a live order that failed or whose outcome became unknown, each once.

        Orders of an earlier run do not count: what a crash cut off proves nothing.
        """
        counts = order.failed and order.mode is Mode.LIVE and order.created_ns >= self._began_ns
        if counts and order.order_id not in self._counted:
            self._counted.add(order.order_id)
            self._failed.append((self._clock.monotonic_ns(), order.order_id))
            self.look()

    def look(self) -> None:
        """Look now, and begin to switch if a trigger holds. Does not wait."""
        if self._mode() is not Mode.LIVE or (
            self._switching is not None and not self._switching.done()
        ):
            return
        tripped = self.tripped()
        if tripped:
            self.last, self.tripped_ns = tripped[0], self._clock.monotonic_ns()
            self._tripped_at_ns = self._clock.now_ns()
            _log.critical("failover", trigger=tripped[0].trigger, reason=tripped[0].reason)
            self._switching = asyncio.ensure_future(self._switch(tripped[0]))

    async def watch(self) -> None:
        """Look for ever."""
        self._looked_ns = self._clock.monotonic_ns()
        await repeat(WATCH_S, self._look_again, "failover")

    async def _look_again(self) -> None:
        now = self._clock.monotonic_ns()
        asleep_s = (now - self._looked_ns) / NS_PER_S
        self._looked_ns = now
        if asleep_s > ASLEEP_S:
            _log.warning("woke_up", asleep_s=round(asleep_s, 1))
            self.woke_up()
        self.look()

    def woke_up(self) -> None:
        """Count every silence and every outage from now."""
        self._awake_ns = self._clock.monotonic_ns()
        self._since_ns.clear()

    async def close(self) -> None:
        """Wait for a switch that has begun."""
        if self._switching is not None:
            await asyncio.gather(self._switching, return_exceptions=True)

    def forgive(self) -> None:
        """Forget the failed orders: somebody has looked and gone live again."""
        self._failed.clear()

    def standing(self) -> list[Tripped]:
        """Return the triggers that stand in the way of live.

        Orders that failed a while ago do not: who goes live has looked at them, and what became
        of unknown ones is asked for by itself.
        """
        return [item for item in self.tripped() if item.trigger != FAILED_ORDERS]

    def tripped(self) -> list[Tripped]:
        """Return the triggers that hold now."""
        limits = self._limits
        found: list[Tripped | None] = [
            self._breaker(),
            self._failed_orders(),
            self._lasting("exchange_down", limits.exchange_down_s, self._signals.exchange_trouble),
            self._market(),
            self._lasting("journal_down", limits.journal_down_s, self._signals.journal_trouble),
            self._skew(),
            self._loss(),
        ]
        return [item for item in found if item is not None]

    def to_wire(self) -> dict[str, object]:
        """Return the triggers and what made it fall back last, as the control socket shows them."""
        limits = self._limits
        tripped = {item.trigger: item.reason for item in self.tripped()}
        failed_when = (
            f"more than {limits.failed_orders} live orders fail or become unknown in "
            f"{limits.failed_window_s:g} s"
        )
        whens = {
            "breaker_open": (limits.breaker_open, "the circuit breaker of orders opens"),
            FAILED_ORDERS: (limits.failed_orders, failed_when),
            "exchange_down": (
                limits.exchange_down_s,
                f"the exchange is not ready for {limits.exchange_down_s:g} s",
            ),
            "market_stale": (
                limits.market_stale_s,
                f"no market data of a symbol comes for {limits.market_stale_s:g} s",
            ),
            "journal_down": (
                limits.journal_down_s,
                f"the journal cannot be written for {limits.journal_down_s:g} s",
            ),
            "clock_skew": (
                limits.clock_skew_s,
                f"this machine's clock is over {limits.clock_skew_s:g} s from the exchange's",
            ),
            "daily_loss": (limits.daily_loss, f"today's loss is over {plain(limits.daily_loss)}"),
        }
        left_s = self._left_s()
        return {
            "triggers": [
                {
                    "trigger": name,
                    "on": bool(limit),
                    "when": when,
                    "holds": tripped.get(name),
                    "holds_in_s": None if name in tripped else left_s.get(name),
                }
                for name, (limit, when) in whens.items()
            ],
            "last": None
            if self.last is None
            else {
                "trigger": self.last.trigger,
                "reason": self.last.reason,
                "at": iso(self._tripped_at_ns),
            },
        }

    def _left_s(self) -> dict[str, float]:
        """Return in how many seconds a trigger would hold if its trouble lasts."""
        limits, now = self._limits, self._clock.monotonic_ns()
        ends = {"exchange_down": limits.exchange_down_s, "journal_down": limits.journal_down_s}
        left = {
            name: ends[name] - (now - since) / NS_PER_S for name, since in self._since_ns.items()
        }
        oldest = max((age for age in self._signals.market_ages_s().values() if age), default=0.0)
        if oldest > QUIET_S:
            left["market_stale"] = limits.market_stale_s - oldest
        return {name: round(max(0.0, seconds), 1) for name, seconds in left.items()}

    def _breaker(self) -> Tripped | None:
        reason = self._signals.breaker_open() if self._limits.breaker_open else None
        return None if reason is None else Tripped("breaker_open", reason)

    def _failed_orders(self) -> Tripped | None:
        horizon = self._clock.monotonic_ns() - int(self._limits.failed_window_s * NS_PER_S)
        while self._failed and self._failed[0][0] < horizon:
            self._counted.discard(self._failed.popleft()[1])
        if not self._limits.failed_orders or len(self._failed) <= self._limits.failed_orders:
            return None
        return Tripped(
            FAILED_ORDERS,
            f"{len(self._failed)} live orders failed or became unknown in "
            f"{self._limits.failed_window_s:.0f} s; {self._limits.failed_orders} are allowed",
        )

    def _lasting(
        self, trigger: str, limit_s: float, trouble: Callable[[], str | None]
    ) -> Tripped | None:
        """Return the trigger if its trouble has lasted for ``limit_s`` seconds."""
        reason = trouble() if limit_s else None
        if reason is None:
            self._since_ns.pop(trigger, None)
            return None
        now = self._clock.monotonic_ns()
        lasted_s = (now - self._since_ns.setdefault(trigger, now)) / NS_PER_S
        if lasted_s < limit_s:
            return None
        return Tripped(trigger, f"for {lasted_s:.0f} s: {reason}")

    def _market(self) -> Tripped | None:
        limit_s = self._limits.market_stale_s
        awake_s = (self._clock.monotonic_ns() - self._awake_ns) / NS_PER_S
        if not limit_s or awake_s < limit_s:
            return None
        for symbol, age_s in self._signals.market_ages_s().items():
            if age_s is None or age_s >= limit_s:
                heard = "never came" if age_s is None else f"is {age_s:.0f} s old"
                return Tripped("market_stale", f"market data of {symbol} {heard}")
        return None

    def _skew(self) -> Tripped | None:
        limit_s, skew_s = self._limits.clock_skew_s, self._signals.clock_skew_s()
        if not limit_s or skew_s is None or abs(skew_s) <= limit_s:
            return None
        which = "behind" if skew_s > 0 else "ahead of"
        return Tripped(
            "clock_skew",
            f"this machine's clock is {abs(skew_s):.1f} s {which} the exchange's; "
            f"{limit_s:g} s are allowed",
        )

    def _loss(self) -> Tripped | None:
        limit, loss = self._limits.daily_loss, self._signals.daily_loss()
        if not limit or loss is None or loss <= limit:
            return None
        return Tripped("daily_loss", f"today's loss is {plain(loss)}; {plain(limit)} is the limit")
