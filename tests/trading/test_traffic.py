"""The budget of an exchange, who goes first, and silence."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptobot.domain.clock import NS_PER_S, ManualClock, when
from cryptobot.domain.errors import Silenced
from cryptobot.trading.traffic import PRECEDENCE, Budget, Precedence, Traffic

from .virtual_time import LoopClock, run_virtually

HOST, OTHER = "api.binance.com", "stream.binance.com"


def a_traffic(clock: ManualClock | LoopClock, cost: float = 100, orders: int = 50) -> Traffic:
    return Traffic(Budget(cost, orders, weight_per_minute=1000), clock)


async def send(traffic: Traffic, precedence: Precedence, cost: float = 1.0) -> float:
    """Wait for leave as ``precedence``; return when it came, in the loop's seconds."""
    PRECEDENCE.set(precedence)
    await traffic.throttle(cost)
    return asyncio.get_running_loop().time()


def test_reads_leave_a_part_of_the_budget_to_orders_and_orders_to_cancels() -> None:
    async def scenario() -> list[float]:
        traffic = a_traffic(LoopClock())
        at_once = [
            await asyncio.create_task(send(traffic, Precedence.READ, 80)),
            await asyncio.create_task(send(traffic, Precedence.ORDER, 15)),
            await asyncio.create_task(send(traffic, Precedence.CANCEL, 5)),
        ]
        waits = [
            asyncio.create_task(send(traffic, Precedence.READ)),
            asyncio.create_task(send(traffic, Precedence.ORDER)),
        ]
        return [*at_once, *await asyncio.gather(*waits)]

    assert run_virtually(scenario) == [0, 0, 0, 60, 60]


def test_cancel_does_not_wait_behind_reads_that_wait() -> None:
    async def scenario() -> tuple[float, bool]:
        traffic = a_traffic(LoopClock())
        await asyncio.create_task(send(traffic, Precedence.READ, 80))
        waiting = asyncio.create_task(send(traffic, Precedence.READ))
        await asyncio.sleep(1)
        cancelled_at = await asyncio.create_task(send(traffic, Precedence.CANCEL, 20))
        still = not waiting.done()
        await waiting
        return cancelled_at, still

    assert run_virtually(scenario) == (1, True)


def test_orders_over_the_10_s_limit_wait_and_cancels_and_reads_do_not() -> None:
    async def scenario() -> list[float]:
        traffic = a_traffic(LoopClock(), orders=2)
        orders = [asyncio.create_task(send(traffic, Precedence.ORDER)) for _ in range(5)]
        others = [
            asyncio.create_task(send(traffic, each))
            for each in (Precedence.CANCEL, Precedence.READ)
        ]
        return [*await asyncio.gather(*orders), *await asyncio.gather(*others)]

    assert run_virtually(scenario) == [0, 0, 10, 10, 20, 0, 0]


def test_request_dearer_than_the_whole_budget_goes_when_nothing_else_is_spent() -> None:
    async def scenario() -> list[float]:
        traffic = a_traffic(LoopClock())
        first = await asyncio.create_task(send(traffic, Precedence.READ, 1))
        return [first, await asyncio.create_task(send(traffic, Precedence.READ, 500))]

    assert run_virtually(scenario) == [0, 60]


def test_caller_that_gives_up_waiting_costs_nothing() -> None:
    async def scenario() -> float:
        traffic = a_traffic(LoopClock())
        await asyncio.create_task(send(traffic, Precedence.READ, 80))
        impatient = asyncio.create_task(send(traffic, Precedence.READ, 80))
        patient = asyncio.create_task(send(traffic, Precedence.READ, 80))
        await asyncio.sleep(1)
        impatient.cancel()
        return await patient

    assert run_virtually(scenario) == 60


@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.sampled_from(Precedence), st.floats(0.1, 30)), max_size=40
    )
)
def test_no_minute_ever_holds_more_than_the_budget(
    wanted: list[tuple[float, Precedence, float]],
) -> None:
    async def scenario() -> list[tuple[float, Precedence, float]]:
        traffic = a_traffic(LoopClock(), cost=50, orders=4)
        sent: list[tuple[float, Precedence, float]] = []

        async def one(delay: float, precedence: Precedence, cost: float) -> None:
            await asyncio.sleep(delay)
            sent.append((await send(traffic, precedence, cost), precedence, cost))

        await asyncio.gather(*(asyncio.create_task(one(*each)) for each in wanted))
        return sent

    sent = run_virtually(scenario)
    assert len(sent) == len(wanted)
    for at, _, _ in sent:
        # To the nanosecond the clock counts in, not beyond.
        minute = [cost for then, _, cost in sent if at - 60 + 1e-6 < then <= at]
        assert sum(minute) <= 50 + 1e-6
        orders = [
            then
            for then, precedence, _ in sent
            if precedence is Precedence.ORDER and at - 10 + 1e-6 < then <= at
        ]
        assert len(orders) <= 4


