"""Retries and breakers around the live exchange, in virtual time."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from typing import Any

import pytest

from cryptobot.domain.errors import (
    CircuitOpen,
    FenceClosed,
    NotSent,
    OrderRefused,
    OutcomeUnknown,
    ReadFailed,
    Silenced,
    VenueError,
)
from cryptobot.domain.order import OrderState, OrderType, Side, TimeInForce
from cryptobot.trading.circuit_breaker import BreakerLimits, BreakerState
from cryptobot.trading.exchange import OrderRequest
from cryptobot.trading.guarded_exchange import (
    Exhausted,
    Group,
    GuardedExchange,
    GuardEvents,
    verdict,
)
from cryptobot.trading.retry import CAUSES, DEFAULT_PAUSES_S, Cause, RetryPolicy, cause_of

from .scripted_venue import SYMBOL, ScriptedVenue, a_report
from .virtual_time import LoopClock, run_virtually

REQUEST = OrderRequest("cb1", SYMBOL, Side.BUY, OrderType.LIMIT, D(1), D(100), TimeInForce.GTC)


class OpenPermit:
    """Gives leave, and counts how often it was asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.fence: NotSent | None = None

    async def __call__(self) -> None:
        self.asked += 1

    def check(self) -> None:
        if self.fence is not None:
            raise self.fence


@dataclass
class Guarded:
    """A guarded scripted venue and all that was told."""

    limits: BreakerLimits = field(default_factory=BreakerLimits)
    silent_s: float = 0.0
    venue: ScriptedVenue = field(default_factory=ScriptedVenue)
    permit: OpenPermit = field(default_factory=OpenPermit)
    sent_at: list[float] = field(default_factory=list)
    retried: list[tuple[str, Cause]] = field(default_factory=list)
    exhausted: list[Exhausted] = field(default_factory=list)
    clock_syncs: int = 0

    def __post_init__(self) -> None:
        self.exchange = GuardedExchange(
            self.venue,
            policy=RetryPolicy(DEFAULT_PAUSES_S, jitter=0),
            limits=self.limits,
            clock=LoopClock(),
            sync_clock=self._sync,
            silent_s=lambda: self.silent_s,
            events=GuardEvents(
                lambda operation, cause: self.retried.append((operation, cause)),
                self.exhausted.append,
            ),
            rng=random.Random(1),
        )

    async def _sync(self) -> None:
        self.clock_syncs += 1

    def answers(self, outcomes: Sequence[VenueError | None]) -> None:
        """Let the venue answer each try with the next outcome; ``None`` is well, the last stays."""
        left = list(outcomes)

        def answer(request: Any) -> Any:
            self.sent_at.append(asyncio.get_running_loop().time())
            outcome = left.pop(0) if len(left) > 1 else left[0]
            client_id = request if isinstance(request, str) else request.client_order_id
            return a_report(client_id) if outcome is None else outcome

        self.venue.answer = answer
        self.venue.cancel_answer = answer

    async def place(self) -> Any:
        return await self.exchange.place_order(REQUEST, self.permit)

    async def cancel(self) -> Any:
        return await self.exchange.cancel_order(SYMBOL, "cb1")


def scenario(run: Callable[[Guarded], Awaitable[None]], **options: Any) -> Guarded:
    """Run in virtual time and return what came of it."""

    async def main() -> Guarded:
        guarded = Guarded(**options)
        await run(guarded)
        return guarded

    return run_virtually(main)


def place(*outcomes: VenueError | None, fails: type[VenueError] | None = None) -> Guarded:
    async def run(guarded: Guarded) -> None:
        guarded.answers(outcomes)
        if fails is None:
            assert (await guarded.place()).state is OrderState.ACCEPTED
        else:
            with pytest.raises(fails):
                await guarded.place()

    return scenario(run)


NOT_REACHED = NotSent("refused", "connection_failed")


def test_order_proven_not_executed_is_sent_again_at_once_then_slower_with_the_same_id() -> None:
    guarded = place(NOT_REACHED, NOT_REACHED, NOT_REACHED, None)
    assert guarded.sent_at == [0, 0, 1, 3]
    assert {request.client_order_id for request in guarded.venue.on_the_wire} == {"cb1"}
    assert guarded.permit.asked == 4  # the fence is asked anew each time
    assert guarded.retried == [("place_order", Cause.NETWORK)] * 3
    assert guarded.exhausted == []


def test_order_is_not_tried_for_longer_than_its_time_and_leaves_evidence() -> None:
    guarded = place(NOT_REACHED, fails=NotSent)
    assert guarded.sent_at == [0, 0, 1, 3, 7]  # 8 s more would be 15: over order_s = 10
    (given_up,) = guarded.exhausted
    assert (given_up.operation, given_up.subject, given_up.attempts) == ("place_order", "cb1", 5)
    assert (given_up.code, given_up.reason) == ("connection_failed", "refused")
    assert given_up.last_ns - given_up.first_ns == 7 * 10**9


