"""What ccxt would go on believing after a mistake, or a clock that was set."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import pytest

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from cryptobot.trading.ccxt_instance import dial_by_monotonic_time

URL = "wss://stream.example/ws"


@pytest.fixture
async def dialler() -> AsyncIterator[tuple[Any, ManualClock]]:
    clock = ManualClock()
    instance = ccxt.pro.binance({"asyncio_loop": asyncio.get_running_loop()})
    instance.milliseconds = lambda: clock.now_ns() // NS_PER_MS
    dial_by_monotonic_time(instance, clock)
    yield instance, clock
    await instance.close()


def fail_to_dial(instance: Any) -> None:
    client = instance.client(URL)
    client.dial_failed = True
    client.on_error(ccxt.NetworkError("refused"))


async def test_pauses_between_dials_grow_and_pass(dialler: tuple[Any, ManualClock]) -> None:
    instance, clock = dialler
    assert instance.ws_dial_delay(URL) == 0
    for expected_s in (0.2, 0.4, 0.8):
        fail_to_dial(instance)
        assert instance.ws_dial_delay(URL) == expected_s
        clock.advance(int(0.1 * NS_PER_S))
        assert instance.ws_dial_delay(URL) == pytest.approx(expected_s - 0.1)
    clock.advance(NS_PER_S)
    assert instance.ws_dial_delay(URL) == 0
    instance.on_connected(instance.client(URL))
    assert URL not in instance.ws_dial_backoff


async def test_pause_before_a_dial_is_not_longer_when_a_clock_that_was_ahead_is_put_right(
    dialler: tuple[Any, ManualClock],
) -> None:
    instance, clock = dialler
    fail_to_dial(instance)
    clock.set(clock.now_ns() - 3_600 * NS_PER_S)
    assert instance.ws_dial_delay(URL) == 0.2
    clock.advance(NS_PER_S)
    assert instance.ws_dial_delay(URL) == 0