def test_what_others_use_on_our_address_counts_against_the_budget() -> None:
    traffic = a_traffic(ManualClock())
    traffic.heard(HOST, 200, {"X-MBX-USED-WEIGHT-1M": "700"})  # of what?
    assert traffic.used_ratio() == 0
    weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
    traffic.learn({"rateLimits": [{**weight, "limit": 1000}]})
    traffic.heard(HOST, 200, {"X-MBX-USED-WEIGHT-1M": "700"})
    assert traffic.used_ratio() == pytest.approx(0.7)
    traffic.heard(HOST, 200, {"X-MBX-USED-WEIGHT-1M": "650"})
    assert traffic.used_ratio() == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, "7", 7),
        (429, None, 60),
        (418, "600", 600),
        (418, None, 120),
        (418, "nonsense", 120),
        (418, "²", 120),
        (418, "99999999999", 3 * 86_400),
        (429, "0", 60),
    ],
)
def test_answer_that_asks_for_silence_is_obeyed_for_as_long_as_it_says(
    status: int, header: str | None, seconds: int
) -> None:
    clock = ManualClock()
    told: list[float] = []
    traffic = Traffic(Budget(100), clock, on_limited=told.append)
    traffic.heard(HOST, status, {} if header is None else {"Retry-After": header})
    assert told == [seconds]
    clock.advance(seconds * NS_PER_S - 1)
    until = when(clock.now_ns() + 1)
    with pytest.raises(Silenced, match=f"the exchange answered {status}: silent until {until}$"):
        traffic.check(HOST)
    clock.advance(1)
    traffic.check(HOST)
    assert traffic.silent_s() == 0


def test_ban_silences_every_host_and_too_many_requests_only_its_own() -> None:
    traffic = a_traffic(ManualClock())
    traffic.heard(OTHER, 429, {"Retry-After": "5"})
    traffic.check(HOST)
    with pytest.raises(Silenced):
        traffic.check(OTHER)
    traffic.heard(OTHER, 418, {"Retry-After": "5"})
    with pytest.raises(Silenced):
        traffic.check(HOST)


def test_shorter_silence_does_not_end_a_longer_one() -> None:
    clock = ManualClock()
    traffic = a_traffic(clock)
    traffic.heard(HOST, 418, {"Retry-After": "600"})
    traffic.heard(HOST, 418, {"Retry-After": "5"})
    clock.advance(10 * NS_PER_S)
    with pytest.raises(Silenced):
        traffic.check(HOST)


@pytest.mark.parametrize("status", [200, 400, 401, 403, 451, 500, 503])
def test_any_other_answer_asks_for_no_silence(status: int) -> None:
    traffic = a_traffic(ManualClock())
    traffic.heard(HOST, status, {"Retry-After": "600"})
    traffic.check(HOST)


def test_limits_that_the_exchange_lists_are_taken_over_and_nonsense_is_left() -> None:
    traffic = a_traffic(ManualClock(), cost=200, orders=50)
    weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
    orders = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10}
    traffic.learn({"rateLimits": [{**weight, "limit": 3000}, {**orders, "limit": 70}]})
    learnt = Budget(600, 70, weight_per_minute=3000)
    assert traffic.budget == learnt
    odd: tuple[object, ...] = (
        None,
        [],
        {"rateLimits": None},
        {"rateLimits": [None, 7, {}]},
        {"rateLimits": [{**weight, "limit": 0}, {**orders, "limit": "many"}]},
        {"rateLimits": [{**orders, "intervalNum": 1, "limit": 5}]},
    )
    for nonsense in odd:
        traffic.learn(nonsense)
        assert traffic.budget == learnt


def test_host_is_silent_while_the_one_whose_limits_it_has_is_silent() -> None:
    twin = "ws-api.binance.com"
    traffic = Traffic(Budget(100), ManualClock(), one_host={twin: HOST})
    assert (traffic.limits_of(twin), traffic.limits_of(OTHER)) == (HOST, OTHER)
    traffic.heard(HOST, 429, {"Retry-After": "5"})
    for host in (HOST, twin):
        with pytest.raises(Silenced):
            traffic.check(host)
    traffic.check(OTHER)


def test_host_that_refuses_connections_silences_itself_and_not_the_one_whose_limits_it_has() -> (
    None
):
    twin = "ws-api.binance.com"
    traffic = Traffic(Budget(100), ManualClock(), one_host={twin: HOST})
    traffic.heard(twin, 429, {})
    with pytest.raises(Silenced):
        traffic.check(twin)
    traffic.check(HOST)
