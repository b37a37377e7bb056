"""What each exchange's error replies prove about an order, through ccxt's own ``handle_errors``.

The bodies are those of the exchanges' documentation and of reports of people who met them.
"""

from collections.abc import Callable

import ccxt
import pytest

from cryptobot.domain.errors import NotSent, OrderRefused, OutcomeUnknown, VenueError
from cryptobot.trading.capabilities import CAPABILITIES
from cryptobot.trading.ccxt_translation import write_error
from cryptobot.trading.exchange_client import ExchangeClient
from tests.exchanges.edge import SYMBOL, Edge
from tests.exchanges.orders import LIMIT, OWN_ID, OpenPermit

PLACES = ("/api/v3/order", "/0/private/AddOrder", "/api/v5/trade/batch-orders", "/v5/order/create")
CANCELS = ("/0/private/CancelOrder", "/api/v5/trade/cancel-order", "/v5/order/cancel")


def binance(code: int, text: str) -> str:
    return f'{{"code":{code},"msg":"{text}"}}'


def kraken(*errors: str) -> str:
    return '{"error":[' + ",".join(f'"{error}"' for error in errors) + "]}"


def okx(code: str, text: str) -> str:
    row = f'{{"clOrdId":"{OWN_ID}","ordId":"","sCode":"{code}","sMsg":"{text}","tag":""}}'
    return f'{{"code":"1","data":[{row}],"msg":"All operations failed"}}'


def okx_whole(code: str, text: str) -> str:
    return f'{{"code":"{code}","data":[],"msg":"{text}"}}'


def bybit(code: int, text: str) -> str:
    return f'{{"retCode":{code},"retMsg":"{text}","result":{{}},"retExtInfo":{{}},"time":1}}'


REFUSED = [
    (
        "binance",
        400,
        binance(-2010, "Account has insufficient balance for requested action."),
        "insufficient_funds",
    ),
    ("binance", 400, binance(-1013, "Filter failure: LOT_SIZE"), "invalid_order"),
    ("binance", 400, binance(-1112, "No orders on book for symbol."), "no_liquidity"),
    ("binance", 401, binance(-2015, "Invalid API-key, IP, or permissions."), "authentication"),
    ("kraken", 200, kraken("EOrder:Insufficient funds"), "insufficient_funds"),
    ("kraken", 200, kraken("EGeneral:Invalid arguments:volume"), "invalid_order"),
    ("kraken", 200, kraken("EOrder:Order minimum not met"), "invalid_order"),
    ("kraken", 200, kraken("EOrder:Cost minimum not met"), "invalid_order"),
    ("kraken", 200, kraken("EOrder:Post only order"), "would_take"),
    ("kraken", 200, kraken("EAPI:Invalid key"), "authentication"),
    ("kraken", 200, kraken("EAPI:Invalid signature"), "authentication"),
    ("kraken", 200, kraken("EGeneral:Permission denied"), "permission_denied"),
    ("kraken", 200, kraken("EService:Market in cancel_only mode"), "market_closed"),
    ("kraken", 200, kraken("EGeneral:Invalid arguments:cl_ord_id"), "bad_request"),
    ("okx", 200, okx("51008", "Order failed. Insufficient balance."), "insufficient_funds"),
    ("okx", 200, okx("51020", "Your order should meet or exceed the minimum."), "invalid_order"),
    ("okx", 200, okx("51001", "Instrument ID doesn't exist."), "bad_symbol"),
    ("okx", 200, okx("51025", "Order count exceeds the limit"), "operation_rejected"),
    ("okx", 401, okx_whole("50111", "Invalid OK-ACCESS-KEY"), "authentication"),
    ("bybit", 200, bybit(170131, "Insufficient balance."), "insufficient_funds"),
    ("bybit", 200, bybit(170136, "Order quantity exceeded lower limit."), "invalid_order"),
    ("bybit", 200, bybit(170140, "Order value exceeded lower limit."), "invalid_order"),
    ("bybit", 200, bybit(170218, "The LIMIT-MAKER order is rejected."), "would_take"),
    ("bybit", 200, bybit(10003, "API key is invalid."), "authentication"),
]
NOT_EXECUTED = [
    ("binance", 400, binance(-1021, "Timestamp for this request is outside."), "clock_skew"),
    ("binance", 429, binance(-1015, "Too many new orders."), "rate_limited"),
    ("kraken", 200, kraken("EAPI:Rate limit exceeded"), "rate_limited"),
    ("kraken", 200, kraken("EOrder:Rate limit exceeded"), "rate_limited"),
    ("kraken", 200, kraken("EAPI:Invalid nonce"), "clock_skew"),
    ("okx", 429, okx_whole("50011", "Requests too frequent."), "rate_limited"),
    ("okx", 200, okx("50061", "You've reached the maximum order rate limit."), "rate_limited"),
    ("okx", 401, okx_whole("50102", "Timestamp request expired"), "clock_skew"),
    ("bybit", 200, bybit(10006, "Too many visits. Exceeded the API Rate Limit."), "rate_limited"),
    ("bybit", 200, bybit(170005, "Too many new orders."), "rate_limited"),
    ("bybit", 200, bybit(10002, "The request time exceeds the time window."), "clock_skew"),
]
DUPLICATE = [
    ("binance", 400, binance(-2010, "Duplicate order sent."), "duplicate_id"),
    ("kraken", 200, kraken("EGeneral:Invalid arguments:cl_ord_id not unique"), "duplicate_id"),
    ("okx", 200, okx("51016", "Client order ID already exists."), "duplicate_id"),
    ("okx", 200, okx("50071", "clOrdId already exists"), "duplicate_id"),
    ("bybit", 200, bybit(170141, "Duplicate clientOrderId"), "duplicate_id"),
    ("bybit", 200, bybit(110072, "OrderLinkedID is duplicate"), "duplicate_id"),
]
UNKNOWN = [
    ("binance", 200, binance(-1007, "Timeout waiting for response."), 0),
    ("kraken", 200, kraken("EService:Unavailable"), 0),
    ("kraken", 200, kraken("EService:Busy"), 0),
    ("kraken", 200, kraken("EGeneral:Internal error"), 0),
    ("kraken", 200, kraken("EService:Deadline elapsed"), 0),
    ("kraken", 200, kraken("EOrder:Insufficient funds", "EGeneral:Internal error"), 0),
    ("kraken", 200, kraken("ENew:Never heard of"), 0),
    ("okx", 200, okx("50001", "Service temporarily unavailable."), 0),
    ("okx", 200, okx_whole("50004", "API endpoint request timeout."), 0),
    ("okx", 503, okx_whole("50013", "Systems are busy. Please try again later."), 0),
    ("okx", 500, okx_whole("50026", "System error. Try again later."), 0),
    ("okx", 200, okx("51149", "Order timed out. Please try again later."), 0),
    ("okx", 200, okx("59999", "Never heard of"), 0),
    ("bybit", 200, bybit(10000, "Server Timeout"), 0),
    ("bybit", 200, bybit(10014, "Invalid duplicate request."), 0),
    ("bybit", 200, bybit(10016, "Server error."), 0),
    ("bybit", 200, bybit(170007, "Timeout waiting for response from backend server."), 0),
    ("bybit", 200, bybit(170146, "Order creation timeout"), 0),
    ("bybit", 200, bybit(170149, "Create order failed."), 0),
    ("bybit", 200, bybit(199999, "Never heard of"), 0),
    *(
        (exchange, status, text, 0)
        for exchange in CAPABILITIES
        for status, text in (
            (504, "<html>Gateway Time-out</html>"),
            (502, "<html>Bad Gateway</html>"),
            (503, ""),
            (403, "<html>Forbidden</html>"),
            (520, ""),
            (200, "<html>maintenance</html>"),
            (200, '{"truncated":'),
        )
    ),
]
ROWS = [
    (exchange, kind, (status, text), code)
    for kind, rows in (
        (OrderRefused, REFUSED),
        (NotSent, NOT_EXECUTED),
        (OutcomeUnknown, DUPLICATE),
        (OutcomeUnknown, UNKNOWN),
    )
    for exchange, status, text, code in rows
]


