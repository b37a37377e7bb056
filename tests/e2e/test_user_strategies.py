"""Users' own strategies, installed and from a folder, in a real engine; also those that break."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.program import clean_environment
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

BUYS_ONCE = """
from cryptobot.domain.order import Side
from cryptobot.strategies.strategy import Strategy

class BuysOnce(Strategy):
    name = "buys_once"
    defaults = {"symbol": "BTC/USDT", "amount": "0.001"}
    bought = False

    def on_candle(self, candle):
        if not self.bought:
            self.bought = True
            yield self.market(Side.BUY, self.decimal("amount"))
"""
RAISES = """
from cryptobot.strategies.strategy import Strategy

class Raises(Strategy):
    name = "raises"

    def on_candle(self, candle):
        raise RuntimeError("no idea what to do")
"""
START = [{"name": "buys_once"}, {"name": "raises"}, {"name": "grid"}, {"name": "no_such"}]


def install(target: Path) -> None:
    """Leave in ``target`` what an installer leaves of a package with an entry point."""
    about = target / "buys_once-1.0.dist-info"
    about.mkdir(parents=True)
    (target / "buys_once.py").write_text(BUYS_ONCE)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: buys-once\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[cryptobot.strategies]\nbuys = buys_once:BuysOnce\n")


def screen(state_dir: Path, *options: str) -> str:
    command = [sys.executable, "-m", "cryptobot", "status", "--state-dir", str(state_dir)]
    done = subprocess.run(
        [*command, *options],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    return done.stdout


def test_strategies_of_users_trade_and_only_the_one_that_raises_stops(
    simulator: SimulatorProcess, user_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(user_home / "target")
    monkeypatch.setenv("PYTHONPATH", str(user_home / "target"))
    folder = user_home / "folder"
    folder.mkdir()
    (folder / "raises.py").write_text(RAISES)
    settings = (f"strategies.folder={folder}", f"strategies.start={json.dumps(START)}")
    arguments = [part for item in settings for part in ("--set", item)]
    with EngineProcess(simulator, user_home, arguments=arguments) as engine:
        engine.until("one that failed", lambda now: now["strategies"]["failed"] == 1, 60)

        def bought() -> list[dict[str, Any]]:
            orders = engine.call("order.list", limit=1000)
            return [order for order in orders if order["origin"] == "strategy:buys_once"]

        wait_for("an order of the installed strategy", bought, deadline_s=60)
        shown = screen(engine.state_dir).splitlines()
        (line,) = (line for line in shown if line.startswith("strategies"))
        assert line.split(maxsplit=1)[1] == "2 running: grid, buys_once"
        (line,) = (line for line in shown if line.startswith("  raises"))
        assert line.split(maxsplit=1)[1] == "FAILED, stopped: RuntimeError: no idea what to do"
        assert any(re.match(r"BTC/USDT +bid [0-9.]+, ask [0-9.]+, last ", row) for row in shown)
        answered = json.loads(screen(engine.state_dir, "--json"))
        assert answered["strategies"] == {"running": 2, "failed": 1}
        health = engine.status()["health"]["components"]["strategies"]
        assert health["status"] == "degraded"
        assert "no_such" in health["detail"]
        engine.stop()
        assert engine.complaints == []
    log = (user_home / "logs" / "engine.log").read_text()
    (record,) = (
        record
        for record in map(json.loads, log.splitlines())
        if record["event"] == "strategy_failed"
    )
    assert record["strategy"] == "raises"
    assert "no idea what to do" in record["traceback"]
