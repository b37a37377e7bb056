import signal
from pathlib import Path

import pytest

from cryptobot.control.locate import engine_runs
from cryptobot.control.protocol import FENCE_NAME
from tests.e2e.harness.engine_process import ACCOUNT, KEYS, EngineProcess, engine_arguments
from tests.e2e.harness.journal_file import read_orders
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.program import Program
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.switching import mode_switch
from tests.e2e.harness.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

MARKET_BUY = {"symbol": "BTC/USDT", "side": "buy", "type": "market", "amount": "0.001"}


def received_after(simulator: SimulatorProcess, at_ns: int) -> list[int]:
    times = (int(entry["received_monotonic_ns"]) for entry in simulator.orders())
    return [time_ns for time_ns in times if time_ns > at_ns]


def test_switch_with_engine_stopped_fences_and_engine_obeys_when_it_goes_on(
    simulator: SimulatorProcess, engine: EngineProcess
) -> None:
    with OrderLoad(engine.socket_path, seed=2) as load:
        load.until_sent(5)
        engine.send(signal.SIGSTOP)
        run = mode_switch(engine.state_dir, "paper", "--timeout", "0.5")
        assert run.exit_code == 4
        assert engine.fence.exists()
        assert "did not answer within 0.5 s" in run.answer["error"]
        engine.send(signal.SIGCONT)
        load.until_sent(5, "paper")
    status = engine.until("paper", lambda now: now["mode"] == "paper")
    assert status["fenced"]
    assert received_after(simulator, run.ended_ns) == []


def test_switch_with_engine_killed_fences_the_next_start(
    simulator: SimulatorProcess, engine: EngineProcess, user_home: Path
) -> None:
    assert engine.call("order.place", **MARKET_BUY)["mode"] == "live"
    engine.kill()
    run = mode_switch(engine.state_dir, "paper")
    assert run.exit_code == 3
    assert engine.fence.exists()
    with EngineProcess(simulator, user_home) as following:
        status = following.until_trading("paper")
        assert FENCE_NAME in status["mode_reason"]
        assert following.call("order.place", **MARKET_BUY)["mode"] == "paper"
        assert len(simulator.orders()) == 1
        refused = mode_switch(following.state_dir, "live", "--confirm", "another")
        assert refused.exit_code == 5
        assert [item["precondition"] for item in refused.answer["failed"]] == ["confirmation"]
        assert mode_switch(following.state_dir, "live", "--confirm", ACCOUNT).exit_code == 0
        assert not following.fence.exists()
        assert following.call("order.place", **MARKET_BUY)["mode"] == "live"
    assert len(simulator.orders()) == 2


def test_switch_without_engine_writes_the_fence_and_refuses_live(user_home: Path) -> None:
    state = user_home / "nobody"
    run = mode_switch(state, "paper")
    assert run.exit_code == 3
    assert (state / FENCE_NAME).is_file()
    assert mode_switch(state, "live", "--confirm", ACCOUNT).exit_code == 5
    assert (state / FENCE_NAME).is_file()


def test_switch_with_engine_starting_makes_it_start_on_paper(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    state = user_home / "state"
    arguments = engine_arguments(simulator, user_home)
    with Program("engine", arguments, user_home, environment=KEYS) as starting:
        wait_for("the engine's lock", lambda: engine_runs(state))
        run = mode_switch(state, "paper")
        assert run.exit_code in {0, 4}  # 0 when the socket opened just in time
        assert (state / FENCE_NAME).exists()
        starting.ready()
        status = mode_switch(state, "paper")
        assert status.exit_code == 0
        assert status.answer["mode"] == "paper"
    assert simulator.orders() == []
    assert [order for order in read_orders(state / "cryptobot.db") if order.mode == "live"] == []
