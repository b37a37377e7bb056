"""Market streams on a websocket: raw under ``/ws``, wrapped under ``/stream``."""

from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from cryptobot.simulator.faults.occasion import Channel, Moment, Occasion
from cryptobot.simulator.faults.plan import FaultPlan
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.streams.hub import StreamHub
from cryptobot.simulator.streams.names import parse
from cryptobot.simulator.streams.publisher import MarketPublisher

_MAX_STREAMS = 1_024
_INVALID = 2


class _BadRequest(Exception):  # noqa: N818 - an answer, not a failure
    """What is wrong with a client's message."""

    def __init__(self, message: str, code: int = _INVALID) -> None:
        super().__init__(message)
        self.code = code


class MarketSocket:
    """Answers SUBSCRIBE and its kin.

    Args:
        hub: Who listens.
        publisher: Told when that changes.
        sockets: Keeps the connections.
        plan: Decides which subscriptions are refused.
        messages_a_second: What a client may say.
    """

    def __init__(
        self,
        hub: StreamHub,
        publisher: MarketPublisher,
        sockets: Sockets,
        plan: FaultPlan,
        messages_a_second: int,
    ) -> None:
        self._plan = plan
        self._messages_a_second = messages_a_second
        self._hub = hub
        self._publisher = publisher
        self._sockets = sockets
        self._methods: dict[str, Callable[[Connection, object], object]] = {
            "SUBSCRIBE": self._subscribe,
            "UNSUBSCRIBE": self._unsubscribe,
            "LIST_SUBSCRIPTIONS": self._list,
            "SET_PROPERTY": self._set_property,
            "GET_PROPERTY": self._get_property,
        }

    async def raw(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/ws/<streams>``: events as they are. Other tails (``/ws/0``) name nothing."""
        tail = request.match_info.get("tail", "")
        return await self._serve(request, tail.split("/"), combined=False)

    async def combined(self, request: web.Request) -> web.WebSocketResponse:
        """Serve ``/stream?streams=a/b``: events wrapped with their stream's name."""
        names = request.query.get("streams", "").split("/")
        return await self._serve(request, names, combined=True)

    async def _serve(
        self, request: web.Request, names: Sequence[str], *, combined: bool
    ) -> web.WebSocketResponse:
        wanted = [name for name in names if parse(name) is not None]
        mine: list[Connection] = []

        def opened(connection: Connection) -> None:
            mine.append(connection)
            self._add(connection, wanted)

        try:
            return await self._sockets.serve(
                request,
                self._receive,
                channel=Channel.MARKET,
                opened=opened,
                messages_a_second=self._messages_a_second,
                combined=combined,
            )
        finally:
            for connection in mine:
                self._hub.remove(connection, connection.streams)
            self._publisher.subscriptions_changed()

    async def _receive(self, connection: Connection, text: str) -> None:
        request_id: object = None
        try:
            message = _read(text)
            request_id = message.get("id")
            answer: dict[str, object] = {
                "result": self._method(message)(connection, message.get("params")),
                "id": request_id,
            }
        except _BadRequest as error:
            answer = {"error": {"code": error.code, "msg": str(error)}, "id": request_id}
        connection.send(orjson.dumps(answer))

    def _method(self, message: dict[str, object]) -> Callable[[Connection, object], object]:
        method = self._methods.get(str(message.get("method")))
        if method is None:
            raise _BadRequest("Invalid request: unknown variant of method")
        return method

    def _add(self, connection: Connection, names: Sequence[str]) -> None:
        if len(connection.streams | set(names)) > _MAX_STREAMS:
            raise _BadRequest(f"Invalid request: more than {_MAX_STREAMS} streams")
        self._hub.add(connection, names)
        self._publisher.subscriptions_changed()

    def _subscribe(self, connection: Connection, params: object) -> None:
        names = _names(params)
        for name in names:
            if parse(name) is None:
                raise _BadRequest(f"Invalid request: no such stream: {name}")
        self._check_refused(names)
        self._add(connection, names)

    def _check_refused(self, names: Sequence[str]) -> None:
        symbol = next((parsed.wire for name in names if (parsed := parse(name))), None)
        occasion = Occasion(
            Moment.SUBSCRIBE, Channel.MARKET, symbol=symbol or None, streams=tuple(names)
        )
        verdict = self._plan.decide(occasion).verdict
        if verdict is not None:
            raise _BadRequest(verdict.fault.text("msg"), verdict.fault.integer("code"))

    def _unsubscribe(self, connection: Connection, params: object) -> None:
        self._hub.remove(connection, _names(params))
        self._publisher.subscriptions_changed()

    def _list(self, connection: Connection, _: object) -> object:
        return sorted(connection.streams)

    def _set_property(self, connection: Connection, params: object) -> None:
        match params:
            case ["combined", bool(value)]:
                connection.combined = value
            case _:
                raise _BadRequest('Invalid request: expected ["combined", true|false]')

    def _get_property(self, connection: Connection, params: object) -> object:
        if params != ["combined"]:
            raise _BadRequest('Invalid request: expected ["combined"]')
        return connection.combined


def _read(text: str) -> dict[str, object]:
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _BadRequest(f"Invalid JSON: {error}") from None
    if not isinstance(message, dict):
        raise _BadRequest("Invalid request: request must be a JSON object")
    return message


def _names(params: object) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise _BadRequest("Invalid request: params must be an array of stream names")
    return params


def add_market_sockets(app: web.Application, handler: MarketSocket) -> None:
    """Add every path. ``/stream/ws`` is raw: ccxt needs ``/stream`` in a spot URL."""
    for path in ("/ws", "/ws/{tail:.*}", "/stream/ws", "/stream/ws/{tail:.*}"):
        app.router.add_get(path, handler.raw)
    app.router.add_get("/stream", handler.combined)
