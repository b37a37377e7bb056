"""The session under ccxt: where connections go, and the fence at the wire.

ccxt stays unmodified and keeps its URLs, so its error classes are those of production; only the
resolver decides where a connection ends up.
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Final

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter, ResolveResult
from aiohttp.client_reqrep import ClientRequest, ClientResponse
from aiohttp.client_ws import ClientWebSocketResponse
from aiohttp.connector import Connection

from cryptobot.domain.errors import FenceClosed, NotSent
from cryptobot.trading.exchange import Permit
from cryptobot.trading.network_causes import NOT_CONNECTED
from cryptobot.trading.traffic import Traffic

ORDER_METHODS: Final = frozenset({"POST", "PUT", "PATCH"})
"""Requests that may create an order. Cancels are DELETE at Binance and POST elsewhere; either way
they pass the fence."""

HEARTBEAT_S: Final = 10.0
"""Silence on a websocket after which the exchange is pinged; without an answer in half of that it
is gone."""

GOODBYE_S: Final = 0.5
"""Longest wait for the other side's goodbye when a websocket is closed: when the engine ends, it
waits for it."""


class WireGate:
    """One order's leave to be sent, and whether any of its bytes left.

    Args:
        permit: Asked before the first byte.
    """

    __slots__ = ("_permit", "sent", "stopped")

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        self.sent = False
        self.stopped: NotSent | None = None

    async def wait(self) -> None:
        """Wait for leave. Raises ``NotSent``."""
        await self._permit()

    def check(self) -> None:
        """Look once more; from here on the order counts as sent. Raises ``NotSent``."""
        try:
            self._permit.check()
        except NotSent as error:
            self.stopped = error
            raise
        self.sent = True


class FreeToCancel:
    """A cancel's permit: the fence stops orders only."""

    __slots__ = ()

    async def __call__(self) -> None:
        """Let it through."""

    def check(self) -> None:
        """Let it through."""


CURRENT_GATE: ContextVar[WireGate | None] = ContextVar("cryptobot_wire_gate", default=None)
"""The gate of the order or cancel that the running task sends."""


class PacedRequest(ClientRequest):
    """A request that is not sent while the exchange wants silence; websockets begin as one too."""

    traffic: ClassVar[Traffic]

    async def send(self, conn: Connection) -> ClientResponse:
        """Look when the connection is there, then write the headers."""
        self.traffic.check(self.url.host)
        return await super().send(conn)


class GatedRequest(PacedRequest):
    """A request that no order passes without leave, however long it queued for a connection."""

    async def send(self, conn: Connection) -> ClientResponse:
        """Ask for leave when the connection is there, then write the headers."""
        if self.method in ORDER_METHODS:
            gate = CURRENT_GATE.get()
            if gate is None:
                raise FenceClosed("an order write outside the gateway was stopped")
            await gate.wait()
            self.traffic.check(self.url.host)
            gate.check()
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Look at the fence again: the body is written in a later turn of the loop.

        The headers are still buffered then, and without its body the request is no order.
        """
        gate = CURRENT_GATE.get() if self.method in ORDER_METHODS else None
        if gate is not None:
            try:
                gate.check()
            except NotSent as error:
                gate.sent = False
                if conn.protocol is not None:
                    conn.protocol.set_exception(error)
                conn.close()
                return
        await super().write_bytes(writer, conn, content_length)


class PacedSocket(ClientWebSocketResponse):
    """A websocket on which no text leaves while the exchange wants silence: it waits.

    Pings, pongs and closes do not.
    """

    traffic: ClassVar[Traffic]

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Wait for the silence to end, then write the frame."""
        await self.traffic.wait(self._response.url.host)
        await super().send_str(data, compress)

    async def close(self, *, code: int = aiohttp.WSCloseCode.OK, message: bytes = b"") -> bool:
        """Say goodbye; cut the connection to a peer that does not answer it."""
        transport = self._transport  # aiohttp lets go of it
        answered = False
        try:
            async with asyncio.timeout(GOODBYE_S):
                closed = await super().close(code=code, message=message)
            answered = self.close_code != aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        except TimeoutError:
            return True
        else:
            return closed
        finally:
            if not answered and transport is not None:
                transport.abort()  # TLS would wait for the peer once more

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def _transport(self) -> asyncio.Transport | None:
        return None if self._conn is None else self._conn.transport


