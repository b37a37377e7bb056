"""What ccxt would do by itself."""

import asyncio

import ccxt.pro

from cryptobot.domain.clock import ManualClock
from cryptobot.trading.ccxt_instance import amend
from cryptobot.trading.traffic import Budget, Traffic

URL = "wss://stream.example/ws"


async def test_ccxt_makes_no_pauses_of_its_own_between_dials() -> None:
    clock = ManualClock()
    instance = ccxt.pro.binance({"asyncio_loop": asyncio.get_running_loop()})
    amend(instance, clock, Traffic(Budget(6_000), clock))
    for _ in range(3):
        client = instance.client(URL)
        client.dial_failed = True
        client.on_error(ccxt.NetworkError("refused"))
    assert instance.ws_dial_backoff[URL]["attempts"] == 3
    assert instance.ws_dial_delay(URL) == 0
    await instance.close()
