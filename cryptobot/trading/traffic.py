"""All that leaves for one exchange: its budget, its order of precedence, and its silences.

The limiter knows the exchange's weights per minute (through ccxt's table of costs) and its orders
per 10 seconds, which ccxt's own does not. Cancels go before orders, orders before look-ups of
orders, those before all other reads, and each leaves a part of the budget to those before it.

An exchange that bans us, or tells us to wait, hears nothing until that is over:
binance-spot-api-docs, "IP Limits": a 429 must be obeyed, repeated violations become a 418 of
2 minutes to 3 days.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, Clock, when
from cryptobot.domain.errors import Silenced
from cryptobot.trading.background import in_background

TOO_MANY: Final = 429
BANNED: Final = 418
UNTOLD_WAIT_S: Final[Mapping[int, float]] = {TOO_MANY: 60.0, BANNED: 120.0}
"""How long to be silent when the answer does not say: a minute's window; the shortest ban."""

LONGEST_SILENCE_S: Final = 3 * 86_400.0
"""The longest ban there is; an answer that says more is not believed."""

WINDOW_S: Final = 60.0
ORDERS_WINDOW_S: Final = 10.0


class Precedence(IntEnum):
    """Who goes first when the budget is short."""

    CANCEL = 0
    ORDER = 1
    LOOKUP = 2
    """Reads that settle what became of orders."""
    READ = 3


SHARE: Final[Mapping[Precedence, float]] = {
    Precedence.CANCEL: 1.0,
    Precedence.ORDER: 0.95,
    Precedence.LOOKUP: 0.9,
    Precedence.READ: 0.8,
}
"""Up to which part of the budget each may use it."""

