import pytest

from cryptobot.domain.order import Side
from tests.simulator.exchange_client import START_MS, ExchangeClient
from tests.simulator.scripted_market import ScriptedMarket


async def test_answer_has_weight_server_and_content_type(client: ExchangeClient) -> None:
    answer = await client.get("/api/v3/ping")
    assert answer.body == {}
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "1"
    assert answer.headers["Server"].startswith("cryptobot-simulator/")
    again = await client.get("/api/v3/exchangeInfo")
    assert again.headers["X-MBX-USED-WEIGHT-1M"] == "21"


async def test_unknown_path_is_404_and_names_the_server(client: ExchangeClient) -> None:
    answer = await client.get("/api/v3/nothing")
    assert answer.status == 404
    assert answer.headers["Server"].startswith("cryptobot-simulator/")


async def test_depth_shows_the_book_with_eight_decimals(client: ExchangeClient) -> None:
    answer = await client.get("/api/v3/depth", symbol="BTCUSDT", limit=2)
    assert answer.body["bids"] == [
        ["64000.00000000", "1.00000000"],
        ["63999.00000000", "2.00000000"],
    ]
    assert answer.body["asks"][0] == ["64001.00000000", "1.00000000"]


async def test_trades_and_klines_follow_the_tape(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    market.trade(1, "64001", "0.5", Side.BUY)
    market.trade(2, "64000", "0.25", Side.SELL)
    client.pass_time(3)
    trades = await client.get("/api/v3/trades", symbol="BTCUSDT")
    assert trades.body[1] == {
        "id": 2,
        "price": "64000.00000000",
        "qty": "0.25000000",
        "quoteQty": "16000.00000000",
        "time": START_MS + 2000,
        "isBuyerMaker": True,
        "isBestMatch": True,
    }
    rows = (await client.get("/api/v3/klines", symbol="BTCUSDT", interval="1m")).body
    assert rows == [
        [
            START_MS - START_MS % 60_000,
            "64001.00000000",
            "64001.00000000",
            "64000.00000000",
            "64000.00000000",
            "0.75000000",
            START_MS - START_MS % 60_000 + 59_999,
            "48000.50000000",
            2,
            "0.50000000",
            "32000.50000000",
            "0",
        ]
    ]
    since = await client.get("/api/v3/aggTrades", symbol="BTCUSDT", startTime=START_MS + 1500)
    assert [trade["p"] for trade in since.body] == ["64000.00000000"]
    average = await client.get("/api/v3/avgPrice", symbol="BTCUSDT")
    assert average.body["price"] == "64000.66666667"


async def test_day_ticker_change_is_last_less_open(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    market.trade(1, "64001", "0.5", Side.BUY)
    market.trade(2, "63000", "0.25", Side.SELL)
    client.pass_time(3)
    body = (await client.get("/api/v3/ticker/24hr", symbol="BTCUSDT")).body
    assert (body["priceChange"], body["priceChangePercent"]) == ("-1001.00000000", "-1.564")
    assert (body["lastQty"], body["bidPrice"]) == ("0.25000000", "64000.00000000")


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("depth", {}, -1102),
        ("depth", {"symbol": "btcusdt"}, -1100),
        ("depth", {"symbol": "DOGEUSDT"}, -1121),
        ("depth", {"symbol": "BTCUSDT", "limit": "x"}, -1100),
        ("depth", {"symbol": "BTCUSDT", "limit": "0"}, -1130),
        ("depth", {"symbol": "BTCUSDT", "colour": "red"}, -1104),
        ("klines", {"symbol": "BTCUSDT"}, -1102),
        ("klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ("ticker/price", {"symbol": "BTCUSDT", "symbols": '["BTCUSDT"]'}, -1128),
        ("ticker/price", {"symbols": "BTCUSDT"}, -1100),
        ("ticker/24hr", {"symbol": "BTCUSDT", "type": "HUGE"}, -1130),
    ],
)
async def test_bad_parameter_gives_its_code(
    client: ExchangeClient, path: str, params: dict[str, str], code: int
) -> None:
    answer = await client.get(f"/api/v3/{path}", **params)
    assert (answer.status, answer.code) == (400, code)


async def test_parameter_sent_twice_is_refused(client: ExchangeClient) -> None:
    answer = await client.request("GET", "/api/v3/depth", query="symbol=BTCUSDT&symbol=ETHUSDT")
    assert answer.code == -1101
