"""Answers that no well-behaved server sends: written to the connection as bytes."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

_LOOK_EVERY_S = 0.02


def http_bytes(status: int, headers: Mapping[str, str], body: bytes, length: int) -> bytes:
    """Return an HTTP/1.1 answer whose ``Content-Length`` is ``length``, whatever the body's."""
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    lines += [f"Content-Length: {length}", "", ""]
    return "\r\n".join(lines).encode() + body


def send(request: web.Request, data: bytes) -> None:
    """Write bytes to the client, if it is still there."""
    transport = request.transport
    if transport is not None and not transport.is_closing():
        transport.write(data)


def close(request: web.Request) -> None:
    """Close the connection once what was written is out."""
    if request.transport is not None:
        request.transport.close()


async def until_gone(request: web.Request, at_most_s: float | None) -> None:
    """Wait until the client has closed the connection, or the time is over.

    aiohttp tells a handler nothing when its client leaves (it would cancel it, which is no way
    to treat a handler that moves money), so this looks every 20 ms.
    """
    loop = asyncio.get_running_loop()
    until = None if at_most_s is None else loop.time() + at_most_s
    while request.transport is not None and not request.transport.is_closing():
        if until is not None and loop.time() >= until:
            return
        await asyncio.sleep(_LOOK_EVERY_S)
