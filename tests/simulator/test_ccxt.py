"""Unmodified ccxt, with production URLs, resolved to the simulator over TLS."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.async_support as ccxt_errors
import pytest

from cryptobot.simulator.limit_settings import LimitSettings
from cryptobot.simulator.market.generated import GeneratedMarket
from cryptobot.simulator.server.app import Simulator, SimulatorSettings, build_simulator
from tests.simulator.ccxt_exchange import connected, watched

pytestmark = pytest.mark.e2e

BTC = "BTC/USDT"


@pytest.fixture
async def simulator() -> Simulator:
    return build_simulator(
        GeneratedMarket(9), SimulatorSettings(limits=LimitSettings(orders_in_10_s=1000))
    )


@pytest.fixture
async def binance(simulator: Simulator) -> AsyncIterator[Any]:
    async with connected(simulator) as exchange:
        yield exchange


async def test_public_reads(binance: Any) -> None:
    assert set(binance.markets) == {BTC, "ETH/USDT", "SOL/USDT", "BNB/USDT", "ETH/BTC"}
    assert binance.markets[BTC]["precision"] == {
        "amount": "0.00001000",
        "price": "0.01000000",
        "base": "0.00000001",
        "quote": "0.00000001",
    }
    assert (await binance.fetch_status())["status"] == "ok"
    ticker = await binance.fetch_ticker(BTC)
    assert float(ticker["bid"]) < float(ticker["ask"])
    assert set(await binance.fetch_tickers([BTC, "ETH/BTC"])) == {BTC, "ETH/BTC"}
    assert len(await binance.fetch_bids_asks()) == 5
    assert len(await binance.fetch_last_prices()) == 5
    assert len(await binance.fetch_ohlcv(BTC, "1m", limit=1000)) == 1000
    assert len(await binance.fetch_ohlcv(BTC, "1h", limit=10)) == 10
    book = await binance.fetch_order_book(BTC, 50)
    assert len(book["bids"]) == 50
    assert abs(await binance.fetch_time() - binance.milliseconds()) < 5_000
    fees = await binance.fetch_trading_fee(BTC)
    assert fees["maker"] == "0.00100000"


async def test_order_life_by_rest(binance: Any) -> None:
    book = await binance.fetch_order_book(BTC)
    low = binance.price_to_precision(BTC, book["bids"][0][0] * 0.97)
    limit = await binance.create_order(
        BTC, "limit", "buy", "0.001", low, {"newClientOrderId": "mine"}
    )
    assert (limit["status"], limit["clientOrderId"]) == ("open", "mine")
    (opened,) = await binance.fetch_open_orders(BTC)
    assert opened["id"] == limit["id"]
    found = await binance.fetch_order(None, BTC, {"clientOrderId": "mine"})
    assert found["status"] == "open"
    maker = await binance.create_order(BTC, "limit", "buy", "0.001", low, {"postOnly": True})
    canceled = await binance.cancel_order(maker["id"], BTC)
    assert canceled["status"] == "canceled"
    for force in ("IOC", "FOK"):
        order = await binance.create_order(
            BTC, "limit", "buy", "0.001", low, {"timeInForce": force}
        )
        assert order["status"] in {"expired", "canceled"}
    bought = await binance.create_order(BTC, "market", "buy", "0.01")
    assert (bought["status"], bought["filled"]) == ("closed", "0.01000000")
    spent = await binance.create_market_buy_order_with_cost(BTC, "25")
    assert 24 < float(spent["cost"]) <= 25
    assert (await binance.create_order(BTC, "limit", "buy", "1", low, {"test": True}))["id"] is None
    trades = await binance.fetch_my_trades(BTC)
    assert {trade["fee"]["currency"] for trade in trades} == {"BTC"}
    assert len(await binance.fetch_closed_orders(BTC)) == 2
    await binance.cancel_all_orders(BTC)
    assert await binance.fetch_open_orders(BTC) == []
    balance = await binance.fetch_balance()
    assert float(balance["BTC"]["total"]) > 2


async def test_market_streams(binance: Any) -> None:
    book, trades, candles, ticker, best = await asyncio.gather(
        watched(binance.watch_order_book(BTC)),
        watched(binance.watch_trades(BTC)),
        watched(binance.watch_ohlcv(BTC, "1m")),
        watched(binance.watch_ticker(BTC)),
        watched(binance.watch_bids_asks([BTC, "ETH/USDT"])),
    )
    assert book["bids"][0][0] < book["asks"][0][0]
    assert trades[0]["symbol"] == BTC
    assert len(candles[0]) == 6
    assert ticker["symbol"] == BTC
    assert set(best) <= {BTC, "ETH/USDT"}
    nonces = [(await watched(binance.watch_order_book(BTC)))["nonce"] for _ in range(15)]
    assert nonces == sorted(set(nonces))


async def test_book_stays_equal_to_the_exchange_under_own_trades(
    binance: Any, simulator: Simulator
) -> None:
    book = await watched(binance.watch_order_book(BTC))
    for _ in range(5):
        await binance.create_order(BTC, "market", "buy", "0.05")
        book = await watched(binance.watch_order_book(BTC))
    engine = simulator.exchange.venue.engine
    market = simulator.exchange.venue.markets["BTCUSDT"]
    while book["nonce"] != market.update_id:
        book = await watched(binance.watch_order_book(BTC))
    bids, asks = engine.book(BTC)
    assert book["bids"] == [[float(level.price), float(level.amount)] for level in bids]
    assert book["asks"] == [[float(level.price), float(level.amount)] for level in asks]


async def test_user_streams_and_orders_by_socket(binance: Any) -> None:
    orders = asyncio.create_task(watched(binance.watch_orders(BTC)))
    mine = asyncio.create_task(watched(binance.watch_my_trades(BTC)))
    funds = asyncio.create_task(watched(binance.watch_balance()))
    placed = None
    while not (orders.done() and mine.done() and funds.done()):
        placed = await binance.create_order_ws(BTC, "market", "buy", "0.001")
    assert placed is not None
    assert placed["status"] == "closed"
    assert (await orders)[0]["symbol"] == BTC
    assert (await mine)[0]["side"] == "buy"
    assert float((await funds)["USDT"]["free"]) < 100_000
    low = binance.price_to_precision(BTC, float(placed["average"]) * 0.97)
    resting = await binance.create_order_ws(
        BTC, "limit", "buy", "0.001", low, {"newClientOrderId": "ws-1"}
    )
    assert (await binance.fetch_order_ws(resting["id"], BTC))["status"] == "open"
    assert len(await binance.fetch_open_orders_ws(BTC)) == 1
    assert (await binance.cancel_order_ws(resting["id"], BTC))["status"] == "canceled"
    assert len(await binance.fetch_my_trades_ws(BTC)) >= 1
    assert len(await binance.fetch_ohlcv_ws(BTC, "1m", limit=5)) == 5
    assert len(await binance.fetch_trades_ws(BTC, limit=1)) == 1


ERRORS: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("insufficient funds", {"amount": "3", "price": "60000"}, ccxt_errors.InsufficientFunds),
    ("too small", {"amount": "0.00001", "price": "60000"}, ccxt_errors.BadRequest),
    ("far price", {"amount": "0.001", "price": "1000"}, ccxt_errors.InvalidOrder),
    (
        "crossing",
        {"price": "70000", "params": {"postOnly": True}},
        ccxt_errors.OrderImmediatelyFillable,
    ),
    ("stop", {"params": {"stopPrice": "1000"}}, ccxt_errors.OrderImmediatelyFillable),
    ("unknown parameter", {"params": {"colour": "red"}}, ccxt_errors.BadRequest),
    ("late", {"params": {"timestamp": 1}}, ccxt_errors.InvalidNonce),
]


@pytest.mark.parametrize(
    ("change", "expected"), [row[1:] for row in ERRORS], ids=[r[0] for r in ERRORS]
)
async def test_refusal_becomes_the_class_of_production(
    binance: Any, change: dict[str, Any], expected: type[Exception]
) -> None:
    terms = {"amount": "0.001", "price": "60000"} | change
    with pytest.raises(ccxt_errors.BaseError) as error:
        await binance.create_order(BTC, "limit", "buy", **terms)
    assert type(error.value) is expected


async def test_other_refusals_become_their_classes(binance: Any, simulator: Simulator) -> None:
    with pytest.raises(ccxt_errors.OrderNotFound):
        await binance.fetch_order("99", BTC)
    with pytest.raises(ccxt_errors.OrderNotFound):
        await binance.cancel_order("99", BTC)
    simulator.exchange.gatekeeper.skew_ms = -5_000
    with pytest.raises(ccxt_errors.InvalidNonce):
        await binance.fetch_balance()
    simulator.exchange.gatekeeper.skew_ms = 0
    binance.secret = "wrong"
    with pytest.raises(ccxt_errors.AuthenticationError):
        await binance.fetch_balance()
    binance.apiKey = "wrong"
    with pytest.raises(ccxt_errors.AuthenticationError):
        await binance.fetch_balance()
