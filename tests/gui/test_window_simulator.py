"""The menu "Simulator" of the demo's window, against a real simulated exchange."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar
from pytestqt.qtbot import QtBot

from cryptobot.gui.main_window import MainWindow
from cryptobot.gui.simulator.faults import FaultOn, Preset, by_group, read_faults, told
from cryptobot.gui.simulator.link import SimulatorLink
from cryptobot.gui.simulator.strip import SimulatorStrip
from cryptobot.gui.wire_values import Malformed
from tests.e2e.harness.simulator_process import SimulatorProcess
from tests.gui.conftest import OpenWindow
from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.test_window_modes import WAIT_MS


@pytest.fixture
def simulator(user_home: Path) -> Iterator[SimulatorProcess]:
    with SimulatorProcess(user_home / "sim") as started:
        yield started


@pytest.fixture
def address(state_dir: Path) -> Path:
    """The file that tells the window where the simulated exchange is."""
    return state_dir / "simulator.address"


def ask(simulator: SimulatorProcess, method: str, body: object = None) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{simulator.port}/sim/faults",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def on(simulator: SimulatorProcess) -> list[str]:
    return [fault["note"] for fault in ask(simulator, "GET")]


def link_of(window: MainWindow) -> SimulatorLink:
    assert window.simulator is not None
    return window.simulator


def strip_of(window: MainWindow) -> SimulatorStrip:
    found = window.findChild(SimulatorStrip)
    assert isinstance(found, SimulatorStrip)
    return found


@pytest.fixture
def window(
    engine: ScriptedEngine,
    simulator: SimulatorProcess,
    open_window: OpenWindow,
    qtbot: QtBot,
    address: Path,
) -> MainWindow:
    """The demo's window, whose menu has heard of the simulator."""
    engine.simulated = True
    window = open_window(simulator=address)
    address.write_text(f"127.0.0.1:{simulator.port}\n")  # later, as the demo does
    menu = window.simulator_menu
    qtbot.waitUntil(menu.menuAction().isVisible, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not menu.hint.isVisible(), timeout=WAIT_MS)
    return window


@pytest.mark.e2e
def test_menu_offers_every_preset_by_group_and_switches_one_on_and_off(
    window: MainWindow, simulator: SimulatorProcess, qtbot: QtBot
) -> None:
    menu, strip = window.simulator_menu, strip_of(window)
    groups = {
        action.text(): [item.text().partition("\t")[2] for item in inner.actions()]
        for action in menu.actions()
        if isinstance(inner := action.menu(), QMenu)
    }
    assert groups["Answers to orders"][0] == "lost_reply"
    assert "ban" in groups["Limits, bans, keys, clock"]
    url = f"http://127.0.0.1:{simulator.port}/sim/faults/presets"
    with urllib.request.urlopen(url, timeout=10) as answer:
        names = [row["name"] for row in json.load(answer)]
    assert [name for members in groups.values() for name in members] == names
    assert strip.isHidden()
    assert not menu.clear_action.isEnabled()

    menu.preset("lost_reply").trigger()
    qtbot.waitUntil(strip.isVisible, timeout=WAIT_MS)
    assert strip.title.text() == "1 fault on"
    assert strip.words.text() == "The next order is taken, its answer never comes (lost_reply)"
    assert on(simulator) == ["lost_reply"]
    assert menu.preset("lost_reply").isChecked()
    assert "Answers to orders   (1 on)" in [action.text() for action in menu.actions()]

    menu.preset("lost_reply").trigger()
    qtbot.waitUntil(strip.isHidden, timeout=WAIT_MS)
    assert on(simulator) == []
    assert not menu.preset("lost_reply").isChecked()


@pytest.mark.e2e
def test_fault_that_is_done_at_once_is_told_before_those_that_are_on(
    window: MainWindow, simulator: SimulatorProcess, qtbot: QtBot
) -> None:
    strip, menu = strip_of(window), window.simulator_menu
    link_of(window).done_told.setInterval(600_000)
    menu.preset("silent_market").trigger()
    qtbot.waitUntil(strip.isVisible, timeout=WAIT_MS)
    assert strip.title.text() == "Fault done"
    assert strip.words.text() == "Market streams go silent and stay open (silent_market)"
    assert not menu.preset("silent_market").isChecked()
    ask(simulator, "POST", [{"preset": "slow_link"}])
    qtbot.waitUntil(lambda: "slow_link" in strip.words.text(), timeout=WAIT_MS)
    assert strip.title.text() == "1 fault on"
    done = "done: Market streams go silent and stay open (silent_market)"
    assert strip.words.text().startswith(done)
    menu.clear_action.trigger()
    qtbot.waitUntil(strip.isHidden, timeout=WAIT_MS)


@pytest.mark.e2e
def test_fault_that_is_done_is_told_for_a_while_only(window: MainWindow, qtbot: QtBot) -> None:
    strip, link = strip_of(window), link_of(window)
    shown: list[str] = []
    link.done_told.setInterval(200)
    link.changed.connect(lambda: shown.append(strip.words.text()))
    window.simulator_menu.preset("silent_market").trigger()
    qtbot.waitUntil(lambda: len(shown) > 1 and strip.isHidden(), timeout=WAIT_MS)
    assert "silent_market" in shown[0]


