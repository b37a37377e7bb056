"""Stops asking an exchange that does not answer, and finds out by a few probes when it does again.

==========  =====================================  ============================================
state       a call                                 leaves it when
==========  =====================================  ============================================
closed      goes through                           ``failures`` calls in a row have failed: open
open        is refused at once                     ``open_s`` seconds have passed, or somebody
                                                   knows better (``probe_now``): half open
half open   goes through as one of ``successes``   all probes succeed: closed; one fails: open,
            probes; any further one is refused     for what is left where it was early
==========  =====================================  ============================================

A call that is cancelled is no failure: it gives its place as a probe back. What began before a
change of state counts for nothing after it. Time is monotonic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cryptobot.domain.clock import NS_PER_S, Clock, when
from cryptobot.domain.errors import CircuitOpen


class BreakerState(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker changes its state.

    Attributes:
        failures: Failed calls in a row that open it.
        open_s: Seconds until it lets probes through.
        successes: Probes let through, all of which must succeed to close it.
    """

    failures: int = 10
    open_s: float = 120.0
    successes: int = 3


Changed = Callable[["CircuitBreaker", BreakerState], None]


class CircuitBreaker:
    """One breaker. ``admit`` before each call, then exactly one of the three ends.

    Args:
        name: Such as ``binance:orders``.
        limits: When it changes.
        clock: Monotonic time.
        on_change: Told of each new state.
    """

    def __init__(
        self, name: str, limits: BreakerLimits, clock: Clock, on_change: Changed | None = None
    ) -> None:
        self.name = name
        self._limits = limits
        self._clock = clock
        self._on_change = on_change
        self._state = BreakerState.CLOSED
        self._epoch = 0
        self._failures = 0
        self._opened_ns = 0
        self._probes = 0
        self._succeeded = 0
        self.last_failure: str | None = None
        """What the last failed call said."""

    @property
    def state(self) -> BreakerState:
        """The state now: an open breaker whose time is over is half open."""
        if self._state is BreakerState.OPEN and self._open_left_ns() <= 0:
            self._enter(BreakerState.HALF_OPEN)
        return self._state

    @property
    def opens_probes_in_s(self) -> float:
        """Seconds until an open breaker lets probes through; 0 when it is not open."""
        return max(0, self._open_left_ns()) / NS_PER_S if self.state is BreakerState.OPEN else 0.0

    @property
    def failures_in_a_row(self) -> int:
        """Failed calls since the last that succeeded."""
        return self._failures

    def admit(self) -> int:
        """Return a ticket for one call.

        Raises:
            CircuitOpen: The call must not be made.
        """
        if self._state is not BreakerState.CLOSED:
            self._admit_probe()
        return self._epoch

    def succeeded(self, ticket: int) -> None:
        """The call got an answer from the exchange, welcome or not."""
        if ticket != self._epoch:
            return
        self._failures = 0
        if self._state is BreakerState.HALF_OPEN:
            self._succeeded += 1
            if self._succeeded >= self._limits.successes:
                self._enter(BreakerState.CLOSED)

    def failed(self, ticket: int, reason: str) -> None:
        """The call got no answer that proves the exchange works."""
        if ticket != self._epoch:
            return
        self.last_failure = reason
        self._failures += 1
        half_open = self._state is BreakerState.HALF_OPEN
        if half_open or self._failures >= self._limits.failures:
            self._enter(BreakerState.OPEN)

    def abandoned(self, ticket: int) -> None:
        """The call was cancelled, or never made: it proves nothing."""
        if ticket == self._epoch and self._state is BreakerState.HALF_OPEN:
            self._probes -= 1

    def probe_now(self) -> None:
        """Let an open breaker's probes through at once: the trouble seems to be over."""
        if self.state is BreakerState.OPEN:
            self._enter(BreakerState.HALF_OPEN)

    def to_wire(self) -> dict[str, object]:
        """Return the breaker as it is shown to people and on ``/api``."""
        return {
            "name": self.name,
            "state": str(self.state),
            "failures_in_a_row": self._failures,
            "last_failure": self.last_failure,
            "opens_probes_in_s": round(self.opens_probes_in_s, 1),
        }

    def _admit_probe(self) -> None:
        state = self.state
        if state is BreakerState.OPEN:
            until = when(self._clock.now_ns() + self._open_left_ns())
            raise CircuitOpen(
                f"the circuit breaker {self.name} is open until {until}: {self.last_failure}"
            )
        if state is BreakerState.HALF_OPEN:
            if self._probes >= self._limits.successes:
                raise CircuitOpen(
                    f"the circuit breaker {self.name} is half open and waits for its "
                    f"{self._limits.successes} probes"
                )
            self._probes += 1

    def _open_left_ns(self) -> int:
        passed = self._clock.monotonic_ns() - self._opened_ns
        return int(self._limits.open_s * NS_PER_S) - passed

    def _enter(self, state: BreakerState) -> None:
        early = self._state is BreakerState.HALF_OPEN and self._open_left_ns() > 0
        self._state = state
        self._epoch += 1
        self._probes = self._succeeded = 0
        if state is BreakerState.OPEN and not early:
            self._opened_ns = self._clock.monotonic_ns()
        if state is BreakerState.CLOSED:
            self._failures = 0
        if self._on_change is not None:
            self._on_change(self, state)
