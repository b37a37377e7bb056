"""The HTTP server on ``:9100``: metrics, health and analytics. Nothing here changes trading."""

import asyncio
import errno
import gzip
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from telemetry import api
from telemetry.catalogue import OTHER
from telemetry.connections import SERVER, ConnectionGuard, GuardedConnection, json_answer
from telemetry.health import Health
from telemetry.metrics import Metrics
from telemetry.port_owner import port_owner

_log = logging.getLogger(__name__)

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_GZIP_LEVEL = 1  # on the event loop: 80 kB in half a millisecond


class ExporterError(Exception):
    """The exporter cannot listen; the message is one line: what, where, what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may cost.

    Attributes:
        connections: At a time; beyond it the longest silent one is dropped.
        patience_s: From connecting, or from the last answer, to the next complete answer.
        provider_s: For the program to answer an ``/api`` question.
        line_bytes: Longest request line, and longest header.
        headers: Most header lines.
    """

    connections: int = 64
    patience_s: float = 75.0
    provider_s: float = 5.0
    line_bytes: int = 4096
    headers: int = 64


class Exporter:
    """Serves metrics, health and analytics.

    Args:
        metrics: What ``/metrics`` shows; the exporter's own requests are counted there too.
        health: What ``/health`` shows.
        providers: What ``/api`` asks.
        host: Address to listen on.
        port: TCP port, 0 for any free one.
        api_token: Needed for ``/api``; with ``None`` it answers loopback only.
        limits: What clients may cost.
    """

    def __init__(
        self,
        metrics: Metrics,
        health: Health,
        providers: api.ApiProviders,
        *,
        host: str = "127.0.0.1",
        port: int = 9100,
        api_token: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._metrics = metrics
        self._health = health
        self._providers = providers
        self._host = host
        self._port = port
        self._token = api_token
        self._limits = limits or Limits()
        self._guard = ConnectionGuard(self._limits.connections, self._limits.patience_s)
        self._http: web.Server | None = None
        self._listener: asyncio.Server | None = None
        self._routes: Mapping[str, Callable[[web.BaseRequest], Awaitable[web.Response]]] = {
            "/metrics": self._show_metrics,
            "/health": self._show_alive,
            "/health/ready": self._show_ready,
            "/health/detailed": self._show_detailed,
            "/api/metrics/orders/daily": self._orders_daily,
            "/api/metrics/status-changes": self._status_changes,
            "/api/metrics/summary": self._summary,
            "/api/metrics/circuit-breakers": self._circuit_breakers,
        }

    @property
    def port(self) -> int:
        """The port listened on; before ``start`` the one asked for."""
        if self._listener is None:
            return self._port
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen.

        Raises:
            ExporterError: If the address cannot be listened on; it names the port's owner if
                it can.
        """
        self._http = web.Server(self._handle)
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(self._connection, self._host, self._port)
        except OSError as error:
            raise ExporterError(self._why_not(error)) from error

    async def close(self) -> None:
        """Stop listening and drop what is connected."""
        if self._listener is not None:
            self._listener.close()
        self._guard.stop()
        if self._http is not None:
            await self._http.shutdown(timeout=0)
        if self._listener is not None:
            await self._listener.wait_closed()
            self._listener = None

    def _connection(self) -> GuardedConnection:
        if self._http is None:
            raise RuntimeError("the exporter is not started")
        return GuardedConnection(
            self._guard,
            self._http,
            access_log=None,
            keepalive_timeout=self._limits.patience_s,
            max_line_size=self._limits.line_bytes,
            max_field_size=self._limits.line_bytes,
            max_headers=self._limits.headers,
            lingering_time=0.0,
        )

    def _why_not(self, error: OSError) -> str:
        where = f"{self._host}:{self._port}"
        if error.errno == errno.EADDRINUSE:
            owner = port_owner(self._port)
            by = f" by {owner}" if owner else " by another program"
            return (
                f"metrics port {self._port} on {self._host} is in use{by}; "
                "stop it or set another metrics.port"
            )
        if error.errno == errno.EACCES:
            return f"may not listen on {where} (metrics.port); set a port above 1023"
        return f"cannot listen on {where} (metrics.host, metrics.port): {error.strerror or error}"

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        started = time.perf_counter()
        status = 500
        try:
            response = await self._answer(request)
            status = response.status
        except api.BadParameter as bad:
            response = bad.answer()
            status = response.status
        except Exception:  # noqa: BLE001 - logged; the client gets a JSON 500
            _log.exception("exporter_request_failed", extra={"path": request.path})
            response = json_answer(500, {"error": "internal error; the log says more"})
        finally:
            path = request.path if request.path in self._routes else OTHER
            self._metrics.process.http(path, status, time.perf_counter() - started)
        if isinstance(request.protocol, GuardedConnection):
            self._guard.answered(request.protocol)
        return response

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        handler = self._routes.get(request.path)
        if handler is None:
            body = {"error": f"nothing at {request.path[:200]}", "paths": sorted(self._routes)}
            return json_answer(404, body)
        if request.method not in {"GET", "HEAD"}:
            message = f"{request.path} takes GET and HEAD, not {request.method[:20]}"
            return json_answer(405, {"error": message}, {"Allow": "GET, HEAD"})
        if request.path.startswith("/api/"):
            refused = api.refusal(request, self._token)
            if refused is not None:
                return refused
        return await handler(request)

    async def _show_metrics(self, request: web.BaseRequest) -> web.Response:
        openmetrics = _wants_openmetrics(request.headers.get("Accept", ""))
        body = self._metrics.exposition(openmetrics=openmetrics)
        headers = {
            "Server": SERVER,
            "Content-Type": OPENMETRICS if openmetrics else TEXT,
            "Vary": "Accept, Accept-Encoding",
        }
        if _takes_gzip(request.headers.get("Accept-Encoding", "")):
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    async def _show_alive(self, _request: web.BaseRequest) -> web.Response:
        return json_answer(*self._health.alive_answer())

    async def _show_ready(self, _request: web.BaseRequest) -> web.Response:
        return json_answer(*self._health.ready_answer())

    async def _show_detailed(self, _request: web.BaseRequest) -> web.Response:
        return json_answer(*self._health.detailed_answer())

    async def _orders_daily(self, request: web.BaseRequest) -> web.Response:
        return await self._ask(self._providers.orders_daily(api.days(request)))

    async def _status_changes(self, request: web.BaseRequest) -> web.Response:
        return await self._ask(self._providers.status_changes(api.days(request)))

    async def _summary(self, request: web.BaseRequest) -> web.Response:
        api.only(request)
        return await self._ask(self._providers.summary())

    async def _circuit_breakers(self, request: web.BaseRequest) -> web.Response:
        api.only(request)
        return await self._ask(self._providers.circuit_breakers())

    async def _ask(self, answer: Awaitable[object]) -> web.Response:
        try:
            async with asyncio.timeout(self._limits.provider_s):
                return json_answer(200, await answer)
        except TimeoutError:
            message = f"no answer within {self._limits.provider_s:g} s; try again"
            return json_answer(503, {"error": message})


def _wants_openmetrics(accept: str) -> bool:
    """Return whether OpenMetrics is asked for at least as strongly as the text format."""
    weight = _weights(accept)
    wanted = weight.get("application/openmetrics-text", 0.0)
    return wanted > 0 and wanted >= weight.get("text/plain", 0.0)


def _takes_gzip(accept_encoding: str) -> bool:
    return _weights(accept_encoding).get("gzip", 0.0) > 0


def _weights(header: str) -> dict[str, float]:
    """Return the greatest ``q`` of each entry of an Accept header; nonsense weighs nothing."""
    weights: dict[str, float] = {}
    for entry in header.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        q = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            weight = float(q)
        except ValueError:
            weight = 0.0
        weights[name] = max(weight, weights.get(name, 0.0))
    return weights
