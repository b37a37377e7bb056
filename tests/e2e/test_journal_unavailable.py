import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cryptobot.control.protocol import ErrorCode, RpcError
from tests.e2e.harness.agreement import until_agreed
from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MARKET_BUY = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "amount": "0.001"}


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
    with no_file_may_grow(engine.pid):
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
