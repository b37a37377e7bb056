import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.e2e.harness.agreement import UNSETTLED, until_agreed
from tests.e2e.harness.engine_process import KEYS, EngineProcess, engine_arguments
from tests.e2e.harness.journal_file import read_orders, unclean_runs
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.program import Program
from tests.e2e.harness.simulator_process import SimulatorProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PROMISED_S = 5.0
"""The contract's limit for an orderly end."""


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda engine: engine.send(signal.SIGTERM), id="SIGTERM"),
        pytest.param(lambda engine: engine.send(signal.SIGINT), id="SIGINT"),
        pytest.param(lambda engine: engine.call("engine.shutdown"), id="engine.shutdown"),
    ],
)
def test_engine_asked_to_end_under_load_ends_in_time_with_every_order_on_record(
    simulator: SimulatorProcess,
    engine: EngineProcess,
    user_home: Path,
    ask: Callable[[EngineProcess], object],
) -> None:
    with OrderLoad(engine.socket_path, seed=5) as load:
        load.until_sent(5)
        ask(engine)
        assert engine.wait(PROMISED_S) == 0
    assert engine.complaints == []
    left = [order.state for order in read_orders(engine.database) if order.state in UNSETTLED]
    assert set(left) <= {"unresolved"}
    assert unclean_runs(engine.database) == 0
    with EngineProcess(simulator, user_home) as following:
        until_agreed(following, simulator, load.tally.orders)
        assert following.until_trading()["mode"] == "live"


def test_second_engine_on_a_state_directory_says_one_line(
    simulator: SimulatorProcess, engine: EngineProcess, user_home: Path
) -> None:
    arguments = engine_arguments(simulator, user_home)
    with Program("second", arguments, user_home, environment=KEYS) as second:
        assert second.wait(30) == 1
        (line,) = second.complaints
    assert str(engine.state_dir) in line
    assert f"pid {engine.pid}" in line
    assert engine.until_trading()["mode"] == "live"


def test_engine_with_metrics_port_in_use_names_port_and_owner(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = [*engine_arguments(simulator, user_home), "--metrics-port", str(port)]
        with Program("engine", arguments, user_home, environment=KEYS) as refused:
            assert refused.wait(30) == 1
            (line,) = refused.complaints
    assert f"port {port} " in line
    assert f"pid {os.getpid()};" in line


def test_second_engine_on_a_log_directory_names_the_first(
    simulator: SimulatorProcess, engine: EngineProcess, user_home: Path
) -> None:
    arguments = engine_arguments(simulator, user_home / "second")
    arguments += ["--log-dir", str(user_home / "logs")]
    with Program("second", arguments, user_home, environment=KEYS) as second:
        assert second.wait(30) == 1
        (line,) = second.complaints
    assert f"(pid {engine.pid}, state {engine.state_dir})" in line
    assert str(user_home / "logs") in line
    assert "another --log-dir" in line


def demo(home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Program:
    ports = ["--port", "0", "--tls-port", "0", "--metrics-port", "0"]
    directories = ["--state-dir", str(home / "demo"), "--log-dir", str(home / "logs")]
    command = ["-m", "cryptobot", "demo", "--headless", *ports, *directories, *arguments]
    return Program("demo", command, home, environment=environment)


def test_demo_with_everything_in_use_says_all_of_it_and_what_to_add_in_one_line(
    engine: EngineProcess, user_home: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        options = [f"{name}={port}" for name in ("--port", "--tls-port", "--metrics-port")]
        with demo(user_home, *options) as refused:
            assert refused.wait(30) == 1
            (line,) = refused.complaints
        assert line.count(f"port {port} by ") == 3
        assert line.count(f", pid {os.getpid()}") == 3
        assert f"by pid {engine.pid}, state {engine.state_dir}" in line
        _, _, instead = line.partition("; stop that, or add ")
        assert instead == (
            f"--port 0 --tls-port 0 --metrics-port 0 --log-dir {user_home}/demo/logs"
        )
        assert not (user_home / "demo").exists()
        # The advice works.
        with demo(user_home, *options, *instead.split()) as started:
            assert started.process.stdout is not None
            assert any("Ctrl-C ends it" in said for said in started.process.stdout)
    assert started.complaints == refused.complaints


def test_demo_with_a_bad_setting_says_so_before_it_starts_anything(user_home: Path) -> None:
    bad = {"CRYPTOBOT_RISK__MAX_OPEN_ORDERS": "many"}
    with demo(user_home, environment=bad) as refused:
        assert refused.wait(30) == 1
        (line,) = refused.complaints
        assert refused.process.stdout is not None
        assert refused.process.stdout.read() == ""
    assert "risk.max_open_orders (from the environment): 'many'" in line
