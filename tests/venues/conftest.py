"""The venues under contract, on the same market: book 64000/64001 in BTC/USDT."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cryptobot.domain.clock import SystemClock
from cryptobot.domain.market import Book
from cryptobot.matching.records import FeeSchedule
from cryptobot.simulator.faults.reading import read_faults
from cryptobot.simulator.server.app import Simulator, SimulatorSettings, build_simulator
from cryptobot.simulator.server.run import RunningSimulator
from cryptobot.simulator.server.tls import make_tls
from cryptobot.trading import ccxt_order_socket
from cryptobot.trading.exchange import Exchange
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig
from cryptobot.trading.paper_exchange import PaperExchange
from tests.simulator.scripted_market import BTC, ScriptedMarket, levels

BIDS, ASKS = "64000 x 1, 63999 x 2, 63990 x 5", "64001 x 1, 64002 x 2, 64010 x 5"


@dataclass
class Trading:
    """A client and the exchange it trades at.

    Attributes:
        requests: What the client said of its requests: operation and outcome.
        events: What it said of its streams: channel, event and reason.
    """

    client: ExchangeClient
    simulator: Simulator
    requests: list[tuple[str, str]]
    events: asyncio.Queue[tuple[str, str, str | None]]

    def fault(self, kind: str, **more: object) -> None:
        """Let something go wrong from now on."""
        self.simulator.plan.add(read_faults({"kind": kind, **more}))

    def came(self, client_order_id: str) -> list[object]:
        """Return how an order reached the exchange, each time it did."""
        desk = self.simulator.exchange.desk
        orders = map(desk.describe, desk.received)
        return [order["via"] for order in orders if order["client_order_id"] == client_order_id]

    def placed(self) -> list[str]:
        """Return what the client said of its orders."""
        return [outcome for operation, outcome in self.requests if operation == "place_order"]

    async def order_entry(self, event: str) -> str | None:
        """Wait for what happens to the order websocket and return why it did."""
        async with asyncio.timeout(10):
            while True:
                channel, seen, reason = await self.events.get()
                if (channel, seen) == ("order_entry", event):
                    return reason

    def cut(self) -> None:
        """Reset every websocket."""
        for connection in self.simulator.sockets:
            connection.reset()


@asynccontextmanager
async def trading(
    tmp_path: Path, faults: Sequence[dict[str, object]] = (), **options: Any
) -> AsyncIterator[Trading]:
    """The ccxt client, unmodified ccxt over TLS, and a simulator in this process."""
    clock = SystemClock()
    simulator = build_simulator(
        ScriptedMarket(BIDS, ASKS), SimulatorSettings(clock=clock), read_faults(list(faults))
    )
    context, ca = make_tls()
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(ca)
    requests: list[tuple[str, str]] = []
    events: asyncio.Queue[tuple[str, str, str | None]] = asyncio.Queue()
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
            on_request=lambda operation, outcome, _: requests.append((operation, outcome)),
            on_stream=lambda channel, _, event, why: events.put_nowait((channel, event, why)),
        )
        try:
            await client.connect()
            yield Trading(client, simulator, requests, events)
        finally:
            await client.close()


@asynccontextmanager
async def simulated(tmp_path: Path, **options: Any) -> AsyncIterator[ExchangeClient]:
    """The ccxt client, connected to a simulator in this process."""
    async with trading(tmp_path, **options) as at:
        if at.client._order_socket is not None:
            await at.client._order_socket.up()
        yield at.client


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[ExchangeClient]:
    """The ccxt client, connected."""
    async with simulated(tmp_path) as connected:
        yield connected


@pytest.fixture
async def by_websocket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trading]:
    """The ccxt client, its orders by websocket, which is up."""
    monkeypatch.setattr(ccxt_order_socket, "PAUSES_S", (0.0,))
    async with trading(tmp_path, order_by_websocket=True, timeout_s=5.0) as at:
        await at.order_entry("connected")
        yield at


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
