"""Speaks HTTP/1.1 byte by byte, so that a test sees what really came over the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cryptobot.simulator.security import sign
from tests.simulator.exchange_client import ExchangeClient

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.1",
    "price": "60000",
    "newClientOrderId": "raw-1",
}


@dataclass(frozen=True)
class Heard:
    """What came.

    Attributes:
        how: How it ended: ``whole`` (as long as it said), ``eof`` or ``reset`` before that.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    how: str

    @property
    def length(self) -> int:
        return int(self.headers["content-length"])


class RawConnection:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, method: str, path: str, query: str) -> None:
        self.writer.write(
            f"{method} {path}?{query} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: testkey\r\n\r\n".encode()
        )
        await self.writer.drain()

    async def hear(self) -> Heard:
        """Read one answer to its end, whatever that is."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            return Heard(0, {}, error.partial, "eof")
        except ConnectionResetError:
            return Heard(0, {}, b"", "reset")
        first, *lines = head.decode().split("\r\n")
        headers = {
            name.lower(): text for name, _, text in (line.partition(": ") for line in lines) if name
        }
        status = int(first.split(" ")[1])
        try:
            body = await self.reader.readexactly(int(headers["content-length"]))
        except asyncio.IncompleteReadError as error:
            return Heard(status, headers, error.partial, "eof")
        return Heard(status, headers, body, "whole")

    async def hear_the_rest(self) -> bytes:
        """Read what comes until the server closes."""
        return await self.reader.read()


@asynccontextmanager
async def connection(client: ExchangeClient) -> AsyncIterator[RawConnection]:
    """Connect to the plain port; nothing takes longer than ten seconds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.ports.plain)
    try:
        async with asyncio.timeout(10):
            yield RawConnection(reader, writer)
    finally:
        writer.close()


def signed_query(client: ExchangeClient, **params: object) -> str:
    query = urlencode({**params, "timestamp": client.now_ms})
    return f"{query}&signature={sign('testsecret', query)}"


async def place(client: ExchangeClient) -> Heard:
    """Place the one order and read what comes back."""
    async with connection(client) as raw:
        await raw.say("POST", "/api/v3/order", signed_query(client, **ORDER))
        return await raw.hear()


async def set_fault(client: ExchangeClient, **description: Any) -> str:
    """Set one fault by the admin interface; return its id."""
    ids = await set_faults(client, description)
    return ids[0]


async def set_faults(client: ExchangeClient, description: Any) -> list[str]:
    answer = await client.request("POST", "/sim/faults", body=json.dumps(description))
    assert answer.status == 201, answer.body
    ids: list[str] = answer.body["ids"]
    return ids


async def orders(client: ExchangeClient) -> list[str]:
    """Return the client ids of the orders that the exchange took."""
    found = (await client.get("/sim/orders")).body
    return [line["client_order_id"] for line in found if line["accepted"]]


async def fired(client: ExchangeClient) -> list[int]:
    """Return how often each fault fired."""
    return [line["fired"] for line in (await client.get("/sim/faults")).body]
