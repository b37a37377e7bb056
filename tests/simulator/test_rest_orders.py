from urllib.parse import urlencode

import pytest

from cryptobot.domain.order import Side
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.security import sign
from tests.simulator.exchange_client import ExchangeClient, exchange
from tests.simulator.scripted_market import ScriptedMarket

ORDER = "/api/v3/order"


async def balances(client: ExchangeClient) -> dict[str, tuple[str, str]]:
    answer = await client.signed("GET", "/api/v3/account")
    return {held["asset"]: (held["free"], held["locked"]) for held in answer.body["balances"]}


async def test_market_buy_fills_through_the_levels(client: ExchangeClient) -> None:
    answer = await client.order("BUY", "MARKET", quantity="1.5")
    assert answer.status == 200
    assert answer.body["status"] == "FILLED"
    assert [(fill["price"], fill["qty"]) for fill in answer.body["fills"]] == [
        ("64001.00000000", "1.00000000"),
        ("64002.00000000", "0.50000000"),
    ]
    assert answer.body["cummulativeQuoteQty"] == "96002.00000000"
    assert (await balances(client))["BTC"] == ("3.49850000", "0.00000000")
    assert answer.headers["X-MBX-ORDER-COUNT-10S"] == "0"  # filled orders do not count


async def test_market_buy_by_quote_amount_spends_at_most_that(client: ExchangeClient) -> None:
    answer = await client.order("BUY", "MARKET", quoteOrderQty="1000")
    assert answer.body["executedQty"] == "0.01562000"
    assert answer.body["cummulativeQuoteQty"] == "999.69562000"
    assert answer.body["origQuoteOrderQty"] == "1000.00000000"


async def test_limit_order_rests_shows_in_the_book_and_fills_by_a_trade(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    placed = await client.limit("BUY", "0.5", "64000.5", newClientOrderId="mine-1")
    assert placed.body["status"] == "NEW"
    assert placed.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    depth = await client.get("/api/v3/depth", symbol="BTCUSDT", limit=1)
    assert depth.body["bids"] == [["64000.50000000", "0.50000000"]]
    assert (await balances(client))["USDT"] == ("67999.75000000", "32000.25000000")
    market.trade(1, "64000.5", "0.2", Side.SELL)
    client.pass_time(2)
    query = await client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="mine-1")
    assert (query.body["status"], query.body["executedQty"]) == ("PARTIALLY_FILLED", "0.20000000")
    mine = await client.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert mine.body[0]["isMaker"] is True
    assert (mine.body[0]["commission"], mine.body[0]["commissionAsset"]) == ("0.00020000", "BTC")
    canceled = await client.signed(
        "DELETE", ORDER, symbol="BTCUSDT", orderId=placed.body["orderId"]
    )
    assert canceled.body["status"] == "CANCELED"
    assert canceled.body["origClientOrderId"] == "mine-1"
    assert canceled.body["clientOrderId"] != "mine-1"
    assert (await balances(client))["USDT"] == ("87199.90000000", "0.00000000")


