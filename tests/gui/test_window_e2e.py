import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.gui.display import Display, display
from tests.gui.scripted_engine import ScriptedEngine

pytestmark = pytest.mark.e2e

WINDOW = """
import pathlib, sys
from cryptobot.gui.app import WindowOptions, run
drawn = lambda: print("drawn", flush=True)
sys.exit(run(WindowOptions(pathlib.Path(sys.argv[1]), on_drawn=drawn, close_action=sys.argv[2])))
"""

TRAY = """
import pathlib, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QSystemTrayIcon
show = QSystemTrayIcon.showMessage
def spy(icon, title, words, *rest):
    print(title, "|", words, flush=True)
    show(icon, title, words, *rest)
QSystemTrayIcon.showMessage = spy
from cryptobot.gui.app import WindowOptions, run
state_dir = pathlib.Path(sys.argv[1])
drawn = lambda: print("drawn", QSystemTrayIcon.isSystemTrayAvailable(), flush=True)
sys.exit(run(WindowOptions(state_dir, on_drawn=drawn, close_action="keep")))
"""


@pytest.fixture
def screen() -> Iterator[Display]:
    with display() as shown:
        yield shown


def line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def test_window_under_x_switches_to_paper_by_keyboard_and_leaves_on_sigterm(
    engine: ScriptedEngine, screen: Display, state_dir: Path, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    window = screen.python(WINDOW, str(state_dir), "keep")
    assert line(window) == "drawn"
    qtbot.waitUntil(lambda: engine.asked("subscribe") != [], timeout=20_000)
    found = screen.ask("xdotool", "search", "--sync", "--onlyvisible", "--name", "^CryptoBot$")
    number = found.splitlines()[0]

    def switched() -> bool:
        screen.ask("xdotool", "windowactivate", "--sync", number, "key", "ctrl+shift+p")
        return engine.asked("mode.set") != []

    qtbot.waitUntil(switched, timeout=30_000)
    assert engine.asked("mode.set")[0]["mode"] == "paper"
    window.send_signal(signal.SIGTERM)
    assert window.wait(20) == 0
    assert engine.asked("engine.shutdown") == []
    assert (state_dir / "window.ini").exists()


def test_window_of_a_demo_stops_the_engine_on_sigint(
    engine: ScriptedEngine, screen: Display, state_dir: Path, qtbot: QtBot
) -> None:
    window = screen.python(WINDOW, str(state_dir), "stop")
    assert line(window) == "drawn"
    qtbot.waitUntil(lambda: engine.asked("subscribe") != [], timeout=20_000)
    window.send_signal(signal.SIGINT)
    assert window.wait(20) == 0
    assert engine.join(10)


def test_tray_over_dbus_reaches_the_desktops_notifications(
    engine: ScriptedEngine, screen: Display, state_dir: Path, qtbot: QtBot
) -> None:
    screen.start_bus()
    shown = screen.start("stdbuf", "-oL", "dunst", "-print")  # org.freedesktop.Notifications
    watcher = screen.start(sys.executable, "-m", "tests.gui.status_notifier")
    assert line(watcher) == "ready"
    window = screen.python(WINDOW, str(state_dir), "keep")
    assert line(watcher) == "item"
    qtbot.waitUntil(lambda: len(engine.asked("market.candles")) > 0, timeout=20_000)

    def notification() -> tuple[str, str]:
        summary = next(words for words in iter(lambda: line(shown), "") if "summary: " in words)
        body = line(shown)
        return summary.partition(": ")[2].strip("'"), body.partition(": ")[2].strip("'")

    engine.account.mode, engine.mode_reason = "live", "checks done"
    engine.run(lambda: engine._tell("status", engine.status()))
    title, words = notification()
    assert title == "CryptoBot: LIVE"
    assert words.startswith("Real money moves.")
    assert "checks done" in words
    engine.stop()
    assert notification()[0] == "CryptoBot: ENGINE LOST"
    window.send_signal(signal.SIGTERM)
    assert window.wait(20) == 0


def test_tray_notifies_of_a_mode_change_and_of_a_lost_engine(
    engine: ScriptedEngine, screen: Display, state_dir: Path, qtbot: QtBot
) -> None:
    screen.start("trayer")
    qtbot.waitUntil(
        lambda: screen.ask("xdotool", "search", "--name", "panel") != "", timeout=20_000
    )
    window = screen.python(TRAY, str(state_dir))
    assert line(window) == "drawn True"
    qtbot.waitUntil(lambda: len(engine.asked("market.candles")) > 0, timeout=20_000)
    engine.account.mode = "live"
    engine.run(lambda: engine._tell("status", engine.status()))
    assert line(window).startswith("CryptoBot: LIVE | Real money moves")
    engine.stop()
    assert line(window).startswith("CryptoBot: ENGINE LOST | Nothing below is current")
    window.send_signal(signal.SIGTERM)
    assert window.wait(20) == 0