@pytest.mark.e2e
def test_fault_with_an_end_says_until_when(
    window: MainWindow, simulator: SimulatorProcess, qtbot: QtBot
) -> None:
    ask(simulator, "POST", [{"kind": "ack_only", "for_s": 600}])
    words = strip_of(window).words
    qtbot.waitUntil(lambda: "(ack_only), until " in words.text(), timeout=WAIT_MS)
    ask(simulator, "DELETE")


@pytest.mark.e2e
def test_window_shows_faults_that_others_switched_on_and_clears_them(
    window: MainWindow, simulator: SimulatorProcess, qtbot: QtBot
) -> None:
    strip = strip_of(window)
    ask(
        simulator,
        "POST",
        [{"preset": "flaky_link"}, {"kind": "ack_only", "note": "mine"}, {"preset": "ban"}],
    )
    with pytest.raises(urllib.error.HTTPError, match="418"):
        urllib.request.urlopen(f"http://127.0.0.1:{simulator.port}/api/v3/ping")
    qtbot.waitUntil(lambda: "until" in strip.words.text(), timeout=WAIT_MS)
    assert strip.title.text() == "3 faults on"
    for words in ("(flaky_link)", " mine ", "418 (ban), until "):
        assert words in strip.words.text()
    assert window.simulator_menu.preset("ban").isChecked()
    strip.clear_button.setFocus()
    QTest.keyClick(strip.clear_button, Qt.Key.Key_Space)
    qtbot.waitUntil(strip.isHidden, timeout=WAIT_MS)
    assert on(simulator) == []
    with urllib.request.urlopen(f"http://127.0.0.1:{simulator.port}/api/v3/ping") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("width", [1440, 860])
def test_strip_that_comes_and_goes_moves_nothing(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, address: Path, width: int
) -> None:
    engine.simulated = True
    window = open_window(simulator=address)
    window.resize(width, 700)
    qtbot.waitUntil(window.simulator_menu.menuAction().isVisible, timeout=WAIT_MS)
    strip, link, panels = strip_of(window), window.simulator, window.panels
    assert link is not None
    bar = window.findChild(QMenuBar)
    assert isinstance(bar, QMenuBar)
    shown = (bar, panels.banner, panels.banner.paper_button, panels.chart, panels.ticket.submit)

    def places() -> list[QRect]:
        QApplication.processEvents()
        return [QRect(each.mapTo(window, QPoint()), each.size()) for each in shown]

    link.trouble, link.faults = "", ()
    link.changed.emit()
    assert strip.isHidden()
    before = places()
    for faults in ((FaultOn("f1", "a" * 200, 0, None),), ()):
        link.faults = faults
        link.changed.emit()
        assert strip.isHidden() is not bool(faults)
        assert places() == before
        assert all(bar.rect().contains(bar.actionGeometry(each)) for each in bar.actions())
        assert strip.isHidden() or strip.rect().contains(strip.clear_button.geometry())


@pytest.mark.e2e
def test_simulator_that_is_gone_is_told_in_one_line(
    window: MainWindow, simulator: SimulatorProcess, qtbot: QtBot
) -> None:
    menu, strip = window.simulator_menu, strip_of(window)
    simulator.kill()
    qtbot.waitUntil(strip.isVisible, timeout=WAIT_MS)
    where = f"The simulated exchange at 127.0.0.1:{simulator.port} does not answer: "
    assert strip.words.text().startswith(where)
    assert "\n" not in strip.words.text()
    assert menu.hint.isVisible()
    assert menu.hint.text() == strip.words.text()
    assert not menu.preset("ban").isEnabled()


def test_window_that_is_no_demos_has_no_menu(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.simulated = True
    window = open_window()
    qtbot.waitUntil(lambda: window.session.state.status is not None, timeout=WAIT_MS)
    assert window.simulator is None
    assert window.findChild(SimulatorStrip) is None


def test_menu_is_not_there_with_a_real_exchange(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, address: Path
) -> None:
    engine.simulated = False
    window = open_window(simulator=address)
    qtbot.waitUntil(lambda: window.session.state.status is not None, timeout=WAIT_MS)
    assert not window.simulator_menu.menuAction().isVisible()
    assert strip_of(window).isHidden()


def test_faults_are_on_until_they_are_over_and_their_refusals_too() -> None:
    row = {"id": "f1", "kind": "ban", "note": "ban", "fired": 1}
    assert read_faults([{**row, "stage": "over", "lasts_until_ms": None}]) == ()
    (ban,) = read_faults([{**row, "stage": "over", "lasts_until_ms": 90_000}])
    assert ban.until == 90.0
    (bare,) = read_faults([{**row, "stage": "waiting", "note": "", "fired": 0}])
    assert told([bare], []) == "ban"
    with pytest.raises(Malformed):
        read_faults({"error": "none"})


def test_presets_stand_by_group_in_their_order_and_twins_are_told_once() -> None:
    a, b, c = Preset("a", "A", "x"), Preset("b", "B", "y"), Preset("c", "C", "x")
    assert by_group([a, b, c]) == {"x": [a, c], "y": [b]}
    twice = [FaultOn("f1", "a", 0, None), FaultOn("f2", "a", 2, None)]
    assert told(twice, [a]) == "A (a), 2\N{MULTIPLICATION SIGN} so far"