@pytest.mark.parametrize(
    "outcome",
    [
        OutcomeUnknown("no answer", "timeout"),
        OutcomeUnknown("reset", "network"),
        OutcomeUnknown("?", "unclassified"),
        OrderRefused("no funds", "insufficient_funds"),
        Silenced("banned"),
        NotSent("no intent", "journal"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.code}",
)
def test_order_with_any_other_outcome_is_sent_once(outcome: VenueError) -> None:
    guarded = place(outcome, fails=type(outcome))
    assert len(guarded.sent_at) == 1
    assert guarded.retried == []
    assert guarded.exhausted == []


def test_order_whose_time_stamp_was_refused_is_sent_once_more_after_the_clock_was_measured() -> (
    None
):
    skewed = NotSent("-1021", "clock_skew")
    assert place(skewed, None).clock_syncs == 1
    guarded = place(skewed, fails=NotSent)
    assert (len(guarded.sent_at), guarded.clock_syncs, len(guarded.exhausted)) == (2, 1, 1)


def test_order_turned_away_for_the_rate_limit_waits_as_long_as_the_answer_said() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([NotSent("429", "rate_limited"), None])
        await guarded.place()

    assert scenario(run, silent_s=7.0).sent_at == [0, 7]
    assert scenario(run).sent_at == [0, 5]


def test_order_whose_wait_for_a_silence_ends_early_waits_for_the_rest() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([NotSent("429", "rate_limited"), None])
        loop = asyncio.get_running_loop()
        loop.call_later(1.0, setattr, guarded, "silent_s", 0.02)
        loop.call_later(1.02, setattr, guarded, "silent_s", 0.0)
        await guarded.place()

    assert scenario(run, silent_s=1.0).sent_at == [0, 1.02]


def test_order_that_waits_to_be_tried_again_meets_the_fence_at_once_when_woken() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([NOT_REACHED])
        placing = asyncio.create_task(guarded.place())
        await asyncio.sleep(3.5)  # it waits until 7
        guarded.permit.fence = FenceClosed("the mode is paper")
        guarded.exchange.wake()
        with pytest.raises(FenceClosed):
            await placing
        assert asyncio.get_running_loop().time() == 3.5

    assert scenario(run).sent_at == [0, 0, 1, 3]


@pytest.mark.parametrize(
    "outcome", [OutcomeUnknown("no answer", "timeout"), NotSent("refused", "connection_failed")]
)
def test_cancel_without_an_answer_is_sent_until_there_is_one(outcome: VenueError) -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([outcome] * 6 + [None])
        await guarded.cancel()

    assert scenario(run).sent_at == [0, 0, 1, 3, 7, 15, 31]


def test_cancel_that_waits_is_tried_when_the_exchange_answers_again_not_at_a_switch() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([OutcomeUnknown("no answer", "timeout")] * 5 + [None])
        loop = asyncio.get_running_loop()
        loop.call_later(8.0, guarded.exchange.wake)
        loop.call_later(9.0, guarded.exchange.hasten)
        await guarded.cancel()

    assert scenario(run).sent_at == [0, 0, 1, 3, 7, 9]


def test_cancel_on_its_way_when_the_exchange_answers_again_is_tried_again_at_once() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([OutcomeUnknown("503", "server")] * 2 + [None])
        guarded.venue.reply = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.call_later(10.0, guarded.exchange.hasten)
        loop.call_later(11.0, guarded.venue.reply.set)
        await guarded.cancel()

    assert scenario(run).sent_at == [11, 11, 13]


@pytest.mark.parametrize("operation", ["place", "cancel"])
def test_write_turned_away_for_the_rate_limit_waits_on_when_the_exchange_answers_again(
    operation: str,
) -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([NotSent("429", "rate_limited"), None])
        asyncio.get_running_loop().call_later(1.0, guarded.exchange.hasten)
        await getattr(guarded, operation)()

    assert scenario(run, silent_s=7.0).sent_at == [0, 7]


@pytest.mark.parametrize("tries", [0, 3])
def test_cancel_refused_is_an_answer_however_often_it_was_tried(tries: int) -> None:
    async def run(guarded: Guarded) -> None:
        refusal = OrderRefused("unknown order", "order_not_found")
        guarded.answers([OutcomeUnknown("no answer", "timeout")] * tries + [refusal])
        with pytest.raises(OrderRefused):
            await guarded.cancel()
        assert guarded.exhausted == []

    assert len(scenario(run).sent_at) == tries + 1


def test_breaker_of_orders_opens_on_unknown_outcomes_and_spares_cancels_and_reads() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([OutcomeUnknown("no answer", "timeout")])
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await guarded.place()
        with pytest.raises(CircuitOpen, match="binance:orders is open"):
            await guarded.place()
        assert len(guarded.sent_at) == 2
        guarded.answers([None])
        await guarded.cancel()
        assert await guarded.exchange.open_orders(SYMBOL) == []
        await asyncio.sleep(120)
        for _ in range(3):
            await guarded.place()
        assert guarded.exchange.breakers[Group.ORDERS].state is BreakerState.CLOSED

    scenario(run, limits=BreakerLimits(failures=2))


def test_nothing_stops_a_cancel() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([OutcomeUnknown("no answer", "silly")])
        for _ in range(20):
            with pytest.raises(OutcomeUnknown):
                await guarded.cancel()
        assert len(guarded.sent_at) == 20

    scenario(run, limits=BreakerLimits(failures=2))


def test_refused_orders_never_open_the_breaker() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.answers([OrderRefused("no funds", "insufficient_funds")])
        for _ in range(20):
            with pytest.raises(OrderRefused):
                await guarded.place()
        assert len(guarded.sent_at) == 20

    scenario(run, limits=BreakerLimits(failures=2))


def test_cancelled_caller_is_no_failure() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.venue.reply = asyncio.Event()
        for _ in range(20):
            placing = asyncio.create_task(guarded.place())
            await asyncio.sleep(1)
            placing.cancel()
            await asyncio.gather(placing, return_exceptions=True)
        assert guarded.exchange.breakers[Group.ORDERS].failures_in_a_row == 0

    scenario(run, limits=BreakerLimits(failures=2))


def test_reads_with_an_open_breaker_fail_as_reads_do() -> None:
    async def run(guarded: Guarded) -> None:
        guarded.venue.list_error = ReadFailed("nonsense", "restricted")
        for _ in range(2):
            with pytest.raises(ReadFailed, match="nonsense"):
                await guarded.exchange.open_orders(SYMBOL)
        with pytest.raises(ReadFailed, match=r"open_orders: the circuit breaker binance:reads"):
            await guarded.exchange.open_orders(SYMBOL)

    scenario(run, limits=BreakerLimits(failures=2))


def test_exchange_that_answers_again_is_read_at_once_and_gets_orders_when_their_time_is_over() -> (
    None
):
    async def run(guarded: Guarded) -> None:
        guarded.answers([OutcomeUnknown("no answer", "timeout")])
        guarded.venue.list_error = ReadFailed("nonsense", "restricted")
        for _ in range(2):
            with pytest.raises(OutcomeUnknown):
                await guarded.place()
            with pytest.raises(ReadFailed):
                await guarded.exchange.open_orders(SYMBOL)
        guarded.venue.list_error = None
        with pytest.raises(ReadFailed, match="binance:reads is open"):
            await guarded.exchange.open_orders(SYMBOL)
        guarded.exchange.hasten()
        assert await guarded.exchange.open_orders(SYMBOL) == []
        with pytest.raises(CircuitOpen, match="binance:orders is open"):
            await guarded.place()

    scenario(run, limits=BreakerLimits(failures=2))


CAUSE_ROWS: list[tuple[str, VenueError, Cause | None]] = [
    *(("place_order", NotSent("", code), cause) for code, cause in CAUSES.items()),
    *(("find_order", ReadFailed("", code), cause) for code, cause in CAUSES.items()),
    *(("cancel_order", OutcomeUnknown("", code), cause) for code, cause in CAUSES.items()),
    *(("place_order", OutcomeUnknown("", code), None) for code in CAUSES),
    ("place_order", FenceClosed(""), None),
    ("cancel_order", Silenced(""), None),
    ("find_order", ReadFailed("", "authentication"), None),
    ("find_order", ReadFailed("", "restricted"), None),
    ("find_order", ReadFailed("", "not_connected"), None),
    ("place_order", OrderRefused("", "bad_request"), None),
]


@pytest.mark.parametrize(("operation", "error", "cause"), CAUSE_ROWS)
def test_cause_of_every_row(operation: str, error: VenueError, cause: Cause | None) -> None:
    assert cause_of(operation, error) is cause


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (OrderRefused("", "bad_request"), True),
        (OutcomeUnknown("", "timeout"), False),
        (OutcomeUnknown("", "duplicate_id"), True),
        (NotSent("", "connection_failed"), False),
        (NotSent("", "rate_limited"), None),
        (NotSent("", "clock_skew"), None),
        (NotSent("", "journal"), None),
        (NotSent("", "not_sent"), None),
        (ReadFailed("", "not_connected"), None),
        (FenceClosed(""), None),
        (Silenced(""), None),
        (ReadFailed("", "timeout"), False),
        (ReadFailed("", "unreadable"), False),
        (ReadFailed("", "authentication"), True),
        (ReadFailed("", "order_not_found"), True),
        (ReadFailed("", "rate_limited"), None),
        (ReadFailed("", "banned"), None),
    ],
)
def test_verdict_of_every_row(error: VenueError, counts: bool | None) -> None:
    assert verdict(error) is counts
