"""What the network did, in words, of an error that went through aiohttp and ccxt.

ccxt names the request and keeps aiohttp's error as the cause; its websockets keep it as the
argument. The words name the host, never the rest of an address: that holds signatures.
"""

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Final

import aiohttp

NOT_CONNECTED: Final = "before there was a connection"
"""Our session's note on a time-out; aiohttp's longest time for a whole request does not say it."""

CAUSES: Final[Sequence[tuple[Sequence[type[BaseException]], str]]] = (
    ((socket.gaierror,), "DNS lookup of {host} failed"),
    ((aiohttp.ClientConnectorDNSError,), "DNS lookup of {host} failed"),
    ((ssl.SSLCertVerificationError,), "TLS certificate of {host} not accepted: {why}"),
    ((ssl.SSLError,), "no TLS connection to {host}: {why}"),
    ((ConnectionRefusedError,), "connection refused by {address}"),
    ((aiohttp.ClientConnectorError, TimeoutError), "timed out connecting to {address}"),
    ((aiohttp.ConnectionTimeoutError,), "timed out connecting to {address}"),
    ((aiohttp.ClientConnectorError, ConnectionError), "connection to {address} reset at its start"),
    ((aiohttp.ClientConnectorError,), "no connection to {address}: {why}"),
    ((ConnectionError,), "connection reset by {host}"),
    ((aiohttp.ServerDisconnectedError,), "connection closed by {host} without an answer"),
    ((aiohttp.ClientPayloadError,), "the answer of {host} could not be read to its end"),
    ((TimeoutError,), "timed out waiting for an answer of {host}"),
)
"""What it was, by classes that must all be among an error and its causes; the first row counts."""

_ADDRESS = re.compile(r"//(?P<host>[^/?#\s:]+)(?::(?P<port>\d+))?")


def network_cause(error: BaseException) -> str | None:
    """Return what the network did; ``None`` where an error has no such cause."""
    chain = list(_chain(error))
    host, address = _whose(chain)
    for kinds, text in CAUSES:
        if all(any(isinstance(each, kind) for each in chain) for kind in kinds):
            return text.format(host=host, address=address, why=_why(chain))
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and what it was made of."""
    link: object = error
    while isinstance(link, BaseException):
        yield link
        if NOT_CONNECTED in getattr(link, "__notes__", ()):
            yield aiohttp.ConnectionTimeoutError()
        link = link.__cause__ or next(iter(link.args), None)


def _whose(chain: Sequence[BaseException]) -> tuple[str, str]:
    """Return the host that an error is about, and the host with its port where that is known."""
    for each in chain:
        if isinstance(each, aiohttp.ClientConnectorError):
            return each.host, f"{each.host}:{each.port}"
    found = next(filter(None, map(_ADDRESS.search, map(str, chain))), None)
    if found is None:
        return "the exchange", "the exchange"
    return found["host"], found[0].removeprefix("//")


def _why(chain: Sequence[BaseException]) -> str:
    """Return the innermost word on the reason."""
    for each in reversed(chain):
        if isinstance(each, ssl.SSLError):
            words = getattr(each, "verify_message", None)
            words = words or str(getattr(each, "reason", None) or "").replace("_", " ").lower()
            if words:
                return str(words)
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
    return type(chain[-1]).__name__
