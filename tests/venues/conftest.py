"""The venues under contract, on the same market: book 64000/64001 in BTC/USDT."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from cryptobot.domain.clock import SystemClock
from cryptobot.domain.market import Book
from cryptobot.matching.records import FeeSchedule
from cryptobot.simulator.server.app import SimulatorSettings, build_simulator
from cryptobot.simulator.server.run import RunningSimulator
from cryptobot.simulator.server.tls import make_tls
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.paper_exchange import PaperExchange
from tests.simulator.scripted_market import BTC, ScriptedMarket, levels

BIDS, ASKS = "64000 x 1, 63999 x 2, 63990 x 5", "64001 x 1, 64002 x 2, 64010 x 5"


@asynccontextmanager
async def simulated(tmp_path: Path, **options: Any) -> AsyncIterator[ExchangeClient]:
    """The ccxt client, unmodified ccxt over TLS, to a simulator in this process."""
    clock = SystemClock()
    simulator = build_simulator(ScriptedMarket(BIDS, ASKS), SimulatorSettings(clock=clock))
    context, ca = make_tls()
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(ca)
    async with RunningSimulator(simulator, context) as running:
        client = ExchangeClient(
            ExchangeConfig(
                id="binance",
                api_key="testkey",
                secret="testsecret",
                connect_to=("127.0.0.1", running.ports.tls),
                tls_ca=ca_file,
                **options,
            ),
            clock,
        )
        try:
            await client.connect()
            if client._order_socket is not None:
                await client._order_socket.up()
            yield client
        finally:
            await client.close()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[ExchangeClient]:
    """The ccxt client, connected."""
    async with simulated(tmp_path) as connected:
        yield connected


@pytest.fixture
async def by_websocket(tmp_path: Path) -> AsyncIterator[ExchangeClient]:
    """The ccxt client, connected, its orders by websocket."""
    async with simulated(tmp_path, order_by_websocket=True) as connected:
        yield connected


@pytest.fixture(params=["ccxt", "ccxt-websocket", "paper"])
async def venue(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Exchange]:
    """Each venue in turn, holding the same balances."""
    by_websocket = request.param == "ccxt-websocket"
    async with simulated(tmp_path, order_by_websocket=by_websocket) as connected:
        if request.param != "paper":
            yield connected
            return
        paper = PaperExchange(
            connected.instruments, await connected.balances(), FeeSchedule(), SystemClock()
        )
        paper.on_book(Book(BTC, tuple(levels(BIDS)), tuple(levels(ASKS)), 0))
        yield paper
        await paper.close()
