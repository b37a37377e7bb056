import stat
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cryptobot.gui.banner_state import Face
from cryptobot.gui.main_window import MainWindow
from tests.gui.conftest import OpenWindow
from tests.gui.scripted_engine import ScriptedEngine

WAIT_MS = 15_000


def wait_face(qtbot: QtBot, window: MainWindow, face: Face) -> None:
    qtbot.waitUntil(lambda: window.panels.banner.face is face, timeout=WAIT_MS)


@pytest.mark.parametrize(
    ("mode", "simulated", "face"),
    [("live", False, Face.LIVE), ("live", True, Face.SIMULATED), ("paper", True, Face.PAPER)],
)
def test_banner_with_a_mode_shows_its_word(  # noqa: PLR0917 - fixtures and parameters
    engine: ScriptedEngine,
    open_window: OpenWindow,
    qtbot: QtBot,
    mode: str,
    simulated: bool,
    face: Face,
) -> None:
    engine.account.mode, engine.simulated = mode, simulated
    window = open_window()
    wait_face(qtbot, window, face)
    assert window.panels.banner.word.text() == face.value
    assert face.value in window.panels.banner.accessibleName()


def test_banner_without_an_engine_claims_no_mode(open_window: OpenWindow) -> None:
    window = open_window()
    assert window.panels.banner.face is Face.CONNECTING
    assert not window.panels.ticket.submit.isEnabled()


def test_banner_with_a_dead_engine_says_lost_and_then_recovers(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    engine.stop()
    wait_face(qtbot, window, Face.LOST)
    assert not window.panels.portfolio.isEnabled()
    assert window.panels.ticket.submit.text() == "No engine"
    engine.account.mode = "live"
    engine.start()
    wait_face(qtbot, window, Face.LIVE)


def test_banner_with_a_silent_engine_says_lost(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    engine.silent = True
    wait_face(qtbot, window, Face.LOST)
    assert "No status for" in window.panels.banner.detail.text()


def test_shortcut_with_an_answering_engine_switches_and_tells_what_became_of_orders(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    engine.stay_open = [{"order_id": "1"}]
    engine.in_flight = [{"outcome": "stopped_before_wire"}]
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    QTest.keyClick(
        window.panels.ticket.amount,
        Qt.Key.Key_P,
        Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier,
    )
    wait_face(qtbot, window, Face.PAPER)
    asked = engine.asked("mode.set")[0]
    assert asked["mode"] == "paper"
    assert asked["reason"]
    assert asked["actor"]
    result = window.panels.result
    qtbot.waitUntil(lambda: "On paper" in result.title.text(), timeout=WAIT_MS)
    assert "1 stopped before the wire" in result.detail.text()
    result.cancel_button.click()
    qtbot.waitUntil(lambda: "1 live order cancelled" in result.detail.text(), timeout=WAIT_MS)


def test_button_with_a_hanging_engine_writes_the_fence(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, state_dir: Path
) -> None:
    engine.account.mode = "live"
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    engine.hang = True
    window.panels.banner.paper_button.click()
    fence = state_dir / "PAPER_ONLY"
    qtbot.waitUntil(fence.exists, timeout=WAIT_MS)
    assert stat.S_IMODE(fence.stat().st_mode) == 0o600
    result = window.panels.result
    qtbot.waitUntil(lambda: "The fence is tripped" in result.title.text(), timeout=WAIT_MS)
    assert str(fence) in result.detail.text()


def test_button_without_an_engine_writes_the_fence_at_once(
    open_window: OpenWindow, qtbot: QtBot, state_dir: Path
) -> None:
    window = open_window()
    window.modes.to_paper()
    qtbot.waitUntil((state_dir / "PAPER_ONLY").exists, timeout=WAIT_MS)


def test_live_dialog_with_failed_preconditions_names_each(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.refuse_live = [{"precondition": "health", "detail": "the exchange is down"}]
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    window.open_live_dialog()
    dialog = window.live_dialog
    assert dialog is not None
    assert not dialog.go.isEnabled()
    dialog.account.setText("main")
    dialog.reason.setText("checks done")
    dialog.go.click()
    qtbot.waitUntil(lambda: "the exchange is down" in dialog.obstacles.text(), timeout=WAIT_MS)
    said = "Live refused:\n\N{MULTIPLICATION SIGN} Health: the exchange is down"
    assert dialog.obstacles.text() == said
    engine.refuse_live = []
    dialog.go.click()
    wait_face(qtbot, window, Face.LIVE)
    assert engine.asked("mode.set")[-1]["confirm"] == "main"


def test_close_with_an_undecided_user_asks_and_stops_the_engine_when_told(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window("ask")
    wait_face(qtbot, window, Face.PAPER)
    window.close()
    assert window.isVisible()
    question = window.closing.question
    assert question is not None
    question.remember.setChecked(True)
    with qtbot.waitSignal(window.left, timeout=WAIT_MS):
        question.stop.click()
    assert engine.join(10)
    assert not window.isVisible()
    assert window._store.text("close_action", "ask", frozenset({"ask", "stop"})) == "stop"


def test_close_with_cancel_keeps_the_window(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window("ask")
    wait_face(qtbot, window, Face.PAPER)
    window.close()
    assert window.closing.question is not None
    window.closing.question.back.click()
    QApplication.processEvents()
    assert window.isVisible()
    assert engine.asked("engine.shutdown") == []
