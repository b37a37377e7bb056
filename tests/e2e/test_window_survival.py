import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness.engine_process import EngineProcess
from tests.e2e.harness.order_load import OrderLoad
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.gui.display import Display, display

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WINDOW = """
import pathlib, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from cryptobot.gui.app import WindowOptions, run
from cryptobot.gui.main_window import MainWindow

told = []
timer = []

def tell():
    window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
    face = window.panels.banner.face
    if face is not None and told[-1:] != [face]:
        told.append(face)
        print(face.value, flush=True)

def drawn():
    timer.append(QTimer(interval=20))
    timer[0].timeout.connect(tell)
    timer[0].start()

sys.exit(run(WindowOptions(pathlib.Path(sys.argv[1]), on_drawn=drawn, close_action="keep")))
"""
"""The real window, which also prints the word on its banner whenever that changes."""


@pytest.fixture
def screen() -> Iterator[Display]:
    with display() as shown:
        yield shown


def until_face(window: "subprocess.Popen[bytes]", word: str) -> list[str]:
    """Return what the banner said, up to and including ``word``."""
    assert window.stdout is not None
    said = []
    for line in window.stdout:
        said.append(line.decode().strip())
        if said[-1] == word:
            return said
    pytest.fail(f"the window ended with {window.wait()} after {said}")


def test_window_killed_and_restarted_does_not_disturb_trading(
    screen: Display, engine: EngineProcess
) -> None:
    with OrderLoad(engine.socket_path, seed=6) as load:
        first = screen.python(WINDOW, str(engine.state_dir))
        until_face(first, "SIMULATED")
        load.until_sent(5)
        first.kill()
        assert first.wait(10) == -9
        load.until_sent(10)
        second = screen.python(WINDOW, str(engine.state_dir))
        said = until_face(second, "SIMULATED")
        load.until_sent(5)
    assert set(said) <= {"CONNECTING", "SIMULATED"}
    assert not load.tally.errors
    assert engine.status()["mode"] == "live"


def test_window_with_engine_killed_stays_and_says_engine_lost_then_finds_the_next(
    screen: Display, engine: EngineProcess, simulator: SimulatorProcess, user_home: Path
) -> None:
    window = screen.python(WINDOW, str(engine.state_dir))
    until_face(window, "SIMULATED")
    engine.kill()
    assert until_face(window, "ENGINE LOST") == ["ENGINE LOST"]
    assert window.poll() is None
    with EngineProcess(simulator, user_home):
        assert until_face(window, "SIMULATED")[-1] == "SIMULATED"
    assert window.poll() is None
