import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.harness.engine_process import LOAD_SETTINGS, EngineProcess
from tests.e2e.harness.program import clean_environment
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for
from tests.e2e.proofs.fault_matrix import MARKET_BUY, UNTOLD, set_faults

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SILENT = {"kind": "silence", "match": {"channel": "market"}, "for_s": 0}
UNANSWERED = {"kind": "html", "match": {"operation": "place_order"}, "status": 502}
UNREADABLE = {"kind": "html", "match": {"operation": "any_read"}, "status": 502, "when": "before"}


def screen(state_dir: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "cryptobot", "status", "--state-dir", str(state_dir)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    return done.stdout.splitlines()


def test_status_names_unknown_orders_old_prices_and_what_is_not_well(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    settings = (*LOAD_SETTINGS, "failover.enabled=false", "breaker.failures=2")
    with EngineProcess(simulator, user_home, settings=settings) as engine:
        engine.until_trading()
        set_faults(simulator, [UNANSWERED, UNREADABLE, {**UNTOLD, "for_s": None}, SILENT])
        order = engine.call("order.place", **MARKET_BUY)
        assert order["state"] == "unresolved"

        def shown() -> list[str] | None:
            lines = screen(engine.state_dir)
            old = [line for line in lines if "OLD: nothing heard for" in line]
            stopped = [line for line in lines if line.startswith("  circuit_breakers")]
            return lines if len(old) == 3 and stopped else None

        lines = wait_for("all of it", shown, deadline_s=60, poll_s=0.5)
        [unknown] = [line for line in lines if line.startswith("  unresolved")]
        assert unknown.split()[1:] == [order["order_id"], "BTC/USDT"]
        [stopped] = [line for line in lines if line.startswith("  circuit_breakers")]
        assert "binance:reads is open" in stopped