@pytest.mark.parametrize(("client", "kind", "answer", "code"), ROWS, indirect=["client"], ids=str)
async def test_error_reply_to_an_order_proves_what_it_says_and_no_more(
    client: ExchangeClient,
    edge: Edge,
    kind: type[OrderRefused | NotSent | OutcomeUnknown],
    answer: tuple[int, str],
    code: str | int,
) -> None:
    edge.replies |= dict.fromkeys(PLACES, answer)
    with pytest.raises(VenueError) as raised:
        await client.place_order(LIMIT, OpenPermit())
    assert type(raised.value) is kind
    if code:
        assert isinstance(raised.value, OrderRefused | NotSent | OutcomeUnknown)
        assert raised.value.code == code


GONE = [
    ("kraken", kraken("EOrder:Unknown order")),
    ("okx", okx("51400", "Cancellation failed as the order has been filled or canceled.")),
    ("okx", okx("51405", "Cancellation failed as you do not have any pending orders.")),
    ("bybit", bybit(170213, "Order does not exist.")),
    ("bybit", bybit(170142, "Order has been canceled.")),
    ("bybit", bybit(170139, "Order has been filled.")),
]


@pytest.mark.parametrize(("client", "text"), GONE, indirect=["client"], ids=str)
async def test_cancel_of_an_order_that_is_gone_is_refused_as_not_found(
    client: ExchangeClient, edge: Edge, text: str
) -> None:
    edge.replies |= dict.fromkeys(CANCELS, (200, text))
    with pytest.raises(OrderRefused) as refused:
        await client.cancel_order(SYMBOL, OWN_ID)
    assert refused.value.code == "order_not_found"


CODES = [
    (exchange, group, code)
    for exchange, row in CAPABILITIES.items()
    for group in ("unknown", "refused", "not_executed")
    for code in getattr(row.codes, group)
]
BODIES: dict[str, Callable[[str], str]] = {
    "binance": lambda code: binance(int(code), "x"),
    "kraken": kraken,
    "okx": lambda code: okx(code, "x"),
    "bybit": lambda code: bybit(int(code), "x"),
}
KINDS = {"unknown": OutcomeUnknown, "refused": OrderRefused, "not_executed": NotSent}


@pytest.mark.parametrize(("exchange", "group", "code"), CODES)
@pytest.mark.parametrize("kind", [ccxt.InvalidOrder, ccxt.ExchangeError, ccxt.BadRequest])
def test_every_code_of_the_tables_outweighs_ccxts_class(
    exchange: str, group: str, code: str, kind: type[Exception]
) -> None:
    codes = CAPABILITIES[exchange].codes
    error = kind(f"{exchange} {BODIES[exchange](code)}")
    assert type(write_error(error, sent=True, codes=codes)) is KINDS[group]
    assert isinstance(write_error(error, sent=False, codes=codes), NotSent)
