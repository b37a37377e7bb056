import aiohttp
import pytest

from cryptobot.domain.clock import NS_PER_S, ManualClock
from cryptobot.domain.order import Side
from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.limits import RateLimits
from cryptobot.simulator.wire_error import WireError
from tests.simulator.exchange_client import ExchangeClient, exchange
from tests.simulator.scripted_market import ScriptedMarket

MINUTE_START_NS = 1_790_000_040 * NS_PER_S


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(MINUTE_START_NS + 15 * NS_PER_S)


@pytest.fixture
def limits(clock: ManualClock) -> RateLimits:
    return RateLimits(LimitSettings(weight_a_minute=10, orders_in_10_s=2, orders_a_day=3), clock)


def test_weight_above_the_limit_is_refused_until_the_minute_ends(
    limits: RateLimits, clock: ManualClock
) -> None:
    limits.spend_weight(10)
    with pytest.raises(WireError) as error:
        limits.spend_weight(1)
    assert (error.value.code, error.value.status, error.value.retry_after_s) == (-1003, 429, 45)
    clock.advance(45 * NS_PER_S)
    limits.spend_weight(10)
    assert limits.weight_headers()["X-MBX-USED-WEIGHT-1M"] == "10"


def test_orders_above_the_limit_are_refused_until_the_window_ends(
    limits: RateLimits, clock: ManualClock
) -> None:
    limits.spend_order()
    limits.spend_order()
    with pytest.raises(WireError) as error:
        limits.spend_order()
    assert (error.value.code, error.value.status, error.value.retry_after_s) == (-1015, 429, 5)
    clock.advance(5 * NS_PER_S)
    limits.spend_order()
    clock.advance(10 * NS_PER_S)
    with pytest.raises(WireError, match="3 orders per 1 DAY"):
        limits.spend_order()


def test_filled_order_gives_its_count_back(limits: RateLimits) -> None:
    limits.spend_order()
    limits.spend_order()
    limits.order_filled()
    limits.spend_order()
    assert limits.order_headers() == {"X-MBX-ORDER-COUNT-10S": "2", "X-MBX-ORDER-COUNT-1D": "2"}


async def test_weights_are_those_of_the_documentation(market: ScriptedMarket) -> None:
    weights: list[tuple[str, dict[str, object], int]] = [
        ("/api/v3/ping", {}, 1),
        ("/api/v3/time", {}, 1),
        ("/api/v3/exchangeInfo", {}, 20),
        *(
            ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": limit}, weight)
            for limit, weight in ((5, 5), (100, 5), (101, 25), (500, 25), (501, 50), (1000, 50))
        ),
        ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": 1001}, 250),
        ("/api/v3/depth", {"symbol": "BTCUSDT"}, 5),
        ("/api/v3/trades", {"symbol": "BTCUSDT"}, 25),
        ("/api/v3/aggTrades", {"symbol": "BTCUSDT"}, 4),
        ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1m"}, 2),
        ("/api/v3/ticker/24hr", {}, 80),
        ("/api/v3/ticker/price", {"symbol": "BTCUSDT"}, 2),
        ("/api/v3/ticker/price", {}, 4),
        ("/api/v3/ticker/bookTicker", {}, 4),
        ("/api/v3/account", {}, 20),
        ("/api/v3/myTrades", {"symbol": "BTCUSDT"}, 20),
        ("/api/v3/order", {"symbol": "BTCUSDT", "orderId": 1}, 4),
        ("/api/v3/openOrders", {"symbol": "BTCUSDT"}, 6),
        ("/api/v3/openOrders", {}, 80),
        ("/api/v3/allOrders", {"symbol": "BTCUSDT"}, 20),
        ("/api/v3/rateLimit/order", {}, 40),
    ]
    async with exchange(market) as client:
        used = 0
        for path, params, weight in weights:
            answer = await client.signed("GET", path, **params)
            used += weight
            assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) == used, (path, params)


async def test_client_that_goes_on_after_429_is_banned(market: ScriptedMarket) -> None:
    limits = LimitSettings(weight_a_minute=3, refusals_before_ban=2, first_ban_s=120)
    async with exchange(market, limits=limits) as client:
        answers = [await client.get("/api/v3/ping") for _ in range(8)]
        assert [answer.status for answer in answers] == [200] * 3 + [429] * 3 + [418] * 2
        assert int(answers[3].headers["Retry-After"]) in range(1, 61)
        assert answers[-1].headers["Retry-After"] == "120"
        client.pass_time(120)
        assert (await client.get("/api/v3/ping")).status == 200


async def test_raw_requests_are_limited_whatever_they_weigh(market: ScriptedMarket) -> None:
    async with exchange(market, limits=LimitSettings(raw_requests_in_5_min=2)) as client:
        answers = [await client.get("/api/v3/ping") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert "2 raw requests per 5 MINUTE" in answers[-1].body["msg"]
        rules = (await client.get("/sim/state")).body
        assert rules["counts"]["requests"] == 3
        client.pass_time(300)
        assert (await client.get("/api/v3/ping")).status == 200


async def test_connections_are_limited(market: ScriptedMarket) -> None:
    async with exchange(market, limits=LimitSettings(connects_in_5_min=2)) as client:
        async with client.socket("/ws"), client.socket("/ws-api/v3"):
            pass
        with pytest.raises(aiohttp.WSServerHandshakeError) as error:
            async with client.socket("/ws"):
                pass
        assert error.value.status == 429
        assert error.value.headers is not None
        assert int(error.value.headers["Retry-After"]) in range(1, 301)
        client.pass_time(300)
        async with client.socket("/ws"):
            pass


async def test_client_that_says_too_much_on_a_market_socket_is_cut(
    client: ExchangeClient,
) -> None:
    request = {"method": "LIST_SUBSCRIPTIONS", "id": 1}
    async with client.socket("/ws") as socket:
        for _ in range(5):
            await socket.ask(request)
        client.pass_time(1)
        for _ in range(4):
            await socket.ask(request)
        await socket.raw.ping()  # counts too
        await socket.say(request)
        message = await socket.raw.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)
        assert message.extra == "Too many requests"
    async with client.socket("/ws-api/v3") as socket:
        for number in range(9):  # requests are weighed instead
            assert (await socket.ask({"method": "ping", "id": number}))["status"] == 200


async def test_order_that_fills_later_stops_to_count_then(
    client: ExchangeClient, market: ScriptedMarket
) -> None:
    await client.limit("BUY", "0.1", "64000.5")
    counts = await client.signed("GET", "/api/v3/rateLimit/order")
    assert [(rule["interval"], rule["count"]) for rule in counts.body] == [
        ("SECOND", 1), ("DAY", 1),
    ]  # fmt: skip
    market.trade(1, "64000.5", "0.04", Side.SELL)
    market.trade(2, "64000.5", "0.06", Side.SELL)
    for _ in range(2):  # at the first fill, and only once
        client.pass_time(1)
        counts = await client.signed("GET", "/api/v3/rateLimit/order")
        assert [rule["count"] for rule in counts.body] == [0, 0]