class GatedSocket(PacedSocket):
    """A websocket on which no text leaves without leave; pings, pongs and closes need none."""

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Ask for leave, then write the frame.

        From the last look at the fence to the write nothing is awaited: a frame that is not
        compressed goes to the transport at once, and what is awaited comes after it.

        Raises:
            FenceClosed: There is no order whose leave could be asked.
            NotSent: The order must not leave.
            ClientConnectionError: The connection is lost or not fit; where the gate is not marked
                as sent, nothing was written.
        """
        gate = CURRENT_GATE.get()
        if gate is None:
            raise FenceClosed("an order write outside the gateway was stopped")
        await gate.wait()
        transport = self._transport
        if self.closed or transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("lost before the order was written")
        if compress or self.compress:
            raise aiohttp.ClientConnectionError("compression could wait between fence and wire")
        self.traffic.check(self._response.url.host)
        gate.check()
        await ClientWebSocketResponse.send_str(self, data)


class HeardResponse(ClientResponse):
    """A response whose head is looked at for limits, whatever ccxt makes of the rest."""

    traffic: ClassVar[Traffic]

    async def start(self, connection: Connection) -> ClientResponse:
        """Read the head and pass on what it says."""
        response = await super().start(connection)
        self.traffic.heard(self.url.host, self.status, self.headers)
        return response


class _ConnectTo(AbstractResolver):
    """Resolves every host to one address, like curl's ``--connect-to``."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def resolve(
        self,
        host: str,
        port: int = 0,  # noqa: ARG002 - the target has its own
        family: socket.AddressFamily = socket.AF_INET,  # noqa: ARG002 - as above
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=self._host,
                port=self._port,
                family=socket.AF_INET6 if ":" in self._host else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        pass


def _connections_noted() -> aiohttp.TraceConfig:
    """Trace requests so that one which timed out without a connection says so by a note."""

    async def connected(_: aiohttp.ClientSession, request: SimpleNamespace, __: object) -> None:
        request.connected = True

    async def ended(
        _: aiohttp.ClientSession,
        request: SimpleNamespace,
        end: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        if isinstance(end.exception, TimeoutError) and not hasattr(request, "connected"):
            end.exception.add_note(NOT_CONNECTED)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(connected)
    trace.on_request_exception.append(ended)
    return trace


def open_session(
    *,
    connect_to: tuple[str, int] | None,
    tls_ca: Path | None,
    gated: bool,
    traffic: Traffic,
    connector: Callable[[], aiohttp.BaseConnector] | None = None,
) -> aiohttp.ClientSession:
    """Return a session for one ccxt instance. Call it inside the running loop.

    Args:
        connect_to: Where every connection goes instead, URLs and certificates' names unchanged.
        tls_ca: PEM file of an authority to trust besides the system's.
        gated: Whether order writes must pass a ``WireGate``, requests and websocket alike.
        traffic: The exchange's silences, kept by every request.
        connector: Makes what opens the connections, in place of TCP and the first two.
    """
    return aiohttp.ClientSession(
        connector=_tcp(connect_to, tls_ca) if connector is None else connector(),
        request_class=type(
            "Request", (GatedRequest if gated else PacedRequest,), {"traffic": traffic}
        ),
        response_class=type("Response", (HeardResponse,), {"traffic": traffic}),
        ws_response_class=type(
            "Socket", (GatedSocket if gated else PacedSocket,), {"traffic": traffic}
        ),
        trace_configs=[_connections_noted()],
        cookie_jar=aiohttp.DummyCookieJar(),  # no exchange's API needs cookies
    )


@functools.lru_cache(maxsize=2)
def _trusting(authority: str | None) -> ssl.SSLContext:
    """Read the system's authorities once for all sessions: that takes a megabyte and 30 ms."""
    context = ssl.create_default_context()
    if authority is not None:
        context.load_verify_locations(cadata=authority)
    return context


def _tcp(connect_to: tuple[str, int] | None, tls_ca: Path | None) -> aiohttp.TCPConnector:
    # Its comments may be in any script; what counts is not.
    authority = None if tls_ca is None else tls_ca.read_text("ascii", errors="ignore")
    options: dict[str, Any] = {}
    if connect_to is not None:
        host = "127.0.0.1" if connect_to[0] == "localhost" else connect_to[0]
        options = {"resolver": _ConnectTo(host, connect_to[1]), "use_dns_cache": False}
    return aiohttp.TCPConnector(ssl=_trusting(authority), keepalive_timeout=75, **options)
