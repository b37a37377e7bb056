"""The edge of the network: what arrives for an exchange is kept and answered here."""

import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from cryptobot.domain.clock import SystemClock
from cryptobot.simulator.server.tls import make_tls
from cryptobot.trading.capabilities import CAPABILITIES
from cryptobot.trading.exchange_client import ExchangeClient, ExchangeConfig

SYMBOL: Final = "BTC/USDT"
HOSTS: Final = ("api.binance.com", "api.kraken.com", "www.okx.com", "api.bybit.com")
MARKET_IDS: Final = {
    "binance": "BTCUSDT",
    "kraken": "XBTUSDT",
    "okx": "BTC-USDT",
    "bybit": "BTCUSDT",
}
EVERY_EXCHANGE: Final = tuple(CAPABILITIES)

_SIGNING: Final = frozenset({"timestamp", "recvWindow", "signature", "nonce"})
"""Parameters of the signature; they are ccxt's business."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it was on the wire, without its signature."""

    method: str
    path: str
    values: dict[str, Any]


@dataclass(slots=True)
class Edge:
    """The server: what arrived, and what is answered by path (an object, or status and text)."""

    arrived: list[Arrived] = field(default_factory=list)
    replies: dict[str, object] = field(default_factory=dict)

    async def handle(self, request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        self.arrived.append(
            Arrived(request.method, request.path, _unsigned({**request.query, **_values(body)}))
        )
        reply = self.replies.get(request.path, {})
        if isinstance(reply, tuple):
            return web.Response(status=reply[0], text=reply[1])
        return web.json_response(reply)

    def orders(self) -> list[Arrived]:
        """Return what arrived, without questions about the account's kind."""
        aside = {"/v5/user/query-api", "/v5/account/info"}
        return [item for item in self.arrived if item.path not in aside]


def _values(body: str) -> Mapping[str, Any]:
    if not body.startswith(("{", "[")):
        return dict(parse_qsl(body, keep_blank_values=True))
    parsed = json.loads(body)
    if isinstance(parsed, list):  # OKX: a batch of one
        (parsed,) = parsed
    return dict(parsed)


def _unsigned(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _SIGNING}


def market(exchange: str) -> dict[str, Any]:
    """Return a market as ccxt keeps it, written by hand."""
    return {
        "id": MARKET_IDS.get(exchange, "BTC-USDT"),
        "altname": "XBTUSDT",
        "symbol": SYMBOL,
        "base": "BTC",
        "quote": "USDT",
        "baseId": "BTC",
        "quoteId": "USDT",
        "type": "spot",
        "spot": True,
        "margin": False,
        "swap": False,
        "future": False,
        "option": False,
        "contract": False,
        "linear": None,
        "inverse": None,
        "active": True,
        "info": {"orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"]},  # binance's
        "precision": {"amount": "0.00001", "price": "0.01"},
        "limits": {"amount": {"min": "0.00001"}, "price": {}, "cost": {"min": "5"}},
    }


@cache
def _tls() -> tuple[ssl.SSLContext, bytes]:
    return make_tls(HOSTS)


@asynccontextmanager
async def client_of(
    exchange: str, edge: Edge, tmp_path: Path, **options: Any
) -> AsyncIterator[ExchangeClient]:
    """The client of an exchange with unmodified ccxt, over TLS to ``edge``; markets are known."""
    context, authority = _tls()
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(authority)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", edge.handle)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    client = ExchangeClient(
        ExchangeConfig(
            id=exchange,
            api_key="key",
            secret="c2VjcmV0",  # Kraken's are base64
            password="phrase",
            connect_to=("127.0.0.1", runner.addresses[0][1]),
            tls_ca=ca_file,
            **options,
        ),
        SystemClock(),
    )
    try:
        await client._open()
        for instance in (client._reads, client._orders):
            instance.set_markets([market(exchange)])
            instance.options["marketsByAltname"] = {"XBTUSDT": instance.markets[SYMBOL]}
        yield client
    finally:
        await client.close()
        await runner.cleanup()
