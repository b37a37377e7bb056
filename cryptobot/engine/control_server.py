"""The control server: JSON-RPC 2.0 over a user-only socket, bounded in size and rate."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import structlog

from cryptobot.control.protocol import MAX_LINE, ErrorCode, RpcError
from cryptobot.domain.errors import JournalUnavailable, UserError, VenueError
from cryptobot.engine.publisher import Publisher, Subscriber
from cryptobot.trading.order_gateway import UnknownOrder

RATE_PER_S: Final = 500.0
BURST: Final = 1_000.0
MAX_CONCURRENT: Final = 256
MAX_CONNECTIONS: Final = 32

ERROR_CODES: Final[tuple[tuple[type[Exception], ErrorCode], ...]] = (
    (JournalUnavailable, ErrorCode.JOURNAL_UNAVAILABLE),
    (UnknownOrder, ErrorCode.NOT_FOUND),
    (UserError, ErrorCode.INVALID_PARAMS),
    (VenueError, ErrorCode.FAILED),
)
"""What our own errors become; anything else is an internal error and logged."""

Handler = Callable[[Mapping[str, Any], Subscriber], Awaitable[object]]

_log = structlog.stdlib.get_logger("cryptobot.control")


class ControlServer:
    """Answers requests on a Unix socket.

    Args:
        path: The socket; made 0600, an abandoned one is replaced.
        methods: Handlers by method name.
        publisher: Brings notifications to connections that subscribe.
    """

    def __init__(self, path: Path, methods: Mapping[str, Handler], publisher: Publisher) -> None:
        self._path = path
        self._methods = methods
        self._publisher = publisher
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. The caller holds the instance lock, so a socket that exists is abandoned."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(
                self._connected, str(self._path), limit=MAX_LINE
            )
        except OSError as error:
            raise UserError(f"control socket {self._path}: {error.strerror or error}") from None
        finally:
            os.umask(before)

    async def close(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._connections) >= MAX_CONNECTIONS or not _same_user(writer):
            writer.close()
            return
        self._connections.add(task)
        connection = _Connection(reader, writer, self._methods)
        self._publisher.add(connection.subscriber)
        try:
            await connection.serve()
        except (ConnectionError, asyncio.CancelledError):
            pass  # the client hung up, or the engine ends
        finally:
            self._publisher.remove(connection.subscriber)
            self._connections.discard(task)
            writer.close()


class _Connection:
    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        methods: Mapping[str, Handler],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._methods = methods
        self._tasks: set[asyncio.Task[None]] = set()
        self._tokens = BURST
        self._refilled = asyncio.get_running_loop().time()
        self.subscriber = Subscriber()

    async def serve(self) -> None:
        delivery = asyncio.create_task(
            self.subscriber.deliver(self._writer.write, self._writer.drain)
        )
        reading = asyncio.create_task(self._read())
        try:
            done, _ = await asyncio.wait((delivery, reading), return_when=asyncio.FIRST_COMPLETED)
            if delivery in done and self.subscriber.overrun:
                _log.warning("subscriber_too_slow")
        finally:
            for task in (delivery, reading, *self._tasks):
                task.cancel()
            await asyncio.gather(delivery, reading, *self._tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            try:
                line = await self._reader.readline()
            except ValueError:  # longer than the limit: where the next line starts is unknown
                self._fail(
                    None, ErrorCode.INVALID_REQUEST, f"a request is longer than {MAX_LINE} bytes"
                )
                return
            if not line:
                return
            if not line.strip():
                continue
            # Who does not read the answers is not given more of them.
            await self._writer.drain()
            if not self._take_token():
                self._fail(
                    _id_of(line), ErrorCode.RATE_LIMITED, f"more than {RATE_PER_S:g} requests a s"
                )
                await asyncio.sleep(1 / RATE_PER_S)
                continue
            if len(self._tasks) >= MAX_CONCURRENT:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            self._accept(line)

    def _take_token(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._tokens = min(BURST, self._tokens + (now - self._refilled) * RATE_PER_S)
        self._refilled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _accept(self, line: bytes) -> None:
        try:
            request = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            self._fail(None, ErrorCode.PARSE_ERROR, f"not valid JSON: {error}")
            return
        problem = _malformed(request)
        if problem is not None:
            self._fail(_id_of(line), ErrorCode.INVALID_REQUEST, problem)
            return
        task = asyncio.create_task(self._answer(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Mapping[str, Any]) -> None:
        answer = b""
        failure: RpcError | None = None
        try:
            result = await self._call(request)
            if "id" in request:
                answer = _line({"jsonrpc": "2.0", "id": request["id"], "result": result})
        except RpcError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - one bad request must not end the connection
            failure = _as_rpc_error(error, request["method"])
        if "id" not in request:  # a JSON-RPC notification wants no answer
            return
        if failure is not None:
            self._fail(request["id"], failure.code, failure.message, failure.data)
        else:
            self._writer.write(answer)

    async def _call(self, request: Mapping[str, Any]) -> object:
        handler = self._methods.get(request["method"])
        if handler is None:
            raise RpcError(
                ErrorCode.METHOD_NOT_FOUND,
                f"no method {request['method']!r}; there are: {', '.join(self._methods)}",
            )
        return await handler(request.get("params") or {}, self.subscriber)

    def _fail(
        self,
        request_id: object,
        code: int,
        message: str,
        data: Mapping[str, object] | None = None,
    ) -> None:
        error: dict[str, object] = {"code": int(code), "message": message}
        if data is not None:
            error["data"] = data
        self._writer.write(_line({"jsonrpc": "2.0", "id": request_id, "error": error}))


def _line(message: Mapping[str, object]) -> bytes:
    return orjson.dumps(message, default=str) + b"\n"


def _id_of(line: bytes) -> int | str | None:
    """Return the id of a request that will not be carried out, where it has a usable one."""
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    request_id = request.get("id") if isinstance(request, dict) else None
    return request_id if isinstance(request_id, int | str) else None


def _as_rpc_error(error: Exception, method: str) -> RpcError:
    for kind, code in ERROR_CODES:
        if isinstance(error, kind):
            return RpcError(code, str(error))
    _log.error("control_request_failed", method=method, exc_info=error)
    return RpcError(ErrorCode.INTERNAL_ERROR, "the engine failed; see engine.log")


def _malformed(request: object) -> str | None:
    if isinstance(request, list):
        return "batches are not taken: send one object a line"
    if not isinstance(request, dict):
        return "a request is a JSON object"
    if request.get("jsonrpc") != "2.0":
        return 'a request has "jsonrpc": "2.0"'
    if not isinstance(request.get("method"), str):
        return "a request has a method"
    if not isinstance(request.get("id"), int | str | None):
        return "an id is a string or a whole number"
    if not isinstance(request.get("params", {}), dict):
        return "params are an object with names"
    return None


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Return whether the client is this user: the socket's mode is one lock, this is the other."""
    peer = writer.get_extra_info("socket")
    if peer is None or not hasattr(socket, "SO_PEERCRED"):
        return True
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return bool(user in {os.getuid(), 0})
