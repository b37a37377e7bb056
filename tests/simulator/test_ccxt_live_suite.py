"""ccxt's own live suite passes against the simulated exchange, in all four ways to run it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode

import aiohttp
import pytest

from cryptobot.simulator.market.generated import GeneratedMarket
from cryptobot.simulator.security import sign
from cryptobot.simulator.server.app import build_simulator
from cryptobot.simulator.server.run import RunningSimulator
from cryptobot.simulator.server.tls import make_tls
from tests.simulator.ccxt_live_suite import Outcome, outcome, prepare

pytestmark = [pytest.mark.e2e, pytest.mark.shared, pytest.mark.timeout(400)]

REST = {
    "afterConstruct", "features", "fetchBalance", "fetchClosedOrders", "fetchCurrencies",
    "fetchLastPrices", "fetchMyTrades", "fetchOHLCV", "fetchOpenOrders", "fetchOrderBook",
    "fetchOrders", "fetchStatus", "fetchTicker", "fetchTickers", "fetchTrades", "loadMarkets",
}  # fmt: skip
MARKET = {
    "loadMarkets", "watchBidsAsks", "watchOHLCV", "watchOHLCVForSymbols", "watchOrderBook",
    "watchOrderBookForSymbols", "watchTicker", "watchTickers", "watchTrades",
    "watchTradesForSymbols",
}  # fmt: skip
ACCOUNT = {"loadMarkets", "watchBalance", "watchMyTrades", "watchOrders", "watchPositions"}
RUNS: dict[str, set[str]] = {
    "--sandbox --private": REST,
    "--sandbox --private --sync": REST,
    "--sandbox --ws": MARKET,
    "--sandbox --ws --privateOnly": ACCOUNT,
}
"""The arguments, and the methods that must have been tested to their end."""


@asynccontextmanager
async def an_order_a_second(port: int) -> AsyncIterator[list[int]]:
    """Place market orders meanwhile, signed by hand: the account's streams wait for events."""
    statuses: list[int] = []

    async def place(session: aiohttp.ClientSession, clock: asyncio.AbstractEventLoop) -> None:
        while True:
            next_s = clock.time() + 1
            async with session.get(f"http://127.0.0.1:{port}/api/v3/time") as answer:
                now_ms = (await answer.json())["serverTime"]
            side = "SELL" if len(statuses) % 2 else "BUY"
            query = urlencode(
                {
                    "symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": "0.001",
                    "timestamp": now_ms,
                }
            )  # fmt: skip
            query += f"&signature={sign('testsecret', query)}"
            url = f"http://127.0.0.1:{port}/api/v3/order?{query}"
            async with session.post(url, headers={"X-MBX-APIKEY": "testkey"}) as answer:
                statuses.append(answer.status)
            await asyncio.sleep(max(0.0, next_s - clock.time()))

    async with aiohttp.ClientSession() as session:
        placing = asyncio.create_task(place(session, asyncio.get_running_loop()))
        try:
            yield statuses
        finally:
            placing.cancel()
            with suppress(asyncio.CancelledError):
                await placing


async def test_suite_passes_all_four_runs(shared_dir: Path) -> None:
    given = shared_dir / "exchange" / "ccxt_live_suite"
    simulator = build_simulator(GeneratedMarket(9))
    with TemporaryDirectory() as home:
        async with RunningSimulator(simulator, make_tls()[0]) as running:
            port = running.ports.plain
            suite = prepare(given, Path(home), port)
            async with an_order_a_second(port) as statuses:
                found: list[Outcome] = await asyncio.gather(
                    *(suite.run(arguments.split()) for arguments in RUNS)
                )
    for (arguments, methods), one in zip(RUNS.items(), found, strict=True):
        assert one.failures == (), f"{arguments}: {one.text[-4000:]}"
        assert methods <= set(one.done), f"{arguments}: {one.text[-4000:]}"
    assert len(statuses) > 3
    assert set(statuses) == {200}


def test_outcome_tells_failures_and_what_was_done() -> None:
    text = (
        "[INFO] TESTING            binance fetchTicker\n"
        "[INFO] TESTING DONE       binance fetchTicker\n"
        "[TEST_FAILURE] binance fetchTrades\n"
        "AssertionError: order of trades\n"
    )
    found = outcome(text)
    assert found.done == {"fetchTicker": 1}
    assert len(found.failures) == 2
