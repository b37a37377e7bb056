"""A whole engine, its exchange out of reach, asked over its socket."""

import asyncio
import gc
import json
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import replace
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path
from random import Random
from typing import Any

import pytest

from cryptobot.control.protocol import ErrorCode
from cryptobot.domain.clock import NS_PER_S, SystemClock, iso
from cryptobot.domain.errors import UserError
from cryptobot.domain.ids import IdSource
from cryptobot.domain.instrument import Instrument
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState
from cryptobot.engine.engine import Engine
from cryptobot.journal.journal import Journal
from cryptobot.settings import Settings, load_settings
from cryptobot.trading.exchange import Balance
from telemetry.health import Health
from telemetry.metrics import Metrics
from telemetry.testing import capture_logs, sample
from tests.journal.samples import an_order

from .raw_client import RawClient

ORDER = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "amount": "0.001", "price": "60000"}


class Running:
    def __init__(self, engine: Engine, journal: Journal, metrics: Metrics) -> None:
        self.engine, self.journal, self.metrics = engine, journal, metrics
        self.client: RawClient

    async def ask(self, method: str, **params: object) -> Any:
        answer = await self.client.call(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    async def refused(self, method: str, **params: object) -> dict[str, Any]:
        error: dict[str, Any] = (await self.client.call(method, **params))["error"]
        return error


@pytest.fixture
def settings_of(user_home: Path) -> Callable[..., Settings]:
    """Settings of an engine whose exchange refuses every connection."""
    with socket.socket() as probe:  # a port that nobody listens on once this is closed
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def settings(**cli: object) -> Settings:
        given = {
            "state_dir": str(user_home / "s"),
            "exchange.connect_to": f"127.0.0.1:{port}",
            "exchange.timeout_s": 1,
            "mode.start": "resume",
            **{key.replace("__", "."): value for key, value in cli.items()},
        }
        loaded = load_settings(cli=given, environ={})
        loaded.state_dir.mkdir(parents=True, exist_ok=True)
        return loaded

    return settings


@asynccontextmanager
async def running_engine(
    settings: Settings, keys: tuple[str | None, str | None]
) -> AsyncIterator[Running]:
    clock = SystemClock()
    metrics = Metrics(
        exchanges=("binance",),
        symbols=settings.symbols,
        currencies=("USDT",),
        channels=("book", "trades", "candles", "orders", "fills"),
        breakers=("binance:orders", "binance:reads"),
    )
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(Journal.open(settings.database_url, clock=clock))
        engine = Engine(
            settings,
            keys=keys,
            journal=journal,
            metrics=metrics,
            health=Health({}),
            clock=clock,
            ids=IdSource(Random(3)),
        )
        stack.push_async_callback(engine.close)
        await engine.start()
        running = Running(engine, journal, metrics)
        running.client = await RawClient.to(engine.socket_path)
        stack.push_async_callback(running.client.close)
        yield running


@pytest.fixture
async def running(settings_of: Callable[..., Settings]) -> AsyncIterator[Running]:
    async with running_engine(settings_of(), ("key", "secret")) as running:
        yield running


async def test_first_start_is_paper_and_the_status_says_everything(running: Running) -> None:
    status = await running.ask("engine.status")
    assert (status["mode"], status["mode_reason"], status["fenced"]) == (
        "paper",
        "first start",
        False,
    )
    assert status["exchange"]["up"] is False
    assert status["orders"] == {
        "open": 0,
        "unresolved": 0,
        "in_flight": 0,
        "sent_total": 0,
        "failed_total": 0,
    }
    assert {line.partition(":")[0] for line in status["live_blockers"]} == {"health"}
    assert {(item["name"], item["state"]) for item in status["breakers"]} == {
        ("binance:orders", "closed"),
        ("binance:reads", "closed"),
    }
    failover = status["failover"]
    assert (failover["enabled"], failover["armed"], failover["fell_back"]) == (True, False, False)
    assert all(item["when"] for item in failover["triggers"] if item["on"])
    told = await running.ask("mode.get")
    assert {key: status[key] for key in ("mode", "mode_since", "mode_reason", "fenced")} == {
        key: told[key] for key in ("mode", "mode_since", "mode_reason", "fenced")
    }


async def test_order_before_the_exchange_is_there_is_denied_and_answers_an_order(
    running: Running,
) -> None:
    order = await running.ask("order.place", **ORDER)
    assert (order["state"], order["mode"]) == ("denied", "paper")
    assert order["reason"].startswith("unknown_symbol: ")
    assert len(order["order_id"]) == 32
    found = await running.ask("order.get", order_id=order["order_id"])
    [event] = found.pop("events")
    assert (found, event["state"]) == (order, "denied")
    assert await running.ask("order.list") == [order]
    assert await running.ask("order.list", state="filled") == []
    assert sample(running.metrics, "cryptobot_orders_failed_total") == 0


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("order.place", {**ORDER, "amount": 0.001}, ErrorCode.INVALID_PARAMS),
        ("order.place", {**ORDER, "amount": "1e9999"}, ErrorCode.INVALID_PARAMS),
        ("order.place", {}, ErrorCode.INVALID_PARAMS),
        ("order.get", {"order_id": "0" * 32}, ErrorCode.NOT_FOUND),
        ("order.cancel", {"order_id": "0" * 32}, ErrorCode.NOT_FOUND),
        ("strategy.start", {"name": "nobody"}, ErrorCode.INVALID_PARAMS),
        ("strategy.start", {"name": "grid"}, ErrorCode.INVALID_PARAMS),
        ("strategy.stop", {"name": "grid"}, ErrorCode.INVALID_PARAMS),
        ("market.book", {"symbol": "BTC/USDT"}, ErrorCode.NOT_FOUND),
        ("market.book", {"symbol": "DOGE/USDT"}, ErrorCode.INVALID_PARAMS),
        (
            "market.candles",
            {"symbol": "BTC/USDT", "timeframe": "7 hours"},
            ErrorCode.INVALID_PARAMS,
        ),
        ("mode.set", {"mode": "live", "reason": "r", "actor": "a"}, ErrorCode.LIVE_REFUSED),
        ("subscribe", {"topics": ["everything"]}, ErrorCode.INVALID_PARAMS),
    ],
)
async def test_request_that_cannot_be_met_has_its_code_and_one_line(
    running: Running, method: str, params: dict[str, object], code: ErrorCode
) -> None:
    error = await running.refused(method, **params)
    assert error["code"] == code
    assert "\n" not in error["message"]
    assert "engine.log" not in error["message"]


