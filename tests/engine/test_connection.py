"""The engine's connection to its exchange: what ends it, what does not, and how it begins anew."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal as D  # noqa: N817 - the shortest clear name for literals
from pathlib import Path

import pytest

from cryptobot.cli import main
from cryptobot.domain.errors import NotSent, ReadFailed
from cryptobot.domain.mode import Mode
from cryptobot.domain.order import OrderState
from cryptobot.engine import connection as module
from cryptobot.settings import Settings
from cryptobot.trading import settlement
from cryptobot.trading.circuit_breaker import BreakerState
from cryptobot.trading.guarded_exchange import Group
from telemetry.testing import capture_logs, sample
from tests.e2e.harness.waiting import wait_for
from tests.journal.samples import an_order

from .test_running_engine import Running, running, running_engine, settings_of

__all__ = ["running", "settings_of"]


@pytest.mark.parametrize("sign", ["a stream broke", "it did not tell the time"])
async def test_exchange_that_is_gone_is_down_and_asked_until_it_answers(
    running: Running, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    rooms, connection = running.engine._rooms, running.engine._connection
    following, answered = asyncio.Event(), asyncio.Event()
    up_when_asked: list[bool] = []

    async def connect() -> None:
        connection.on_disconnected("book")
        assert connection._asking is not None
        await connection._asking  # without a question: whoever connects asks

    async def sync_clock() -> float:
        up_when_asked.append(rooms.exchange.up)
        if len(up_when_asked) < 40:
            raise ReadFailed("time: maintenance")
        answered.set()
        return 0.0

    monkeypatch.setattr(module, "ASK_AGAIN_S", (0.0,))
    monkeypatch.setattr(rooms.exchange, "simulated", True)
    monkeypatch.setattr(rooms.client, "connect", connect)
    monkeypatch.setattr(rooms.client, "sync_clock", sync_clock)
    monkeypatch.setattr(rooms.client, "watch_order_reports", _nothing)
    monkeypatch.setattr(rooms.market, "start", following.set)
    async with asyncio.timeout(10):
        await connection.restart()
        await following.wait()
        assert up_when_asked == []
        streams_wait_for = rooms.client._alarm.bell
        if sign == "a stream broke":
            running.engine._on_stream("book", "BTC/USDT", "disconnected", "error")
        else:
            with pytest.raises(ReadFailed):
                await connection.ask()
        await answered.wait()
        assert connection._asking is not None
        await connection._asking
    assert up_when_asked == [True] + [False] * 39
    assert rooms.exchange.up is True
    assert streams_wait_for.is_set()
    following.clear()
    async with asyncio.timeout(10):
        await connection.restart()
        await following.wait()
    assert len(up_when_asked) == 40  # nobody asks while it is closed and connects anew


@pytest.mark.parametrize(
    ("channel", "event", "compares"),
    [
        ("orders", "disconnected", True),
        ("fills", "taken_up", True),  # what happened between the two is in no stream
        ("orders", "connected", True),
        ("orders", "message", False),
        ("book", "connected", False),
    ],
)
async def test_gap_in_the_accounts_streams_is_filled_when_it_begins_and_when_it_is_over(
    running: Running, channel: str, event: str, compares: bool
) -> None:
    reconciler = running.engine._rooms.reconciler
    running.engine._on_stream(channel, None, event, None)
    assert (reconciler._requested is not None) is compares
    ended = "cryptobot_websocket_disconnections_total"
    counted = sample(running.metrics, ended, exchange="binance", channel=channel, reason="error")
    assert (counted == 1) is (event == "disconnected")


async def test_clock_skew_is_shown_as_it_was_measured_last(running: Running) -> None:
    rooms, connection = running.engine._rooms, running.engine._connection
    connection.observe(up=True, detail="connected")
    rooms.client.clock_skew_ms = 1234.5
    connection.observe(up=True, detail="connected")
    assert (await running.ask("engine.status"))["exchange"]["clock_skew_ms"] == 1234.5


async def test_restart_of_the_exchange_out_of_reach_is_answered(running: Running) -> None:
    exchange = await running.ask("exchange.restart")
    assert exchange["up"] is False
    assert (await running.ask("engine.status"))["exchange"]["up"] is False


async def test_restart_of_the_exchange_by_command_lets_open_breakers_try_at_once(
    running: Running, settings_of: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    for breaker in running.engine._rooms.live.breakers.values():
        while breaker.state is BreakerState.CLOSED:
            breaker.failed(breaker.admit(), "maintenance")
    restart = ["exchange", "restart", "--state-dir", str(settings_of().state_dir)]
    capsys.readouterr()  # the engine is in this process; what it logs is not the command's
    with capture_logs():
        assert await asyncio.to_thread(main, restart) == 0
    anew, breakers = capsys.readouterr().out.splitlines()
    assert anew == "binance: connecting anew; `cryptobot status` says when it is up"
    # Reads may have been tried, in vain, before the answer.
    assert breakers.startswith("circuit breakers: binance:orders half open, binance:reads ")
    for name in ("binance:orders", "binance:reads"):
        tried = "cryptobot_circuit_breaker_transitions_total"
        assert sample(running.metrics, tried, name=name, to="half_open") == 1


async def test_command_without_an_engine_says_so_in_one_line(
    user_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = user_home / "nobody"
    assert await asyncio.to_thread(main, ["exchange", "restart", "--state-dir", str(where)]) == 1
    assert capsys.readouterr().err == (
        f"cryptobot: no engine answers for {where}: No such file or directory\n"
    )


async def test_connecting_goes_on_after_an_error_of_any_kind(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, connection = running.engine._rooms, running.engine._connection
    ends = iter([KeyError("what nobody thought of"), None])
    following = asyncio.Event()

    async def connect() -> None:
        if (error := next(ends)) is not None:
            raise error

    async def compare() -> None:
        raise ArithmeticError("an account like no other")

    monkeypatch.setattr(module, "CONNECT_WAITS_S", (0.0,))
    monkeypatch.setattr(rooms.exchange, "simulated", True)
    monkeypatch.setattr(rooms.client, "connect", connect)
    monkeypatch.setattr(rooms.client, "watch_order_reports", _nothing)
    monkeypatch.setattr(rooms.reconciler, "run", compare)
    monkeypatch.setattr(rooms.market, "start", following.set)
    with capture_logs() as logs:
        await connection.restart()
        async with asyncio.timeout(10):
            await following.wait()
        [failed], [uncompared] = logs.of("exchange_connect_failed"), logs.of("account_not_compared")
    assert "what nobody thought of" in failed["reason"]
    assert "an account like no other" in str(uncompared)
    assert rooms.exchange.up is True


async def test_report_that_breaks_its_reader_does_not_end_the_stream_of_reports(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, connection = running.engine._rooms, running.engine._connection
    applied: list[object] = []
    last = asyncio.Event()

    async def reports() -> AsyncIterator[object]:
        yield "odd"
        yield "good"
        last.set()

    def apply(_: object, report: object, __: str) -> None:
        if report == "odd":
            raise KeyError(report)
        applied.append(report)

    monkeypatch.setattr(rooms.paper, "watch_order_reports", reports)
    monkeypatch.setattr(rooms.tracker, "apply", apply)
    with capture_logs() as logs:
        await connection._follow_reports(Mode.PAPER, rooms.paper)
        assert len(logs.of("order_report_unusable")) == 1
    assert last.is_set()
    assert applied == ["good"]


@pytest.mark.parametrize("sign", ["it answers", "its breaker lets a call through"])
async def test_exchange_that_answers_again_is_asked_at_once_for_what_is_unresolved(
    settings_of: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    monkeypatch.setattr(settlement, "WAITS_S", (0.0, 3600.0))
    settings = settings_of(retry__network_s=[0.0], retry__server_s=[0.0])
    async with running_engine(settings, ("key", "secret")) as running:
        await _asked_at_once(running, sign)


async def _asked_at_once(running: Running, sign: str) -> None:
    rooms = running.engine._rooms
    unknown = an_order(mode=Mode.LIVE, state=OrderState.UNRESOLVED, amount=D(1))
    rooms.tracker.admit(unknown, 0)

    async def looked_up(times: int) -> None:
        def seen() -> bool:
            return len(logs.of("order_lookup")) >= times

        await asyncio.to_thread(wait_for, f"{times} look-ups", seen)

    with capture_logs() as logs:
        rooms.settlement.start(unknown)
        await looked_up(1)  # in vain: nothing answers here
        if sign == "it answers":
            running.engine._connection.observe(up=True, detail="connected")
            assert rooms.reconciler._requested is not None
        else:
            breaker = rooms.live.breakers[Group.READS]
            while breaker.state is BreakerState.CLOSED:
                breaker.failed(breaker.admit(), "maintenance")
            breaker.probe_now()
        await looked_up(2)


@pytest.mark.parametrize("sign", ["it answers", "its breaker closes"])
async def test_cancel_that_waits_for_the_exchange_is_tried_at_once_when_it_answers_again(
    settings_of: Callable[..., Settings], sign: str
) -> None:
    settings = settings_of(retry__network_s=[50.0])
    async with running_engine(settings, ("key", "secret")) as running:
        live = running.engine._rooms.live

        def waits() -> bool:
            return bool(logs.of("exchange_call_retried"))

        with capture_logs() as logs:
            cancelling = asyncio.create_task(live.cancel_order("BTC/USDT", "cb1"))
            await asyncio.to_thread(wait_for, "the first try", waits)
            if sign == "it answers":
                running.engine._connection.observe(up=True, detail="connected")
            else:
                breaker = live.breakers[Group.READS]
                while breaker.state is BreakerState.CLOSED:
                    breaker.failed(breaker.admit(), "maintenance")
                breaker.probe_now()
                while breaker.state is BreakerState.HALF_OPEN:
                    breaker.succeeded(breaker.admit())
            with pytest.raises(NotSent):
                async with asyncio.timeout(10):
                    await cancelling
            assert [line["attempts"] for line in logs.of("retries_exhausted")] == [2]


async def _nothing() -> AsyncIterator[object]:
    await asyncio.Event().wait()
    yield None
