import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cryptobot.control.client import ControlClient
from cryptobot.control.protocol import SOCKET_NAME
from tests.e2e.harness.exposition import scrape
from tests.e2e.harness.program import Program
from tests.e2e.harness.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

QUICK_STRATEGIES = """[
    {"name": "grid", "params":
        {"symbol": "ETH/USDT", "amount": "0.05", "levels": 4, "step": "0.0008"}},
    {"name": "moving_average_cross", "params":
        {"symbol": "BTC/USDT", "amount": "0.005", "fast": 1, "slow": 2, "sample_s": 1}}
]"""
"""The demo's own two, with averages so short that they cross within seconds, not a minute."""

STRATEGIES = {"strategy:grid", "strategy:moving_average_cross"}


@pytest.fixture
def demo(user_home: Path) -> Iterator[Program]:
    arguments = ["-m", "cryptobot", "demo", "--headless"]
    arguments += ["--port", "0", "--tls-port", "0", "--metrics-port", "0"]
    arguments += ["--state-dir", str(user_home / "s"), "--log-dir", str(user_home / "logs")]
    environment = {"CRYPTOBOT_STRATEGIES__START": QUICK_STRATEGIES}
    with Program("demo", arguments, user_home, environment=environment) as started:
        yield started


def said_it_runs(demo: Program) -> str:
    """Return what the demo says until it runs."""
    assert demo.process.stdout is not None
    lines = []
    for line in demo.process.stdout:
        lines.append(line)
        if "Ctrl-C ends it" in line:
            return "".join(lines)
    pytest.fail(f"the demo ended: {demo.stderr}")


def ask(state_dir: Path, method: str, **params: object) -> Any:
    with ControlClient(state_dir / SOCKET_NAME, timeout_s=10) as client:
        return client.call(method, **params)


def test_demo_without_window_trades_live_on_the_simulator_and_ctrl_c_ends_all_of_it(
    demo: Program, user_home: Path
) -> None:
    state_dir = user_home / "s"
    words = said_it_runs(demo)
    assert "no real money" in words
    admin = next(part for part in words.split() if part.endswith("/sim/state"))
    told = (state_dir / "simulator.address").read_text().strip()
    assert admin == f"http://{told}/sim/state"  # what the window offers faults by

    def traded() -> bool:
        orders = ask(state_dir, "order.list", mode="live", limit=1000)
        return {order["origin"] for order in orders if order["state"] != "denied"} >= STRATEGIES

    wait_for("orders of both strategies", traded, deadline_s=120, poll_s=0.2)
    status = ask(state_dir, "engine.status")
    assert (status["mode"], status["exchange"]["simulated"]) == ("live", True)
    assert status["trading_state"] == "active"
    assert status["strategies"] == {"running": 2, "failed": 0}
    metrics = scrape(next(part for part in words.split() if part.endswith("/metrics")))
    assert float(metrics["cryptobot_order_latency_count", ()]) >= len(STRATEGIES)
    assert metrics["cryptobot_mode", (("mode", "live"),)] == "1.0"

    family = psutil.Process(demo.pid).children(recursive=True)
    assert len(family) == 3  # the simulated exchange, the engine, and who writes its journal
    demo.send(signal.SIGINT)
    assert demo.wait(15) == 0
    _, alive = psutil.wait_procs(family, timeout=0.1)
    assert alive == []
    assert demo.complaints == []


def test_demo_with_a_recording_of_another_symbol_trades_that(user_home: Path) -> None:
    rows = "".join(f"{minute * 60_000},2,2.02,1.98,2.01,5000\n" for minute in range(1, 400))
    file = user_home / "venue_XRP-EUR_1m.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"timestamp,open,high,low,close,volume\n{rows}")
    arguments = ["-m", "cryptobot", "demo", "--headless", "--market", str(file), "--speed", "20"]
    arguments += ["--port", "0", "--tls-port", "0", "--metrics-port", "0"]
    arguments += ["--state-dir", str(user_home / "s"), "--log-dir", str(user_home / "logs")]
    with Program("demo", arguments, user_home) as demo:
        said_it_runs(demo)

        def filled() -> list[Any]:
            orders = ask(user_home / "s", "order.list", mode="live", limit=1000)
            return [order for order in orders if order["state"] in {"accepted", "filled"}]

        orders = wait_for("orders", filled, deadline_s=60, poll_s=0.2)
        assert {order["symbol"] for order in orders} == {"XRP/EUR"}
        status = ask(user_home / "s", "engine.status")
        assert (status["symbols"], status["strategies"]["running"]) == (["XRP/EUR"], 2)
        assert (status["mode"], status["exchange"]["clock_skew_ms"] > 2_000) == ("live", True)
        demo.send(signal.SIGINT)
        assert demo.wait(15) == 0
    assert demo.complaints == []


def test_demos_window_talks_to_the_simulated_exchange(user_home: Path) -> None:
    state_dir = user_home / "s"
    arguments = ["-m", "cryptobot", "demo", "--port", "0", "--tls-port", "0"]
    arguments += ["--metrics-port", "0", "--state-dir", str(state_dir)]
    arguments += ["--log-dir", str(user_home / "logs")]
    offscreen = {"QT_QPA_PLATFORM": "offscreen"}
    with Program("demo", arguments, user_home, environment=offscreen) as demo:
        said_it_runs(demo)
        port = int((state_dir / "simulator.address").read_text().rpartition(":")[2])
        family = psutil.Process(demo.pid).children()
        (window,) = (child for child in family if "cryptobot.gui" in child.cmdline())

        def asks() -> bool:
            found = window.net_connections("tcp")
            return any(each.raddr and each.raddr.port == port for each in found)

        wait_for("the window at the simulated exchange", asks, deadline_s=60, poll_s=0.1)
        demo.send(signal.SIGINT)
        assert demo.wait(20) == 0