async def test_exchange_for_paper_only_starts_on_paper_and_refuses_live_by_name(
    settings_of: Callable[..., Settings],
) -> None:
    settings = settings_of(exchange__id="kucoin")
    with capture_logs() as logs:
        async with running_engine(settings, ("key", "secret")) as running:
            status = await running.ask("engine.status")
            assert status["mode"] == "paper"
            error = await running.refused(
                "mode.set", mode="live", reason="r", actor="a", confirm="main"
            )
        told = [line["limits"] for line in logs.of("exchange_limits")]
    assert len(told) == 1
    assert told[0].startswith("kucoin trades on paper only: ")
    assert error["code"] == ErrorCode.LIVE_REFUSED
    failed = {item["precondition"]: item["detail"] for item in error["data"]["failed"]}
    assert failed["exchange"] == told[0]


async def test_key_without_its_passphrase_is_no_key_and_the_refusal_names_the_variable(
    settings_of: Callable[..., Settings],
) -> None:
    for password, missing in ((None, True), ("phrase", False)):
        settings = settings_of(exchange__id="okx", exchange__password=password)
        async with running_engine(settings, ("key", "secret")) as running:
            error = await running.refused("mode.set", mode="live", reason="r", actor="a")
        failed = {item["precondition"]: item["detail"] for item in error["data"]["failed"]}
        assert ("CRYPTOBOT_EXCHANGE__PASSWORD" in failed.get("keys", "")) is missing


async def test_live_is_refused_with_every_precondition_named(
    settings_of: Callable[..., Settings],
) -> None:
    async with running_engine(settings_of(), (None, None)) as running:
        error = await running.refused(
            "mode.set", mode="live", reason="r", actor="a", confirm="wrong"
        )
        failed = {item["precondition"]: item["detail"] for item in error["data"]["failed"]}
        assert set(failed) == {"keys", "health", "confirmation"}
        assert "'main'" in failed["confirmation"]
        assert "'wrong'" in failed["confirmation"]
        assert running.engine._rooms.modes.mode is Mode.PAPER


