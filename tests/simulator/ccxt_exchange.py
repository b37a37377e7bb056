"""Unmodified ccxt with production URLs, sent to a simulator over TLS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import ccxt.pro as ccxtpro
from aiohttp.abc import AbstractResolver, ResolveResult

from cryptobot.simulator.server.app import Simulator
from cryptobot.simulator.server.run import RunningSimulator
from cryptobot.simulator.server.tls import make_tls

OPTIONS = {
    "fetchMarkets": {"types": ["spot"]},
    "fetchMargins": False,
    "fetchCurrencies": False,
    "defaultType": "spot",
}


class ToSimulator(AbstractResolver):
    """Sends every connection to one local port."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        del port, family
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=self._port, family=2, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Hold nothing."""


@asynccontextmanager
async def connected(simulator: Simulator) -> AsyncIterator[Any]:
    """Run the simulator and yield ccxt's class with its markets loaded."""
    tls, authority = make_tls()
    trusted = ssl.create_default_context(cadata=authority.decode())
    async with RunningSimulator(simulator, tls) as running:
        connector = aiohttp.TCPConnector(
            resolver=ToSimulator(running.ports.tls), ssl=trusted, use_dns_cache=False
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            exchange = ccxtpro.binance(
                {
                    "session": session,
                    "apiKey": "testkey",
                    "secret": "testsecret",
                    "options": OPTIONS,
                }
            )
            exchange.number = str
            try:
                await exchange.load_markets()
                yield exchange
            finally:
                await exchange.close()


async def watched(pending: Any) -> Any:
    async with asyncio.timeout(20):
        return await pending
