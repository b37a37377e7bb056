"""Our answers against recorded ones of Binance: the same fields, of the same types."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cryptobot.domain.order import Side
from tests.simulator.exchange_client import ExchangeClient
from tests.simulator.scripted_market import ScriptedMarket
from tests.simulator.test_ws_api import LIMIT, PATH, SUBSCRIBE, call

pytestmark = pytest.mark.shared

Asked = Callable[[ExchangeClient], Awaitable[Any]]


def public(path: str, **params: object) -> Asked:
    async def ask(client: ExchangeClient) -> Any:
        return (await client.get(path, symbol="BTCUSDT", **params)).body

    return ask


def unnamed(path: str) -> Asked:
    async def ask(client: ExchangeClient) -> Any:
        return (await client.get(path)).body

    return ask


def private(method: str, path: str, **params: object) -> Asked:
    async def ask(client: ExchangeClient) -> Any:
        return (await client.signed(method, path, **params)).body

    return ask


ORDER = {"symbol": "BTCUSDT", "origClientOrderId": "resting"}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1.2"}
TABLE: dict[str, Asked] = {
    "account": private("GET", "/api/v3/account"),
    "account_trades": private("GET", "/api/v3/myTrades", symbol="BTCUSDT"),
    "all_orders": private("GET", "/api/v3/allOrders", symbol="BTCUSDT"),
    "avg_price": public("/api/v3/avgPrice"),
    "book_ticker": public("/api/v3/ticker/bookTicker"),
    "cancel_open_orders": private("DELETE", "/api/v3/openOrders", symbol="BTCUSDT"),
    "cancel_order": private("DELETE", "/api/v3/order", **ORDER),
    "depth": public("/api/v3/depth"),
    "exchange_info": public("/api/v3/exchangeInfo"),
    "klines": public("/api/v3/klines", interval="1m"),
    "new_order_full": private("POST", "/api/v3/order", **MARKET),
    "open_orders": private("GET", "/api/v3/openOrders", symbol="BTCUSDT"),
    "order": private("GET", "/api/v3/order", **ORDER),
    "server_time": unnamed("/api/v3/time"),
    "ticker_24hr": public("/api/v3/ticker/24hr"),
    "ticker_price": public("/api/v3/ticker/price"),
    "trades": public("/api/v3/trades"),
}


def shape(value: Any) -> Any:
    """Reduce a value to the names and types in it; a list to its first element's shape."""
    if isinstance(value, dict):
        return {name: shape(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def missing(recorded: Any, ours: Any, path: str = "") -> list[str]:
    """Return where ``ours`` lacks something of ``recorded`` or has another type."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        return [
            line
            for name, part in recorded.items()
            for line in (
                missing(part, ours[name], f"{path}.{name}") if name in ours else [f"{path}.{name}"]
            )
        ]
    if isinstance(recorded, list) and isinstance(ours, list):
        return missing(recorded[0], ours[0], f"{path}[0]") if recorded and ours else []
    return [] if type(recorded) is type(ours) else [f"{path}: {recorded!r} against {ours!r}"]


@pytest.fixture
def fixtures(shared_dir: Path) -> Path:
    return shared_dir / "exchange" / "fixtures" / "nautilus_binance" / "spot"


@pytest.mark.parametrize("name", TABLE)
async def test_answer_has_every_recorded_field(
    client: ExchangeClient, market: ScriptedMarket, fixtures: Path, name: str
) -> None:
    market.trade(1, "64001", "0.5", Side.BUY)
    client.pass_time(2)
    await client.limit("BUY", "0.1", "60000", newClientOrderId="resting")
    if name != "new_order_full":
        await client.order("BUY", "MARKET", quantity="0.1")
    ours = await TABLE[name](client)
    recorded = json.loads((fixtures / "http_json" / f"{name}_response.json").read_text())
    recorded.pop("sors", None) if isinstance(recorded, dict) else None
    assert missing(recorded, ours) == []


async def test_execution_reports_have_every_recorded_field(
    client: ExchangeClient, market: ScriptedMarket, fixtures: Path
) -> None:
    def recorded(name: str) -> Any:
        return json.loads((fixtures / "user_data_json" / f"{name}.json").read_text())

    async with client.socket(PATH) as socket:
        await call(client, socket, SUBSCRIBE)
        terms = {**LIMIT, "quantity": "0.5", "price": "64000.5"}
        placed = await client.signed("POST", "/api/v3/order", **terms)
        new, position = await socket.hear(), await socket.hear()
        assert missing(recorded("execution_report_wrapped"), new) == []
        assert missing(recorded("account_position_wrapped"), position) == []
        market.trade(1, "64000", "0.2", Side.SELL)
        client.pass_time(1)
        trade, _ = await socket.hear(), await socket.hear()
        assert missing(recorded("execution_report_trade"), trade["event"]) == []
        await client.signed(
            "DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed.body["orderId"]
        )
        canceled, _ = await socket.hear(), await socket.hear()
        assert missing(recorded("execution_report_canceled"), canceled["event"]) == []
        await client.signed("POST", "/api/v3/order", **{**terms, "timeInForce": "IOC"})
        heard = [await socket.hear() for _ in range(4)]
        expired = next(m["event"] for m in heard if m["event"].get("x") == "EXPIRED")
        assert missing(recorded("execution_report_expired"), expired) == []