async def test_own_taker_trade_shows_on_tape_and_in_candles(client: ExchangeClient) -> None:
    await client.order("BUY", "MARKET", quantity="0.4")
    tape = (await client.get("/api/v3/trades", symbol="BTCUSDT")).body
    assert [(trade["price"], trade["qty"], trade["isBuyerMaker"]) for trade in tape] == [
        ("64001.00000000", "0.40000000", False)
    ]
    (row,) = (await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1s")).body
    assert (row[4], row[5]) == ("64001.00000000", "0.40000000")
    depth = await client.get("/api/v3/depth", symbol="BTCUSDT", limit=1)
    assert depth.body["asks"] == [["64001.00000000", "0.60000000"]]


async def test_ioc_expires_what_does_not_fill_and_fok_all(client: ExchangeClient) -> None:
    ioc = await client.limit("SELL", "1.5", "64000", timeInForce="IOC")
    assert (ioc.body["status"], ioc.body["executedQty"]) == ("EXPIRED", "1.00000000")
    fok = await client.limit("SELL", "0.9", "64000", timeInForce="FOK")
    assert (fok.body["status"], fok.body["executedQty"]) == ("EXPIRED", "0.00000000")


@pytest.mark.parametrize(
    ("wanted", "keys"),
    [
        ("ACK", {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}),
        ("RESULT", {"status", "executedQty"}),
        ("FULL", {"fills", "status"}),
    ],
)
async def test_response_type_decides_the_shape(
    client: ExchangeClient, wanted: str, keys: set[str]
) -> None:
    answer = await client.order("BUY", "MARKET", quantity="0.1", newOrderRespType=wanted)
    assert keys <= answer.body.keys()
    assert ("fills" in answer.body) == (wanted == "FULL")
    assert ("status" in answer.body) == (wanted != "ACK")


GOOD: dict[str, str | None] = {"quantity": "0.1", "price": "60000", "timeInForce": "GTC"}
TABLE: list[tuple[str, dict[str, str | None], int, str]] = [
    ("LIMIT", {"price": "60000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ("LIMIT", {"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
    ("LIMIT", {"quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
    ("LIMIT", {"price": "1000"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    ("LIMIT", {"quantity": "3"}, -2010, "Account has insufficient balance"),
    ("LIMIT", {"quantity": "0"}, -1013, "Invalid quantity."),
    ("LIMIT", {"price": "0"}, -1013, "Invalid price."),
    ("LIMIT", {"quantity": "-1"}, -1100, "Illegal characters found in parameter 'quantity'"),
    ("LIMIT", {"quantity": "1e3"}, -1100, "Illegal characters found in parameter 'quantity'"),
    ("LIMIT", {"quantity": "0.123456789"}, -1111, "Parameter 'quantity' has too much precision."),
    ("LIMIT", {"quantity": ""}, -1105, "Parameter 'quantity' was empty."),
    ("LIMIT", {"quantity": None}, -1102, "Mandatory parameter 'quantity'"),
    ("LIMIT", {"price": None}, -1102, "Mandatory parameter 'price'"),
    ("LIMIT", {"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce'"),
    ("LIMIT", {"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
    ("LIMIT", {"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
    ("LIMIT", {"clientOrderId": "x"}, -1104, "Not all sent parameters were read"),
    ("LIMIT", {"newClientOrderId": "a b"}, -1100, "parameter 'newClientOrderId'"),
    ("LIMIT", {"newOrderRespType": "LONG"}, -1130, "'newOrderRespType' is not valid"),
    ("LIMIT", {"icebergQty": "0.01"}, -2010, "Iceberg orders are not supported"),
    ("LIMIT", {"symbol": "NOPEUSDT"}, -1121, "Invalid symbol."),
    ("LIMIT", {"side": "HOLD"}, -1117, "Invalid side."),
    ("LIMIT_MAKER", {"timeInForce": "GTC"}, -1106, "Parameter 'timeInForce' sent"),
    ("MARKET", {"price": "1"}, -1106, "Parameter 'price' sent when not required."),
    ("MARKET", {"quantity": None}, -1102, "Param 'quantity' or 'quoteOrderQty' must be sent"),
    ("MARKET", {"quoteOrderQty": "10"}, -1128, "Combination of optional parameters invalid."),
    ("MARKET", {"quantity": "101"}, -1013, "Filter failure: MARKET_LOT_SIZE"),
    ("STOP_LOSS_LIMIT", {}, -1102, "Mandatory parameter 'price'"),
    ("STOP_LOSS_LIMIT", GOOD, -1102, "Param 'stopPrice' or 'trailingDelta' must be sent"),
    ("STOP_LOSS_LIMIT", GOOD | {"stopPrice": "0"}, -1013, "Invalid stopPrice."),
    ("STOP_LOSS_LIMIT", GOOD | {"stopPrice": "60000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ("STOP_LOSS_LIMIT", GOOD | {"trailingDelta": "100"}, -2010, "Trailing stop orders are not"),
    ("STOP_LOSS", {"stopPrice": "70000", "price": "1"}, -1106, "Parameter 'price' sent"),
    ("STOP_LOSS", {"stopPrice": "70000", "quantity": None}, -1102, "Mandatory parameter 'quant"),
    ("TAKE_PROFIT", {"stopPrice": "60000", "timeInForce": "GTC"}, -1106, "'timeInForce' sent"),
    ("TAKE_PROFIT", {"stopPrice": "60000", "quoteOrderQty": "9"}, -1106, "'quoteOrderQty' sent"),
    ("PEGGED", {}, -1116, "Invalid orderType."),
]


@pytest.mark.parametrize(("kind", "change", "code", "words"), TABLE)
async def test_bad_order_gives_its_code_and_words(
    client: ExchangeClient, kind: str, change: dict[str, str | None], code: int, words: str
) -> None:
    wanted: dict[str, dict[str, str | None]] = {
        "LIMIT": GOOD,
        "LIMIT_MAKER": {"quantity": "0.1", "price": "60000"},
    }
    base: dict[str, str | None] = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        **wanted.get(kind, {"quantity": "0.1"}),
    }
    params = {name: text for name, text in {**base, **change}.items() if text is not None}
    answer = await client.signed("POST", ORDER, type=kind, **params)
    assert (answer.status, answer.code) == (400, code)
    assert words in answer.body["msg"]
    assert (await client.signed("GET", "/api/v3/openOrders")).body == []


async def test_order_test_checks_and_places_nothing(client: ExchangeClient) -> None:
    good = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", **GOOD}
    assert (await client.signed("POST", "/api/v3/order/test", **good)).body == {}
    bad = await client.signed("POST", "/api/v3/order/test", **{**good, "price": "1"})
    assert bad.code == -1013
    assert (await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).body == []


async def test_post_only_order_that_would_trade_is_refused(client: ExchangeClient) -> None:
    answer = await client.order("BUY", "LIMIT_MAKER", quantity="0.1", price="64001")
    assert (answer.code, answer.body["msg"]) == (-2010, "Order would immediately match and take.")


async def test_client_order_id_is_unique_among_open_orders_only(client: ExchangeClient) -> None:
    assert (await client.limit("BUY", "0.1", "60000", newClientOrderId="a")).status == 200
    twice = await client.limit("BUY", "0.1", "60000", newClientOrderId="a")
    assert (twice.code, twice.body["msg"]) == (-2010, "Duplicate order sent.")
    await client.signed("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="a")
    again = await client.limit("BUY", "0.1", "60000", newClientOrderId="a")
    assert again.status == 200
    found = await client.signed("GET", ORDER, symbol="BTCUSDT", origClientOrderId="a")
    assert found.body["orderId"] == again.body["orderId"]


async def test_unknown_orders_give_their_codes(client: ExchangeClient) -> None:
    assert (await client.signed("GET", ORDER, symbol="BTCUSDT", orderId=7)).code == -2013
    assert (await client.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=7)).code == -2011
    assert (await client.signed("GET", ORDER, symbol="BTCUSDT")).code == -1102
    none_open = await client.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert none_open.code == -2011
    filled = await client.order("BUY", "MARKET", quantity="0.1")
    gone = await client.signed("DELETE", ORDER, symbol="BTCUSDT", orderId=filled.body["orderId"])
    assert gone.code == -2011


async def test_cancel_all_cancels_one_symbol(client: ExchangeClient) -> None:
    for price in ("60000", "60001"):
        await client.limit("BUY", "0.1", price)
    answer = await client.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert [order["status"] for order in answer.body] == ["CANCELED", "CANCELED"]
    everything = await client.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", limit=1)
    assert [order["price"] for order in everything.body] == ["60001.00000000"]


@pytest.mark.parametrize("place", ["query", "body", "mixed"])
async def test_signed_parameters_may_be_in_query_body_or_both(
    client: ExchangeClient, place: str
) -> None:
    first = urlencode({"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"})
    second = urlencode({"quantity": "0.1", "timestamp": client.now_ms})
    query, body = {
        "query": (f"{first}&{second}", ""),
        "body": ("", f"{first}&{second}"),
        "mixed": (first, second),
    }[place]
    signature = "&signature=" + sign("testsecret", query + body)
    query, body = (query, body + signature) if body else (query + signature, body)
    answer = await client.request("POST", ORDER, query=query, body=body, key="testkey")
    assert answer.status == 200


async def test_unsigned_and_foreign_requests_are_refused(client: ExchangeClient) -> None:
    assert (await client.get("/api/v3/account")).code == -2014
    stranger = await client.request("GET", "/api/v3/account", query="timestamp=1", key="other")
    assert (stranger.status, stranger.code) == (401, -2015)
    unsigned = await client.request("GET", "/api/v3/account", query="timestamp=1", key="testkey")
    assert unsigned.code == -1102
    forged = await client.request(
        "GET", "/api/v3/account", query=f"timestamp={client.now_ms}&signature=ab", key="testkey"
    )
    assert forged.code == -1022


async def test_too_many_orders_are_refused_with_retry_after(market: ScriptedMarket) -> None:
    async with exchange(market, limits=LimitSettings(orders_in_10_s=1)) as client:
        assert (await client.limit("BUY", "0.1", "60000")).status == 200
        answer = await client.limit("BUY", "0.1", "60000")
        assert (answer.status, answer.code) == (429, -1015)
        assert int(answer.headers["Retry-After"]) in range(1, 11)


async def test_too_much_weight_is_refused_with_retry_after(market: ScriptedMarket) -> None:
    async with exchange(market, limits=LimitSettings(weight_a_minute=20)) as client:
        assert (await client.get("/api/v3/exchangeInfo")).status == 200
        answer = await client.get("/api/v3/ping")
        assert (answer.status, answer.code) == (429, -1003)
        assert int(answer.headers["Retry-After"]) in range(1, 61)
