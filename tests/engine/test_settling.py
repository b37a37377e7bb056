"""A person settles an unknown outcome over the control socket and from the command line."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from cryptobot.cli.main import main
from cryptobot.control.protocol import ErrorCode
from cryptobot.domain.clock import SystemClock
from cryptobot.domain.order import Order, OrderState
from cryptobot.journal.journal import Journal
from cryptobot.settings import Settings
from tests.journal.samples import an_order

from .test_running_engine import Running, running_engine, settings_of

__all__ = ["settings_of"]


@pytest.fixture
def unknown() -> Order:
    return an_order(state=OrderState.SUBMITTED)


@pytest.fixture
async def running(
    settings_of: Callable[..., Settings],
    unknown: Order,
) -> AsyncIterator[Running]:
    settings = settings_of()
    async with Journal.open(settings.database_url, clock=SystemClock()) as journal:
        await journal.record(unknown, venue="binance")
    async with running_engine(settings, ("key", "secret")) as running:
        yield running


async def test_not_placed_by_a_person_is_in_the_orders_history_with_who_and_why(
    running: Running, unknown: Order
) -> None:
    answer = await running.ask(
        "order.settle",
        order_id=unknown.order_id,
        outcome="not_placed",
        force=True,
        reason="support says so",
        actor="ann",
    )
    assert answer["state"] == "rejected"
    await running.engine._rooms.orders.drain()
    told = await running.ask("order.get", order_id=unknown.order_id)
    assert [event["state"] for event in told["events"]] == ["submitted", "unresolved", "rejected"]
    last = told["events"][-1]
    assert last["from"] == "unresolved"
    assert (last["evidence"]["actor"], last["evidence"]["reason"]) == ("ann", "support says so")
    assert last["evidence"]["looked_up"][0]["answer"] == "failed"  # it is out of reach here


async def test_settle_twice_is_refused_and_says_how_the_order_stands(
    running: Running, unknown: Order
) -> None:
    settle: dict[str, object] = {
        "order_id": unknown.order_id,
        "outcome": "not_placed",
        "reason": "r",
        "actor": "a",
    }
    unasked = await running.refused("order.settle", **settle)
    assert "could not be asked" in unasked["message"]
    settle["force"] = True
    await running.ask("order.settle", **settle)
    error = await running.refused("order.settle", **settle)
    assert error["code"] == ErrorCode.REFUSED
    assert "is rejected: only an unresolved order can be settled" in error["message"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"outcome": "adopt", "exchange_order_id": "77"}, ErrorCode.FAILED),  # out of reach
        ({"order_id": "0" * 32}, ErrorCode.NOT_FOUND),
        ({"reason": ""}, ErrorCode.INVALID_PARAMS),
        ({"outcome": "filled"}, ErrorCode.INVALID_PARAMS),
    ],
)
async def test_settle_that_cannot_be_done_has_its_code_and_changes_nothing(
    running: Running, unknown: Order, changes: dict[str, str], code: ErrorCode
) -> None:
    params = {"order_id": unknown.order_id, "outcome": "not_placed", "reason": "r", "actor": "a"}
    error = await running.refused("order.settle", **{**params, **changes})
    assert error["code"] == code
    assert (await running.ask("order.get", order_id=unknown.order_id))["state"] == "unresolved"


async def test_command_line_settles_and_shows_an_order(
    running: Running, unknown: Order, capsys: pytest.CaptureFixture[str]
) -> None:
    state_dir = str(running.engine.socket_path.parent)

    async def run(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, ["orders", *words, "--state-dir", state_dir])
        said = capsys.readouterr()
        return code, said.out + said.err  # with the engine's own log lines among them

    settle = ("settle", unknown.order_id, "--not-placed", "--reason", "support", "--actor", "ann")
    code, said = await run(*settle)
    assert code == 1
    assert "could not be asked" in said
    code, said = await run(*settle, "--force")
    assert code == 0
    assert f"order {unknown.order_id} is rejected: not_placed: settled by ann: support\n" in said
    code, said = await run(*settle, "--force")
    assert code == 1
    assert "cryptobot: order.settle: order" in said
    assert "only an unresolved order" in said
    code, said = await run("show", unknown.order_id)
    assert (code, '"events"' in said) == (0, True)
    adopt = ("settle", unknown.order_id, "--adopt", "77", "--reason", "web", "--actor", "ann")
    assert (await run(*adopt))[0] == 1