async def test_paper_is_acknowledged_fenced_and_remembered(
    running: Running, settings_of: Callable[..., Settings]
) -> None:
    told = await running.ask("mode.set", mode="paper", reason="to be sure", actor="ann")
    assert (told["mode"], told["fenced"]) == ("paper", True)
    assert told["in_flight"] == told["open_live_orders"] == told["canceled"] == []
    fence = settings_of().state_dir / "PAPER_ONLY"
    assert _note(fence)["actor"] == "ann"


def _note(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


async def test_subscriber_hears_of_modes_orders_and_status(running: Running) -> None:
    await running.ask("subscribe", topics=["orders", "mode", "status"])
    await running.client.send(
        {"jsonrpc": "2.0", "id": "order", "method": "order.place", "params": ORDER}
    )
    heard: set[str] = set()
    answered = False
    while not answered or not {"orders", "status"} <= heard:
        message = await running.client.receive()
        answered = answered or message.get("id") == "order"
        if "params" in message:
            heard.add(message["params"]["topic"])


async def test_shutdown_over_the_socket_ends_the_run_in_order(running: Running) -> None:
    assert await running.ask("engine.shutdown", reason="done") == {"shutting_down": True}
    async with asyncio.timeout(10):
        assert await running.engine.wait() == "done"
    await running.engine.close()
    [run] = await running.journal.recent_runs(5)
    assert run.clean


async def test_start_after_a_crash_holds_an_unanswered_live_order_for_unresolved(
    settings_of: Callable[..., Settings],
) -> None:
    settings = settings_of()
    order = an_order()
    async with Journal.open(settings.database_url, clock=SystemClock()) as journal:
        await journal.record(order, venue="binance")
    async with running_engine(settings, ("key", "secret")) as running:
        found = await running.ask("order.get", order_id=order.order_id)
        assert (found["state"], found["mode"]) == ("unresolved", "live")
        error = await running.refused("mode.set", mode="live", reason="r", actor="a")
        failed = [item["precondition"] for item in error["data"]["failed"]]
        assert "unresolved orders" in failed
        await running.engine._rooms.orders.drain()  # it is counted when it is on disk
        assert sample(running.metrics, "cryptobot_orders_failed_total") == 1


async def test_paper_account_that_cannot_be_journalled_is_as_soon_as_it_can(
    running: Running, settings_of: Callable[..., Settings]
) -> None:
    unhandled: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, error: unhandled.append(error))
    running.engine._on_connected()
    lost = asyncio.Event()
    running.journal.on_availability(lambda *_: lost.set())
    running.engine._rooms.portfolio.set_balances(Mode.LIVE, {"USDT": Balance(D(5), D(0))}, 0)
    database = settings_of().state_dir / "cryptobot.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        running.engine._paper_account.start_from_live()
        await lost.wait()
        other.execute("ROLLBACK")
        await running.journal.wait_available()
    orders = running.engine._rooms.orders
    while orders.waiting:
        await orders.drain()
        await asyncio.sleep(0)
    snapshot = await running.journal.last_account(Mode.PAPER)
    assert snapshot is not None
    assert snapshot.holdings["USDT"].free == D(5)
    gc.collect()
    assert unhandled == []


async def test_paper_order_on_its_way_while_the_account_is_put_back_is_not_put_back_too(
    running: Running,
) -> None:
    rooms = running.engine._rooms
    symbol = "BTC/USDT"
    rooms.client._instruments[symbol] = Instrument(
        symbol, "BTC", "USDT", D("0.01"), D("0.001"), D("0.001")
    )
    order = an_order(mode=Mode.PAPER, amount=D("0.001"), price=D(50_000))
    rooms.tracker.admit(order, 0)
    running.engine._on_connected()
    assert await rooms.paper.open_orders(symbol) == []
    assert rooms.tracker.get(order.order_id) == order


