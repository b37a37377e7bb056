"""The ws-api: requests and the user data stream on one socket."""

from collections.abc import Callable, Mapping

import orjson
from aiohttp import web

from cryptobot.domain.clock import NS_PER_MS
from cryptobot.simulator.faults.occasion import Channel, Moment
from cryptobot.simulator.operations import account, market_data, orders
from cryptobot.simulator.operations.cancel_replace import CANCEL_REPLACE
from cryptobot.simulator.operations.context import Exchange, Operation
from cryptobot.simulator.operations.dispatch import dispatch
from cryptobot.simulator.operations.names import OperationName
from cryptobot.simulator.server.occasions import asked
from cryptobot.simulator.server.request_log import RequestLog
from cryptobot.simulator.server.sockets import Sockets
from cryptobot.simulator.server.ws_api_faults import Answer, Carried, WsApiFaults, end, failed
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
    "account.rateLimits.orders": account.ORDER_COUNT,
}
_SUBSCRIBE = "userDataStream.subscribe.signature"
_SESSION_SUBSCRIBE = "userDataStream.subscribe"
_UNSUBSCRIBE = "userDataStream.unsubscribe"
_LOGON, _LOGOUT, _STATUS = "session.logon", "session.logout", "session.status"
_NO_LIMITS = "returnRateLimits"


class WsApi:
    """Answers requests of the ws-api.

    Args:
        exchange: The exchange.
        users: The user data stream.
        sockets: Keeps the connections.
        faults: What goes wrong.
        log: Keeps a line of each request.
    """

    def __init__(
        self,
        exchange: Exchange,
        users: UserDataStream,
        sockets: Sockets,
        faults: WsApiFaults,
        log: RequestLog,
    ) -> None:
        self._exchange = exchange
        self._users = users
        self._sockets = sockets
        self._faults = faults
        self._log = log
        self._session: dict[str, Callable[[Connection, dict[str, str]], object]] = {
            _SUBSCRIBE: self._subscribe,
            _SESSION_SUBSCRIBE: _without_session,
            _UNSUBSCRIBE: self._unsubscribe,
            _LOGON: self._logon,
            _LOGOUT: _no_session,
            _STATUS: _no_session,
        }

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket."""
        mine: list[Connection] = []
        try:
            return await self._sockets.serve(
                request, self._receive, channel=Channel.WS_API, opened=mine.append
            )
        finally:
            for connection in mine:
                self._users.forget(connection)

    async def _receive(self, connection: Connection, text: str) -> None:
        try:
            request_id, method, params = _read(text)
        except WireError as error:
            connection.send(orjson.dumps(failed(None, error)))
            return
        line = self._log.begin("WS", method)

        def work(lag_ms: int) -> Answer:
            return self._answer(connection, (request_id, method, dict(params)), lag_ms)

        if not self._faults.plan.concerns(Moment.REQUEST):
            answer = work(0)
            connection.send(orjson.dumps(answer))
            end(line, answer)
            return
        operation = METHODS.get(method)
        name = operation.name if operation else None
        if method in {_SUBSCRIBE, _SESSION_SUBSCRIBE}:
            name = OperationName.USER_STREAM
        occasion = asked(self._exchange, Channel.WS_API, name, params, method=method)
        self._faults.carry(Carried(connection, request_id, occasion, work, line))

    def _answer(
        self, connection: Connection, request: tuple[object, str, dict[str, str]], lag_ms: int
    ) -> Answer:
        request_id, method, params = request
        operation = METHODS.get(method)
        payload = _payload(params)
        show_limits = params.pop(_NO_LIMITS, "true") == "true"
        try:
            self._exchange.limits.gate.enter()
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
                    lag_ms=lag_ms,
                )
            )
            answer: Answer = {"id": request_id, "status": 200, "result": result}
        except WireError as error:
            now_ms = self._exchange.venue.clock.base_ns() // NS_PER_MS
            answer = failed(request_id, error, now_ms)
        if show_limits:
            answer["rateLimits"] = self._exchange.limits.usage(
                with_orders=operation is not None and operation.counts_orders
            )
        return answer

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

    def _logon(self, _: Connection, params: dict[str, str]) -> object:
        """Refuse a session: the one account has an HMAC key, and sessions want Ed25519."""
        self._exchange.limits.spend_weight(2)
        self._exchange.gatekeeper.check(params.get("apiKey"), _payload(params), params)
        raise WireError(-4056, "HMAC_SHA256 API key is not supported.")


def _without_session(_: Connection, __: dict[str, str]) -> object:
    raise WireError(-2015, "Invalid API-key, IP, or permissions for action.", 401)


def _no_session(_: Connection, __: dict[str, str]) -> object:
    return {
        "apiKey": None,
        "authorizedSince": None,
        "connectedSince": None,
        "returnRateLimits": True,
        "userDataStream": False,
    }


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
