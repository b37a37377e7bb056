"""Who ends when the process that started them is killed, and who stays."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cryptobot.control.client import ControlClient
from cryptobot.control.locate import engine_pid, engine_runs
from cryptobot.control.protocol import SOCKET_NAME
from tests.e2e.harness.engine_process import KEYS, engine_arguments
from tests.e2e.harness.journal_file import unclean_runs
from tests.e2e.harness.program import Program
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.e2e.harness.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

DEMO = (
    *("-m", "cryptobot", "demo", "--port", "0", "--tls-port", "0"),
    *("--metrics-port", "0"),
)
OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}
FAREWELL_S = 20.0


def demo(home: Path, *arguments: str) -> Program:
    directories = ["--state-dir", str(home / "s"), "--log-dir", str(home / "logs")]
    return Program("demo", [*DEMO, *directories, *arguments], home, environment=OFFSCREEN)


def until_said(program: Program, words: str) -> None:
    assert program.process.stdout is not None
    if not any(words in line for line in program.process.stdout):
        pytest.fail(f"the demo ended: {program.stderr}")


@contextmanager
def ended_with_the_test(family: list[psutil.Process]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in family:
            if process.is_running():
                process.kill()


@pytest.mark.parametrize(("arguments", "size"), [(["--headless"], 2), ([], 3)])
def test_demo_killed_takes_all_it_started_along_in_order(
    user_home: Path, arguments: list[str], size: int
) -> None:
    with demo(user_home, *arguments) as started:
        until_said(started, "Ctrl-C ends it")
        family = psutil.Process(started.pid).children()
        assert len(family) == size
        with ended_with_the_test(family):
            started.kill()
            _, alive = psutil.wait_procs(family, timeout=FAREWELL_S)
            assert alive == []
        assert started.complaints == []
    assert unclean_runs(user_home / "s" / "cryptobot.db") == 0


@pytest.mark.parametrize("step", ["starting the simulated exchange", "starting the engine"])
def test_demo_killed_while_it_starts_leaves_nothing_and_says_nothing(
    user_home: Path, step: str
) -> None:
    with demo(user_home, "--headless") as started:
        until_said(started, step)
        owner = psutil.Process(started.pid)
        family = wait_for("a child", owner.children)
        with ended_with_the_test(family):
            started.kill()
            _, alive = psutil.wait_procs(family, timeout=FAREWELL_S)
            assert alive == []
        assert started.complaints == []


def test_engine_that_the_window_started_stays_when_the_window_is_killed(
    simulator: SimulatorProcess, user_home: Path
) -> None:
    state_dir = user_home / "state"
    arguments = engine_arguments(simulator, user_home)
    arguments.remove("--ready-json")
    arguments[arguments.index("engine")] = "window"
    window = Program("window", arguments, user_home, environment={**KEYS, **OFFSCREEN})
    with window:
        wait_for("the engine's socket", (state_dir / SOCKET_NAME).exists, deadline_s=60)
        (engine,) = psutil.Process(window.pid).children()
        with ended_with_the_test([engine]):
            window.kill()
            with ControlClient(state_dir / SOCKET_NAME, timeout_s=20) as client:
                status = client.call("engine.status")
                assert isinstance(status, dict)
                assert status["pid"] == engine.pid == engine_pid(state_dir)
            assert engine_runs(state_dir)
            engine.send_signal(signal.SIGTERM)
            psutil.wait_procs([engine], timeout=FAREWELL_S)
    assert not engine_runs(state_dir)