async def test_live_is_refused_while_a_live_order_waits_for_its_answer(running: Running) -> None:
    waiting = an_order(state=OrderState.SUBMITTED, amount=D(1))
    running.engine._rooms.tracker.admit(waiting, 0)
    error = await running.refused("mode.set", mode="live", reason="r", actor="a")
    failed = {item["precondition"]: item["detail"] for item in error["data"]["failed"]}
    assert waiting.order_id in failed["unresolved orders"]


async def test_start_live_on_an_exchange_that_is_no_simulator_is_refused(
    settings_of: Callable[..., Settings],
) -> None:
    settings = settings_of(mode__start="live", exchange__connect_to=None)
    with pytest.raises(UserError, match=r"mode\.start"):
        async with running_engine(settings, (None, None)):
            pytest.fail("it started")


async def test_start_live_on_an_exchange_that_cannot_be_asked_is_on_paper_and_says_why(
    settings_of: Callable[..., Settings],
) -> None:
    async with running_engine(settings_of(mode__start="live"), ("key", "secret")) as running:
        status = await running.ask("engine.status")
    assert (status["mode"], status["exchange"]["simulated"]) == ("paper", False)
    assert status["mode_reason"].endswith("could not be asked whether it is the simulator")


async def test_exchange_that_ccxt_does_not_know_stops_the_start(
    settings_of: Callable[..., Settings],
) -> None:
    settings = settings_of(exchange__id="nosuch", exchange__connect_to=None)
    with pytest.raises(UserError, match=r"exchange\.id: ccxt has no exchange 'nosuch'"):
        async with running_engine(settings, (None, None)):
            pytest.fail("it started")


async def test_reconciliation_is_told_in_short_and_in_full(running: Running) -> None:
    assert (await running.ask("engine.status"))["reconciliation"] is None
    assert await running.ask("reconciliation.get") is None
    await running.engine._rooms.reconciler.run()
    short = (await running.ask("engine.status"))["reconciliation"]
    assert (short["outcome"], short["external_orders"]) == ("failed", 0)
    running.engine._health_watch.update()  # as it does every second
    status = await running.ask("engine.status")
    assert status["health"]["components"]["reconciliation"]["status"] == "degraded"
    assert any(line.startswith("reconciliation: ") for line in status["live_blockers"])
    full = await running.ask("reconciliation.get")
    assert [difference["kind"] for difference in full["differences"]] == ["unreadable"]
    count = sample(running.metrics, "cryptobot_reconciliations_total", outcome="failed")
    assert count == 1


@pytest.mark.parametrize("read_before", [True, False])
async def test_switch_to_paper_while_connecting_starts_paper_from_the_live_account(
    running: Running, read_before: bool
) -> None:
    rooms = running.engine._rooms
    balances = {"USDT": Balance(D(77), D(0))}
    rooms.modes.status = replace(rooms.modes.status, mode=Mode.LIVE)
    if read_before:
        rooms.portfolio.set_balances(Mode.LIVE, balances, 5)
    told = await running.ask("mode.set", mode="paper", reason="banned", actor="ann")
    assert (told["paper_account_from"] == iso(5)) is read_before
    rooms.portfolio.set_balances(Mode.LIVE, balances, 7)
    running.engine._on_connected()  # puts back what earlier runs left
    assert (await rooms.paper.balances())["USDT"].total == 77


async def test_switch_to_paper_says_how_old_the_live_balances_are_that_paper_starts_with(
    running: Running,
) -> None:
    rooms = running.engine._rooms
    running.engine._on_connected()
    assert (await running.ask("portfolio.get"))["balances_at"] is None
    read_ns = SystemClock().now_ns() - 89 * NS_PER_S
    rooms.portfolio.set_balances(Mode.LIVE, {"USDT": Balance(D(77), D(0))}, read_ns)
    rooms.modes.status = replace(rooms.modes.status, mode=Mode.LIVE)
    assert (await running.ask("portfolio.get"))["balances_at"] == iso(read_ns)
    asked = {"mode": "paper", "reason": "banned", "actor": "ann"}
    told = await running.ask("mode.set", **asked)
    assert told["paper_account_from"] == iso(read_ns)
    assert 89 <= told["paper_account_age_s"] < 120
    again = await running.ask("mode.set", **asked)
    assert again["paper_account_from"] is again["paper_account_age_s"] is None
