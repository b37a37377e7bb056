"""REST: paths to operations, raw requests to parameters, answers with Binance's headers."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from cryptobot.simulator.operations import account, market_data, orders
from cryptobot.simulator.operations.cancel_replace import CANCEL_REPLACE
from cryptobot.simulator.operations.context import Exchange, Operation
from cryptobot.simulator.operations.dispatch import dispatch
from cryptobot.simulator.server.answers import WireAnswer, error_answer, json_answer
from cryptobot.simulator.server.request_keys import LAG_MS
from cryptobot.simulator.wire_error import WireError

ROUTES: Mapping[tuple[str, str], Operation] = {
    ("GET", "/api/v3/ping"): market_data.PING,
    ("GET", "/api/v3/time"): market_data.TIME,
    ("GET", "/api/v3/exchangeInfo"): market_data.EXCHANGE_INFO,
    ("GET", "/api/v3/depth"): market_data.DEPTH,
    ("GET", "/api/v3/trades"): market_data.TRADES,
    ("GET", "/api/v3/historicalTrades"): market_data.HISTORICAL_TRADES,
    ("GET", "/api/v3/aggTrades"): market_data.AGGREGATE_TRADES,
    ("GET", "/api/v3/klines"): market_data.KLINES,
    ("GET", "/api/v3/uiKlines"): market_data.KLINES,
    ("GET", "/api/v3/avgPrice"): market_data.AVERAGE_PRICE,
    ("GET", "/api/v3/ticker/24hr"): market_data.DAY_TICKER,
    ("GET", "/api/v3/ticker/price"): market_data.PRICE_TICKER,
    ("GET", "/api/v3/ticker/bookTicker"): market_data.BOOK_TICKER,
    ("POST", "/api/v3/order"): orders.PLACE,
    ("POST", "/api/v3/order/test"): orders.TEST,
    ("POST", "/api/v3/order/cancelReplace"): CANCEL_REPLACE,
    ("GET", "/api/v3/order"): orders.QUERY,
    ("DELETE", "/api/v3/order"): orders.CANCEL,
    ("GET", "/api/v3/openOrders"): orders.OPEN,
    ("DELETE", "/api/v3/openOrders"): orders.CANCEL_OPEN,
    ("GET", "/api/v3/allOrders"): orders.ALL,
    ("GET", "/api/v3/account"): account.ACCOUNT,
    ("GET", "/api/v3/myTrades"): account.MY_TRADES,
    ("GET", "/api/v3/rateLimit/order"): account.ORDER_COUNT,
    ("GET", "/sapi/v1/system/status"): market_data.SYSTEM_STATUS,
    ("GET", "/sapi/v1/asset/tradeFee"): account.TRADE_FEE,
}


class RestHandler:
    """Answers one route.

    Args:
        exchange: The exchange.
        operation: What the route asks.
    """

    def __init__(self, exchange: Exchange, operation: Operation) -> None:
        self._exchange = exchange
        self._operation = operation

    async def answer(self, request: web.Request) -> WireAnswer:
        """Answer a request; Binance's errors are answers too."""
        query = request.raw_path.partition("?")[2]
        body = (await request.read()).decode() if request.body_exists else ""
        limits = self._exchange.limits
        try:
            answer = json_answer(
                dispatch(
                    self._exchange,
                    self._operation,
                    read_parameters(query, body),
                    key=request.headers.get("X-MBX-APIKEY"),
                    payload=_unsigned(query) + _unsigned(body),
                    via="rest",
                    lag_ms=request.get(LAG_MS, 0),
                )
            )
        except WireError as error:
            answer = error_answer(error)
        answer.headers.update(limits.weight_headers())
        if self._operation.counts_orders:
            answer.headers.update(limits.order_headers())
        return answer


def read_parameters(query: str, body: str) -> dict[str, str]:
    """Return the parameters of query string and form body together.

    Raises:
        WireError: -1101 when one is sent twice.
    """
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    values = dict(pairs)
    if len(values) != len(pairs):
        raise WireError(-1101, "Duplicate values for a parameter detected.")
    return values


def _unsigned(part: str) -> str:
    """Return a query string or body without its signature."""
    if "signature=" not in part:
        return part
    return "&".join(field for field in part.split("&") if not field.startswith("signature="))


def add_rest_routes(app: web.Application, exchange: Exchange) -> None:
    """Add every route."""
    for (method, path), operation in ROUTES.items():
        app.router.add_route(method, path, RestHandler(exchange, operation).answer)
