"""The engine falls back to paper by itself, and waits for a person to go live again."""

from pathlib import Path
from typing import Any

import pytest

from cryptobot.control.protocol import RpcError
from cryptobot.simulator.faults.presets import PRESETS
from tests.e2e.harness.engine_process import ACCOUNT, LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for
from tests.e2e.proofs.failing_over import prove_failover
from tests.e2e.proofs.fault_matrix import MARKET_BUY, UNTOLD, clear_faults, set_faults

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

_TAKEN_UNANSWERED = {
    "kind": "html",
    "match": {"operation": "place_order"},
    "status": 502,
    "when": "after",
}

_UNREADABLE = {"kind": "html", "match": {"operation": "any_read"}, "status": 502, "when": "before"}
"""Nothing is found out about an order while it is on."""


def test_failing_orders_switch_to_paper_say_why_and_live_comes_back_by_hand_only(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    quick = ("breaker.failures=1000", "retry.server_s=0.2", "retry.network_s=0")
    settings = (*LOAD_SETTINGS, *quick, "failover.failed_orders=3")
    with EngineProcess(simulator, user_home, settings=settings) as engine:
        engine.until_trading()
        set_faults(simulator, [_TAKEN_UNANSWERED, _UNREADABLE, {**UNTOLD, "for_s": 10}])
        states = [engine.call("order.place", **MARKET_BUY)["state"] for _ in range(4)]
        assert states == ["unresolved"] * 4
        status = engine.until("paper", lambda now: now["mode"] == "paper")
        assert status["mode_reason"] == (
            "failover, failed_orders: 4 live orders failed or became unknown in 300 s; "
            "3 are allowed"
        )
        assert status["fenced"] is True
        received = simulator.received()
        assert engine.call("order.place", **MARKET_BUY)["mode"] == "paper"
        assert simulator.received() == received
        assert engine.metrics()["cryptobot_failover_seconds_count", ()] == "1.0"
        changes = "cryptobot_mode_changes_total"
        assert (
            engine.metrics()[changes, (("from", "live"), ("to", "paper"), ("trigger", "failover"))]
            == "1.0"
        )

        live = {"mode": "live", "reason": "it works again", "actor": "test", "confirm": ACCOUNT}
        with pytest.raises(RpcError) as refused:
            engine.call("mode.set", **live)
        assert "unresolved orders" in str(refused.value.data)
        log = user_home / "logs" / "order_processor.log"
        wait_for("the refusal in the log", lambda: '"live_refused"' in log.read_text())
        clear_faults(simulator)
        engine.until("all settled", lambda now: now["orders"]["unresolved"] == 0)
        assert engine.status()["mode"] == "paper"


def test_outage_that_opened_the_breaker_of_reads_is_over_when_the_exchange_answers_again(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    settings = (*LOAD_SETTINGS, "breaker.failures=3", "breaker.open_s=3600", "exchange.timeout_s=2")
    with EngineProcess(simulator, user_home, settings=settings) as engine:
        engine.until_trading()
        set_faults(simulator, [_TAKEN_UNANSWERED, _UNREADABLE, {**UNTOLD, "for_s": 600}])
        order = engine.call("order.place", **MARKET_BUY)
        assert order["state"] == "unresolved"
        set_faults(simulator, PRESETS["maintenance"].faults)
        engine.until("an open breaker", lambda now: _breaker_of_reads(now) == "open")
        engine.until("the outage noticed", lambda now: not now["exchange"]["up"])
        clear_faults(simulator)
        engine.until("all settled", lambda now: now["orders"]["unresolved"] == 0)
        assert engine.call("order.get", order_id=order["order_id"])["state"] == "filled"
        engine.until("a closed breaker", lambda now: _breaker_of_reads(now) == "closed")


def _breaker_of_reads(status: dict[str, Any]) -> str:
    [state] = [it["state"] for it in status["breakers"] if it["name"].endswith(":reads")]
    return str(state)


def test_ban_is_met_with_silence_until_it_ends_and_then_all_goes_on(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    settings = (*LOAD_SETTINGS, "failover.enabled=false", "retry.order_s=1")
    with EngineProcess(simulator, user_home, settings=settings) as engine:
        engine.until_trading()
        set_faults(
            simulator,
            [{"kind": "ban", "match": {"operation": "place_order"}, "count": 1, "ban_s": 6}],
        )
        assert engine.call("order.place", **MARKET_BUY)["state"] == "rejected"
        told = simulator.requests(0)[-1]["received_ns"]
        denied = engine.call("order.place", **MARKET_BUY)
        assert (denied["state"], denied["reason"].partition(":")[0]) == ("denied", "banned")
        after = wait_for(
            "an order after the ban",
            lambda: _filled(engine),
            deadline_s=30,
            poll_s=0.05,
        )
        later = [entry["received_ns"] for entry in simulator.requests(told + 1)]
        assert min(later) - told >= 6 * 10**9
        assert after["mode"] == "live"


def _filled(engine: EngineProcess) -> dict[str, str] | None:
    order: dict[str, str] = engine.call("order.place", **MARKET_BUY)
    return order if order["state"] == "filled" else None


def test_failover_under_load_is_told_once_and_lets_nothing_through(user_home: Path) -> None:
    proof = prove_failover(user_home, rounds=4, seed=9)
    assert (proof.late, proof.wrong) == (0, [])
    assert sum(map(len, proof.fenced_ms.values())) == 4
