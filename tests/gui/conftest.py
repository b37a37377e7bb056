"""A scripted engine and a window attached to it."""

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cryptobot.gui.main_window import MainWindow
from cryptobot.gui.options import EngineStarter, WindowOptions
from cryptobot.gui.session import Session
from cryptobot.gui.state import EngineState
from cryptobot.gui.theme import apply_theme
from cryptobot.gui.tokens import ThemeName
from tests.gui.scripted_engine import ScriptedEngine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pass over what only the offscreen platform complains of, when a dialog opens."""
    for item in items:
        if "tests/gui/" in item.nodeid:
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


OpenWindow = Callable[..., MainWindow]


@pytest.fixture(autouse=True)
def collect_in_this_thread() -> Iterator[None]:
    """Keep the collector out of the scripted engine's thread: Qt's objects must die in Qt's."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture
def state_dir(user_home: Path) -> Path:
    """An empty state directory with a short path."""
    path = user_home / "s"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def engine(state_dir: Path) -> Iterator[ScriptedEngine]:
    """A scripted engine on paper, listening."""
    with ScriptedEngine(state_dir) as started:
        yield started


@pytest.fixture
def open_window(state_dir: Path, qtbot: QtBot, qapp: QApplication) -> Iterator[OpenWindow]:
    """Opens windows that are closed at the end of the test."""
    opened: list[MainWindow] = []

    def open_one(
        close_action: str = "keep",
        engine: EngineStarter | None = None,
        simulator: Path | None = None,
        where: Path | None = None,
    ) -> MainWindow:
        apply_theme(qapp, ThemeName.DARK)
        session = Session(where or state_dir)
        options = WindowOptions(
            session.state_dir, close_action=close_action, engine=engine, simulator=simulator
        )
        window = MainWindow(session, options)
        opened.append(window)
        session.start()
        window.show()
        qtbot.waitExposed(window)
        return window

    qapp.setQuitOnLastWindowClosed(False)
    yield open_one
    for window in opened:
        window.leave()
        window.deleteLater()
    opened.clear()
    # Outside an event loop nothing is deleted later unless it is asked for; what stays half alive
    # is dressed again by the next test's theme.
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    """A clock for the state."""
    return Watch()


@pytest.fixture
def state(watch: Watch) -> EngineState:
    """A state that has heard nothing."""
    return EngineState(watch, time.time)


@pytest.fixture
def status(state_dir: Path) -> dict[str, object]:
    """A status as the engine sends it."""
    return ScriptedEngine(state_dir, mode="live").status()
