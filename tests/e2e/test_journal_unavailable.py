import os
import resource
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psutil
import pytest

from cryptobot.control.protocol import ErrorCode, RpcError
from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MARKET_BUY = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "amount": "0.001"}


def writer_of(engine: EngineProcess) -> int:
    """Return the process that writes the engine's journal."""
    (writer,) = psutil.Process(engine.pid).children()
    return int(writer.pid)


@contextmanager
def no_file_may_grow(pid: int) -> Iterator[None]:
    """Make every write of a process that would lengthen a file fail, like a full disk."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def place_refused(engine: EngineProcess) -> RpcError:
    with pytest.raises(RpcError) as refused:
        engine.call("order.place", **MARKET_BUY)
    return refused.value


def test_place_with_journal_unwritable_sends_nothing_and_recovers(
    simulator: SimulatorProcess, engine: EngineProcess
) -> None:
    before = engine.call("order.place", **MARKET_BUY)
    assert before["state"] == "filled"
    with ExitStack() as full:
        for pid in (engine.pid, writer_of(engine)):
            full.enter_context(no_file_may_grow(pid))
        for _ in range(3):
            refused = place_refused(engine)
            assert refused.code == ErrorCode.JOURNAL_UNAVAILABLE
            assert refused.message.startswith("nothing was sent")
        assert len(simulator.orders()) == 1
        status = engine.until(
            "a critical journal",
            lambda now: now["health"]["components"]["journal"]["status"] == "critical",
        )
        assert status["orders"]["in_flight"] == 0

    engine.until(
        "a writable journal", lambda now: now["health"]["components"]["journal"]["status"] == "ok"
    )
    after = engine.call("order.place", **MARKET_BUY)
    assert after["state"] == "filled"
    agreed = until_agreed(engine, simulator, {after["order_id"]: after})
    assert len(simulator.orders()) == agreed.states["filled"] == 2


def _placed(engine: EngineProcess) -> Any:
    try:
        return engine.call("order.place", **MARKET_BUY)
    except RpcError:
        return None


def test_place_with_the_journals_writer_killed_is_refused_or_recorded_and_goes_on(
    simulator: SimulatorProcess, engine: EngineProcess
) -> None:
    orders = {}
    for _ in range(5):
        killed = writer_of(engine)
        os.kill(killed, signal.SIGKILL)
        refused = None
        try:
            order = engine.call("order.place", **MARKET_BUY)
            orders[order["order_id"]] = order
        except RpcError as error:
            refused = error
        if refused is not None:
            assert refused.code == ErrorCode.JOURNAL_UNAVAILABLE
            assert refused.message.startswith("nothing was sent: the process that writes the")
        after = wait_for("an order with another writer", lambda: _placed(engine))
        assert writer_of(engine) != killed
        assert after["state"] == "filled"
        orders[after["order_id"]] = after
    agreed = until_agreed(engine, simulator, orders)
    assert len(simulator.orders()) == agreed.states["filled"] == len(orders)