PRECEDENCE: ContextVar[Precedence] = ContextVar("cryptobot_precedence", default=Precedence.READ)
"""Of what the running task sends."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What an exchange allows.

    Attributes:
        cost_per_minute: In ccxt's units of cost.
        orders_per_10s: New orders.
        weight_per_minute: In the exchange's own units, as its answers count what we used.
    """

    cost_per_minute: float
    orders_per_10s: int = 50
    weight_per_minute: int = 6_000


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nothing is sent.

    Attributes:
        until_ns: Monotonic.
        status: The HTTP status that began it.
        host: Whose; ``None``: every host of the exchange.
    """

    until_ns: int
    status: int
    host: str | None


class Traffic:
    """What both ccxt instances of an exchange send together: they share one address.

    Args:
        budget: What is allowed.
        clock: Monotonic time.
        one_host: Hosts whose limits are another's, by name: while that is silent, so are they.
        on_limited: Told of each answer that says "too many": the seconds of silence it begins.
    """

    def __init__(
        self,
        budget: Budget,
        clock: Clock,
        *,
        one_host: Mapping[str, str] = MappingProxyType({}),
        on_limited: Callable[[float], None] = lambda _: None,
    ) -> None:
        self.budget = budget
        self._clock = clock
        self._one_host = one_host
        self._on_limited = on_limited
        self._spent: deque[tuple[int, float]] = deque()
        self._used = 0.0
        self._orders: deque[int] = deque()
        self._waiting: list[tuple[Precedence, int, float, asyncio.Future[None]]] = []
        self._numbers = count()
        self._server: asyncio.Task[None] | None = None
        self._silences: dict[str | None, Silence] = {}
        self._listed = False

    # The budget

    def learn(self, listing: object) -> None:
        """Take over the limits that the exchange itself lists; what makes no sense is left.

        Args:
            listing: Binance's ``exchangeInfo``, whose ``rateLimits`` say ``REQUEST_WEIGHT`` a
                minute and ``ORDERS`` in 10 seconds.
        """
        rows = listing.get("rateLimits") if isinstance(listing, Mapping) else None
        for row in rows if isinstance(rows, list) else ():
            if not isinstance(row, Mapping):
                continue
            limit = row.get("limit")
            if not isinstance(limit, int) or limit < 1:
                continue
            match (row.get("rateLimitType"), row.get("interval"), row.get("intervalNum")):
                case ("REQUEST_WEIGHT", "MINUTE", 1):
                    self._listed = True
                    of_weight = self.budget.cost_per_minute / self.budget.weight_per_minute
                    self.budget = replace(
                        self.budget, cost_per_minute=limit * of_weight, weight_per_minute=limit
                    )
                case ("ORDERS", "SECOND", 10):
                    self.budget = replace(self.budget, orders_per_10s=limit)

    async def throttle(self, cost: float) -> None:
        """Return when ``cost`` may be spent; at once while the budget lasts."""
        precedence = PRECEDENCE.get()
        first = not self._waiting or self._waiting[0][0] > precedence
        if first and self._spend(precedence, cost):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (precedence, next(self._numbers), cost, future))
        if self._server is None or self._server.done():
            self._server = in_background(self._serve(), "traffic")
        await future

    def used_ratio(self) -> float:
        """Return the used part of the minute's budget, 0 to 1 and beyond."""
        self._expire()
        return self._used / self.budget.cost_per_minute

    def used_orders_ratio(self) -> float:
        """Return the used part of the 10 seconds' orders."""
        self._expire()
        return len(self._orders) / self.budget.orders_per_10s

    async def close(self) -> None:
        """Give up what waits."""
        if self._server is not None:
            self._server.cancel()
            await asyncio.gather(self._server, return_exceptions=True)
        for *_, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    def _spend(self, precedence: Precedence, cost: float) -> bool:
        self._expire()
        allowed = self.budget.cost_per_minute * SHARE[precedence]
        if self._used and self._used + cost > allowed:
            return False
        now = self._clock.monotonic_ns()
        if precedence is Precedence.ORDER:
            if len(self._orders) >= self.budget.orders_per_10s:
                return False
            self._orders.append(now)
        self._spent.append((now, cost))
        self._used += cost
        return True

    def _expire(self) -> None:
        now = self._clock.monotonic_ns()
        while self._spent and now - self._spent[0][0] >= WINDOW_S * NS_PER_S:
            self._used -= self._spent.popleft()[1]
        if not self._spent:
            self._used = 0.0  # sums of fractions do not come back to nothing by themselves
        while self._orders and now - self._orders[0] >= ORDERS_WINDOW_S * NS_PER_S:
            self._orders.popleft()

    def _spent_by_others(self, used_ratio: float) -> None:
        """Take over what the exchange counts beyond ours: others share our address."""
        beyond = used_ratio - self.used_ratio()
        if beyond > 0:
            cost = beyond * self.budget.cost_per_minute
            self._spent.append((self._clock.monotonic_ns(), cost))
            self._used += cost

    async def _serve(self) -> None:
        """Let those who wait through, those of precedence first."""
        while self._waiting:
            for entry in sorted(self._waiting):
                precedence, _, cost, future = entry
                if future.done() or self._spend(precedence, cost):
                    self._waiting.remove(entry)
                    if not future.done():
                        future.set_result(None)
            heapq.heapify(self._waiting)
            if self._waiting:
                await asyncio.sleep(self._next_s())

    def _next_s(self) -> float:
        """Return the seconds until something expires."""
        now = self._clock.monotonic_ns()
        ends = [ORDERS_WINDOW_S * NS_PER_S + at - now for at in list(self._orders)[:1]]
        ends += [WINDOW_S * NS_PER_S + at - now for at, _ in list(self._spent)[:1]]
        return max(0.001, min(ends, default=0) / NS_PER_S)

    # The silences

    def check(self, host: str | None) -> None:
        """Look before anything is sent to ``host``.

        Raises:
            Silenced: Nothing may be sent.
        """
        silence = self._silence_of(host)
        if silence is not None:
            left_ns = self._left_ns(silence)
            until = when(self._clock.now_ns() + left_ns)
            message = f"the exchange answered {silence.status}: silent until {until}"
            raise Silenced(message, left_ns / NS_PER_S)

    async def wait(self, host: str | None) -> None:
        """Return when something may be sent to ``host``."""
        while (silence := self._silence_of(host)) is not None:  # noqa: ASYNC110 - it may grow meanwhile
            await asyncio.sleep(self._left_ns(silence) / NS_PER_S)

    def _silence_of(self, host: str | None) -> Silence | None:
        if not self._silences:
            return None
        return self.silence(host) or self.silence(self.limits_of(host))

    def _left_ns(self, silence: Silence) -> int:
        return silence.until_ns - self._clock.monotonic_ns()

    def silence(self, host: str | None = None) -> Silence | None:
        """Return the silence that holds for ``host`` now, of every host if there is one."""
        now = self._clock.monotonic_ns()
        self._silences = {
            key: silence for key, silence in self._silences.items() if silence.until_ns > now
        }
        return self._silences.get(None) or self._silences.get(host)

    def silent_s(self) -> float:
        """Return the seconds that the longest silence of any host still lasts."""
        self.silence()
        ends = [silence.until_ns for silence in self._silences.values()]
        return max(0, max(ends, default=0) - self._clock.monotonic_ns()) / NS_PER_S

    def heard(self, host: str | None, status: int, headers: Mapping[str, str]) -> None:
        """Take in an answer's head: what it says of limits, and whether it asks for silence."""
        weight = headers.get("X-MBX-USED-WEIGHT-1M")
        # Before the exchange has listed its limit, nobody knows what part of it that is.
        if self._listed and weight is not None and weight.isdecimal():
            self._spent_by_others(int(weight) / self.budget.weight_per_minute)
        if status not in UNTOLD_WAIT_S:
            return
        wait_s = _retry_after(headers.get("Retry-After")) or UNTOLD_WAIT_S[status]
        key = None if status == BANNED else host
        until = self._clock.monotonic_ns() + int(wait_s * NS_PER_S)
        known = self._silences.get(key)
        if known is None or until > known.until_ns:
            self._silences[key] = Silence(until, status, key)
        self._on_limited(wait_s)

    def heard_in(self, host: str | None, message: object) -> None:
        """Take in a frame of a websocket that says in its body what REST says in its head."""
        if isinstance(message, Mapping) and isinstance(status := message.get("status"), int):
            self.heard(self.limits_of(host), status, self._as_headers(message))

    def _as_headers(self, message: Mapping[str, Any]) -> dict[str, str]:
        headers: dict[str, str] = {}
        rows = message.get("rateLimits")
        for row in rows if isinstance(rows, list) else ():
            match row:
                case {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}:
                    headers["X-MBX-USED-WEIGHT-1M"] = str(row.get("count"))
        match message.get("error"):
            case {"data": {"retryAfter": int(until_ms), **data}}:
                now_ms = data.get("serverTime")
                if not isinstance(now_ms, int):
                    now_ms = self._clock.now_ns() // NS_PER_MS
                headers["Retry-After"] = str(max(1, -((now_ms - until_ms) // 1000)))
        return headers

    def limits_of(self, host: str | None) -> str | None:
        """Return the host whose limits hold for ``host``, itself where it has its own."""
        return self._one_host.get(host, host) if host is not None else None


def _retry_after(text: str | None) -> float | None:
    """Return the seconds a ``Retry-After`` header says; ``None`` for none that make sense."""
    if text is None or not text.isascii() or not text.strip().isdecimal():
        return None
    return min(float(text), LONGEST_SILENCE_S) or None
