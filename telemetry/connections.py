"""Connections of the exporter: bounded in number, and none may sit without asking anything.

aiohttp bounds neither. A full house does not turn a newcomer away, it drops the connection that
has been silent longest: Prometheus gets in even while somebody opens sockets and waits.
"""

import asyncio
from typing import Any

import orjson
from aiohttp import web

SERVER = "cryptobot"
"""The ``Server`` header: no versions."""


class ConnectionGuard:
    """Keeps count of connections and of when each last got an answer.

    Args:
        limit: Connections at a time.
        patience_s: Longest time from connecting, or from the last answer, to the next answer.
    """

    def __init__(self, limit: int, patience_s: float) -> None:
        self._limit = limit
        self._patience_s = patience_s
        self._progress: dict[GuardedConnection, float] = {}  # longest silent first
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._progress)

    def opened(self, connection: "GuardedConnection") -> None:
        """Take a connection in, dropping the longest silent one if there are too many."""
        if len(self._progress) >= self._limit:
            self._drop(next(iter(self._progress)))
        self.answered(connection)

    def answered(self, connection: "GuardedConnection") -> None:
        """Give a connection its full patience again."""
        self._progress.pop(connection, None)
        self._progress[connection] = asyncio.get_running_loop().time()
        if self._timer is None:
            self._sweep()

    def closed(self, connection: "GuardedConnection") -> None:
        """Forget a connection."""
        self._progress.pop(connection, None)

    def stop(self) -> None:
        """Drop every connection."""
        for connection in tuple(self._progress):
            self._drop(connection)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _drop(self, connection: "GuardedConnection") -> None:
        self._progress.pop(connection, None)
        if connection.transport is not None:
            connection.transport.abort()

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection, last in tuple(self._progress.items()):
            if now - last < self._patience_s:
                break
            self._drop(connection)
        pause = self._patience_s / 4
        self._timer = loop.call_later(pause, self._sweep) if self._progress else None


class GuardedConnection(web.RequestHandler):
    """aiohttp's connection, reporting to the guard, answering broken requests in JSON."""

    __slots__ = ("_guard",)

    def __init__(self, guard: ConnectionGuard, server: web.Server, **options: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._guard = guard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Report to the guard."""
        super().connection_made(transport)
        self._guard.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Report to the guard."""
        self._guard.closed(self)
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002 - as above
        message: str | None = None,  # noqa: ARG002 - as above; it repeats what was sent
    ) -> web.StreamResponse:
        """Answer what could not be read as HTTP, and close."""
        text = "the request could not be read" if status < 500 else "internal error"  # noqa: PLR2004 - HTTP
        answer = json_answer(status, {"error": text})
        answer.force_close()
        return answer


def json_answer(status: int, body: object, headers: dict[str, str] | None = None) -> web.Response:
    """Return a JSON response."""
    return web.Response(
        status=status,
        body=orjson.dumps(body, default=str, option=orjson.OPT_NON_STR_KEYS) + b"\n",
        content_type="application/json",
        headers={
            "Server": SERVER,
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            **(headers or {}),
        },
    )
