"""The ws-api: requests and the user data stream on one socket."""

from collections.abc import Callable, Mapping
from functools import partial

import orjson
from aiohttp import web

from cryptobot.simulator.operations import account, market_data, orders
from cryptobot.simulator.operations.cancel_replace import CANCEL_REPLACE
from cryptobot.simulator.operations.context import Exchange, Operation
from cryptobot.simulator.operations.dispatch import dispatch
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.streams.connection import Connection
from cryptobot.simulator.streams.user_data import UserDataStream
from cryptobot.simulator.wire_error import WireError

METHODS: Mapping[str, Operation] = {
    "ping": market_data.PING,
    "time": market_data.TIME,
    "exchangeInfo": market_data.EXCHANGE_INFO,
    "depth": market_data.DEPTH,
    "trades.recent": market_data.TRADES,
    "trades.historical": market_data.HISTORICAL_TRADES,
    "trades.aggregate": market_data.AGGREGATE_TRADES,
    "klines": market_data.KLINES,
    "uiKlines": market_data.KLINES,
    "avgPrice": market_data.AVERAGE_PRICE,
    "ticker.24hr": market_data.DAY_TICKER,
    "ticker.price": market_data.PRICE_TICKER,
    "ticker.book": market_data.BOOK_TICKER,
    "order.place": orders.PLACE,
    "order.test": orders.TEST,
    "order.status": orders.QUERY,
    "order.cancel": orders.CANCEL,
    "order.cancelReplace": CANCEL_REPLACE,
    "openOrders.status": orders.OPEN,
    "openOrders.cancelAll": orders.CANCEL_OPEN,
    "allOrders": orders.ALL,
    "account.status": account.ACCOUNT,
    "myTrades": account.MY_TRADES,
}
_SUBSCRIBE = "userDataStream.subscribe.signature"
_UNSUBSCRIBE = "userDataStream.unsubscribe"
_NO_LIMITS = "returnRateLimits"


class WsApi:
    """Answers requests of the ws-api.

    Args:
        exchange: The exchange.
        users: The user data stream.
        sockets: Keeps the connections.
    """

    def __init__(self, exchange: Exchange, users: UserDataStream, sockets: Sockets) -> None:
        self._exchange = exchange
        self._users = users
        self._sockets = sockets
        self._session: dict[str, Callable[[Connection, dict[str, str]], object]] = {
            _SUBSCRIBE: self._subscribe,
            _UNSUBSCRIBE: self._unsubscribe,
        }

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket."""
        mine: list[Connection] = []
        try:
            return await self._sockets.serve(request, self._receive, opened=mine.append)
        finally:
            for connection in mine:
                self._users.forget(connection)

    async def _receive(self, connection: Connection, text: str) -> None:
        request_id: object = None
        usage: Callable[[], object] | None = None
        try:
            request_id, method, params = _read(text)
            payload = _payload(params)
            show_limits = params.pop(_NO_LIMITS, "true") == "true"
            operation = METHODS.get(method)
            if show_limits:
                with_orders = operation is not None and operation.counts_orders
                usage = partial(self._exchange.limits.usage, with_orders=with_orders)
            result = (
                self._in_session(connection, method, params)
                if operation is None
                else dispatch(
                    self._exchange,
                    operation,
                    params,
                    key=params.get("apiKey"),
                    payload=payload,
                    via="ws-api",
                )
            )
            answer: dict[str, object] = {"id": request_id, "status": 200, "result": result}
        except WireError as error:
            answer = {"id": request_id, "status": error.status, "error": error.body()}
        if usage is not None:
            answer["rateLimits"] = usage()
        connection.send(orjson.dumps(answer))

    def _in_session(self, connection: Connection, method: str, params: dict[str, str]) -> object:
        session = self._session.get(method)
        if session is None:
            raise WireError(-1000, "Unknown method.")
        return session(connection, params)

    def _subscribe(self, connection: Connection, params: dict[str, str]) -> object:
        self._exchange.limits.spend_weight(2)
        self._exchange.gatekeeper.check(params.get("apiKey"), _payload(params), params)
        return {"subscriptionId": self._users.subscribe(connection)}

    def _unsubscribe(self, connection: Connection, params: dict[str, str]) -> object:
        self._exchange.limits.spend_weight(2)
        number = params.get("subscriptionId")
        if number is not None and not number.isdigit():
            raise WireError(-1130, "Data sent for parameter 'subscriptionId' is not valid.")
        if not self._users.unsubscribe(connection, None if number is None else int(number)):
            raise WireError(-1130, "Data sent for parameter 'subscriptionId' is not valid.")
        return {}


def _read(text: str) -> tuple[object, str, dict[str, str]]:
    """Return id, method and parameters (as text, the way REST has them)."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise WireError(-1000, "Invalid JSON.") from None
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise WireError(-1000, "Invalid request: a JSON object with 'method' is expected.")
    params = message.get("params") or {}
    if not isinstance(params, dict):
        raise WireError(-1000, "Invalid request: 'params' must be an object.")
    return message.get("id"), message["method"], {name: _text(v) for name, v in params.items()}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _payload(params: Mapping[str, str]) -> str:
    """Return what is signed: all parameters but the signature, by name."""
    return "&".join(
        f"{name}={value}" for name, value in sorted(params.items()) if name != "signature"
    )
