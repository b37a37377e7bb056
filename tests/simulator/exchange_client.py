"""A plain client of the simulator, and a simulator on free ports with a clock that tests move."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from cryptobot.domain.clock import NS_PER_MS, NS_PER_S, ManualClock
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.market.feed import MarketFeed
from cryptobot.simulator.security import sign
from cryptobot.simulator.server.app import Simulator, SimulatorSettings, build_simulator
from cryptobot.simulator.server.run import Ports, RunningSimulator
from cryptobot.simulator.server.tls import make_tls

START_NS = 1_790_000_000 * NS_PER_S
START_MS = START_NS // NS_PER_MS


@dataclass(frozen=True)
class Answer:
    """A REST answer."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> int | None:
        """Binance's error code."""
        return self.body.get("code") if isinstance(self.body, dict) else None


class Socket:
    """One websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = socket

    async def say(self, message: object) -> None:
        await self.raw.send_str(message if isinstance(message, str) else json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(10):
            message = await self.raw.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"closed: {message}")
        return json.loads(message.data)

    async def ask(self, message: Mapping[str, object]) -> Any:
        await self.say(message)
        return await self.hear()


class ExchangeClient:
    """Talks to one simulator over its plain port."""

    def __init__(
        self, session: aiohttp.ClientSession, simulator: Simulator, ports: Ports, clock: ManualClock
    ) -> None:
        self._session = session
        self.simulator = simulator
        self.ports = ports
        self.clock = clock
        self.base = f"http://127.0.0.1:{ports.plain}"

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and let the market and the streams catch up."""
        self.clock.advance(int(seconds * NS_PER_S))
        self.simulator.exchange.venue.advance()

    @property
    def now_ms(self) -> int:
        return self.simulator.exchange.gatekeeper.server_ms()

    async def request(
        self, method: str, path: str, *, query: str = "", body: str = "", key: str | None = None
    ) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        if key is not None:
            headers["X-MBX-APIKEY"] = key
        url = URL(f"{self.base}{path}" + (f"?{query}" if query else ""), encoded=True)
        async with self._session.request(
            method, url, data=body or None, headers=headers
        ) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "")
            return Answer(response.status, json.loads(text) if is_json else text, response.headers)

    async def get(self, path: str, **params: object) -> Answer:
        return await self.request("GET", path, query=urlencode(params))

    async def signed(self, method: str, path: str, **params: object) -> Answer:
        query = urlencode({**params, "timestamp": self.now_ms})
        query += "&signature=" + sign("testsecret", query)
        in_body = method == "POST"
        return await self.request(
            method,
            path,
            query="" if in_body else query,
            body=query if in_body else "",
            key="testkey",
        )

    async def order(self, side: str, kind: str, **params: object) -> Answer:
        return await self.signed(
            "POST", "/api/v3/order", symbol="BTCUSDT", side=side, type=kind, **params
        )

    async def limit(self, side: str, quantity: str, price: str, **params: object) -> Answer:
        terms = {"quantity": quantity, "price": price, "timeInForce": "GTC"} | params
        return await self.order(side, "LIMIT", **terms)

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator[Socket]:
        async with self._session.ws_connect(self.base + path) as socket:
            yield Socket(socket)

    def ws_params(self, **params: object) -> dict[str, object]:
        """Return signed parameters of a ws-api request."""
        full: dict[str, object] = {**params, "apiKey": "testkey", "timestamp": self.now_ms}
        payload = "&".join(
            f"{name}={value if isinstance(value, str) else json.dumps(value)}"
            for name, value in sorted(full.items())
        )
        return {**full, "signature": sign("testsecret", payload)}


@asynccontextmanager
async def exchange(
    feed: MarketFeed,
    *,
    limits: LimitSettings | None = None,
    tls: ssl.SSLContext | None = None,
    speed: float = 1.0,
) -> AsyncIterator[ExchangeClient]:
    """Run a simulator on free ports; only ``pass_time`` moves its clock."""
    clock = ManualClock(START_NS)
    simulator = build_simulator(
        feed, SimulatorSettings(speed=speed, clock=clock, limits=limits or LimitSettings())
    )
    async with (
        RunningSimulator(simulator, tls or make_tls()[0]) as running,
        aiohttp.ClientSession() as session,
    ):
        yield ExchangeClient(session, simulator, running.ports, clock)
