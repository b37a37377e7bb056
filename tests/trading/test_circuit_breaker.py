"""The breaker's table, walked; and a model of it against random calls."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.errors import CircuitOpen
from cryptobot.trading.circuit_breaker import BreakerLimits, BreakerState, CircuitBreaker

LIMITS = BreakerLimits(failures=3, open_s=10, successes=2)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def changes() -> list[BreakerState]:
    return []


@pytest.fixture
def breaker(clock: ManualClock, changes: list[BreakerState]) -> CircuitBreaker:
    return CircuitBreaker("x:orders", LIMITS, clock, lambda _, state: changes.append(state))


def fail(breaker: CircuitBreaker, times: int = 3) -> None:
    for number in range(times):
        breaker.failed(breaker.admit(), f"time-out {number}")


def test_default_limits_are_those_of_the_specification() -> None:
    limits = BreakerLimits()
    assert (limits.failures, limits.open_s, limits.successes) == (10, 120, 3)


def test_breaker_with_failures_in_a_row_opens_and_refuses_with_the_reason(
    breaker: CircuitBreaker, changes: list[BreakerState]
) -> None:
    fail(breaker, 2)
    breaker.succeeded(breaker.admit())
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker, 1)
    assert (breaker.state, changes) == (BreakerState.OPEN, [BreakerState.OPEN])
    with pytest.raises(
        CircuitOpen, match=r"x:orders is open until 2023-11-14 22:13:30 UTC: time-out 0"
    ):
        breaker.admit()


def test_breaker_half_open_admits_exactly_its_probes(
    breaker: CircuitBreaker, clock: ManualClock, changes: list[BreakerState]
) -> None:
    fail(breaker)
    clock.advance(10 * NS_PER_S)
    assert breaker.state is BreakerState.HALF_OPEN
    probes = [breaker.admit(), breaker.admit()]
    with pytest.raises(CircuitOpen, match="waits for its 2 probes"):
        breaker.admit()
    for probe in probes:
        breaker.succeeded(probe)
    assert changes == [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED]


def test_breaker_with_a_failed_probe_opens_again_for_the_whole_time(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker)
    clock.advance(10 * NS_PER_S)
    first, second = breaker.admit(), breaker.admit()
    breaker.failed(first, "still down")
    breaker.succeeded(second)  # of the half-open time that is over
    assert breaker.opens_probes_in_s == 10
    clock.advance(10 * NS_PER_S - 1)
    with pytest.raises(CircuitOpen):
        breaker.admit()


def test_breaker_whose_early_probe_fails_opens_again_for_what_was_left(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker)
    clock.advance(4 * NS_PER_S)
    breaker.probe_now()
    breaker.failed(breaker.admit(), "too early")
    assert breaker.opens_probes_in_s == 6
    breaker.probe_now()
    for _ in range(2):
        breaker.succeeded(breaker.admit())
    fail(breaker)
    assert breaker.opens_probes_in_s == 10


def test_breaker_whose_early_probe_fails_late_opens_for_the_whole_time(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    fail(breaker)
    breaker.probe_now()
    probe = breaker.admit()
    clock.advance(10 * NS_PER_S)
    breaker.failed(probe, "still down")
    assert breaker.opens_probes_in_s == 10


def test_cancelled_probe_gives_its_place_back_and_counts_for_nothing(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    for _ in range(10):
        breaker.abandoned(breaker.admit())
    assert breaker.failures_in_a_row == 0
    fail(breaker)
    clock.advance(10 * NS_PER_S)
    tickets = [breaker.admit(), breaker.admit()]
    breaker.abandoned(tickets[0])
    breaker.succeeded(tickets[1])
    breaker.succeeded(breaker.admit())
    assert breaker.state is BreakerState.CLOSED


def test_late_end_of_a_call_from_before_the_breaker_opened_changes_nothing(
    breaker: CircuitBreaker, clock: ManualClock
) -> None:
    slow = breaker.admit()
    fail(breaker)
    breaker.succeeded(slow)
    assert str(breaker.state) == "open"
    clock.advance(10 * NS_PER_S)
    assert str(breaker.state) == "half_open"
    breaker.failed(slow, "late")
    assert str(breaker.state) == "half_open"


class AnyCalls(RuleBasedStateMachine):
    """Whatever is called and how it ends, what the table says holds."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.breaker = CircuitBreaker("x", LIMITS, self.clock, self._changed)
        self.running: list[tuple[int, int]] = []
        self.epoch = 0
        self.opened_ns: int | None = None
        self.admitted_since_half_open = 0

    def _changed(self, _: CircuitBreaker, state: BreakerState) -> None:
        self.epoch += 1
        self.admitted_since_half_open = 0
        self.opened_ns = self.clock.monotonic_ns() if state is BreakerState.OPEN else None

    @rule()
    def call(self) -> None:
        state = self.breaker.state
        try:
            ticket = self.breaker.admit()
        except CircuitOpen:
            assert state is not BreakerState.CLOSED
            return
        assert state is not BreakerState.OPEN
        self.admitted_since_half_open += state is BreakerState.HALF_OPEN
        self.running.append((ticket, self.epoch))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), end=st.sampled_from(["succeeded", "failed", "abandoned"]))
    def end(self, data: Any, end: str) -> None:
        ticket, epoch = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        if end == "abandoned" and epoch == self.epoch:
            self.admitted_since_half_open -= self.breaker.state is BreakerState.HALF_OPEN
        before = self.epoch
        getattr(self.breaker, end)(ticket, *(["why"] if end == "failed" else []))
        if epoch != before:
            assert self.epoch == before

    @rule()
    def probe_now(self) -> None:
        before = self.breaker.state
        self.breaker.probe_now()
        opened = before is BreakerState.OPEN
        assert self.breaker.state is (BreakerState.HALF_OPEN if opened else before)

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds * NS_PER_S)

    @invariant()
    def probes_are_bounded(self) -> None:
        if self.breaker.state is BreakerState.HALF_OPEN:
            assert self.admitted_since_half_open <= LIMITS.successes

    @invariant()
    def open_lasts_its_time(self) -> None:
        if self.opened_ns is not None and self.breaker.state is BreakerState.OPEN:
            assert self.clock.monotonic_ns() - self.opened_ns < LIMITS.open_s * NS_PER_S


TestAnyCalls = AnyCalls.TestCase
