"""Notices end with their cause, and an engine that does not come is told of."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cryptobot.cli.window import EngineBeside
from cryptobot.gui.banner_state import Face
from cryptobot.gui.engine_start import PATIENCE_S, EngineStart, engine_pid
from cryptobot.gui.main_window import MainWindow
from cryptobot.gui.mode_outcome import Tone, ended
from tests.gui.conftest import OpenWindow
from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.test_window_modes import WAIT_MS, wait_face


def title(window: MainWindow) -> str:
    return window.panels.result.title.text()


def wait_title(qtbot: QtBot, window: MainWindow, words: str) -> None:
    qtbot.waitUntil(lambda: words in title(window), timeout=WAIT_MS)


def test_notice_of_a_hanging_engine_is_over_when_it_answers_on_paper(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    engine.hang = True
    window.panels.banner.paper_button.click()
    wait_title(qtbot, window, "The fence is tripped")
    wait_face(qtbot, window, Face.LOST)
    engine.hang = False
    wait_face(qtbot, window, Face.LIVE)  # it has not seen the fence yet: nothing is over
    assert "The fence is tripped" in title(window)
    engine.account.mode, engine.fenced = "paper", True
    wait_title(qtbot, window, "Over: the engine answers again")
    assert window.panels.result._tone is Tone.GOOD
    assert "The fence stays" in window.panels.result.detail.text()


def test_notice_without_an_engine_is_over_when_one_comes(
    open_window: OpenWindow, qtbot: QtBot, state_dir: Path
) -> None:
    window = open_window()
    window.modes.to_paper()
    wait_title(qtbot, window, "The fence is tripped")
    with ScriptedEngine(state_dir):
        wait_title(qtbot, window, "Over: the engine answers again")


@pytest.mark.parametrize("width", [1440, 1100, 860])
def test_notice_at_any_width_shows_its_words_whole(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, width: int
) -> None:
    window = open_window()
    window.resize(width, 700)
    wait_face(qtbot, window, Face.PAPER)
    strip = window.panels.result
    window.notices.show(ended("metrics port 9100 is in use by python, pid 1; " * 3, heard=False))
    QApplication.processEvents()
    detail = strip.detail
    assert strip.rect().contains(detail.geometry())
    assert strip.title.geometry().bottom() < detail.geometry().top()
    assert detail.height() >= detail.heightForWidth(detail.width())
    assert strip.height() - detail.geometry().bottom() < 20
    assert engine.asked("subscribe")


def test_notice_of_paper_goes_when_the_engine_is_live_again(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    window.modes.to_paper()
    wait_title(qtbot, window, "On paper. No live order leaves")
    engine.account.mode = "live"
    qtbot.waitUntil(window.panels.result.isHidden, timeout=WAIT_MS)


def book_live(engine: ScriptedEngine, number: int) -> list[dict[str, Any]]:
    return [
        engine.account.order("BTC/USDT", "buy", Decimal(60_000 + at), mode="live")
        for at in range(number)
    ]


def switch_by_script(engine: ScriptedEngine, reason: str) -> None:
    def switch() -> None:
        engine.mode_set("paper", reason, "a script")

    engine.run(switch)


def test_paper_by_others_tells_what_stays_open_until_none_does(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    orders = book_live(engine, 3)
    engine.account.order("BTC/USDT", "buy", Decimal(60_000), mode="paper")
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    qtbot.waitUntil(lambda: len(window.session.state.orders) == 4, timeout=WAIT_MS)
    assert window.panels.result.isHidden()
    switch_by_script(engine, "failover: the exchange answers too slowly")
    wait_title(qtbot, window, "On paper, but 3 live orders stay open.")
    result = window.panels.result
    assert result.isVisible()
    assert "failover: the exchange answers too slowly" in result.detail.text()
    assert result.cancel_button.text() == "&Cancel 3 open live orders"
    engine.run(lambda: engine.order_cancel(orders[0]["order_id"]))
    wait_title(qtbot, window, "2 live orders stay open")
    engine.stay_open = orders[1:]
    result.cancel_button.click()
    wait_title(qtbot, window, "On paper. No live order leaves any more.")
    assert "2 live orders cancelled" in result.detail.text()


def test_paper_by_others_with_all_orders_gone_or_dismissed_tells_nothing(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    orders = book_live(engine, 2)
    window = open_window()  # on paper already, who knows since when
    wait_title(qtbot, window, "On paper, but 2 live orders stay open.")
    result = window.panels.result
    for order in orders:
        engine.run(partial(engine.order_cancel, order["order_id"]))
    qtbot.waitUntil(result.isHidden, timeout=WAIT_MS)
    engine.account.mode = "live"
    book_live(engine, 1)
    wait_face(qtbot, window, Face.LIVE)
    engine.stop()
    wait_face(qtbot, window, Face.LOST)
    engine.account.mode = "paper"  # by the fence file, while nobody looked
    engine.start()
    wait_title(qtbot, window, "1 live order stays open")
    qtbot.waitUntil(result.isVisible, timeout=WAIT_MS)
    result.dismiss_button.click()
    heard = window.session.state.heard_at
    qtbot.waitUntil(lambda: window.session.state.heard_at != heard, timeout=WAIT_MS)
    assert result.isHidden()


def test_over_tells_what_stays_open(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    book_live(engine, 1)
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    engine.hang = True
    window.panels.banner.paper_button.click()
    wait_title(qtbot, window, "The fence is tripped")
    engine.account.mode, engine.fenced, engine.hang = "paper", True, False
    wait_title(qtbot, window, "Over: the engine answers again")
    assert "1 live order stays open" in window.panels.result.detail.text()
    assert window.panels.result.cancel_button.isVisible()


def test_ticket_without_an_answer_says_when_the_engine_is_back(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    ticket = window.panels.ticket
    qtbot.waitUntil(lambda: ticket.symbol.count() > 0, timeout=WAIT_MS)
    engine.hang = True
    ticket.amount.setText("0.01")
    ticket.price.setText("60000")
    qtbot.waitUntil(ticket.submit.isEnabled, timeout=WAIT_MS)
    ticket.submit.click()
    qtbot.waitUntil(lambda: engine.asked("order.place") != [], timeout=WAIT_MS)
    engine.stop()
    qtbot.waitUntil(lambda: "No answer" in ticket.result.text(), timeout=WAIT_MS)
    assert ticket.result.property("role") == "problem"
    engine.hang = False
    engine.start()
    qtbot.waitUntil(lambda: "answers again" in ticket.result.text(), timeout=WAIT_MS)
    assert ticket.result.property("role") == "muted"
    log = window.panels.log.model
    events = [log.record_at(row).event for row in range(log.rowCount())]
    assert any(words.startswith("The engine is lost:") for words in events)
    assert events[-1] == "The engine is back"


@dataclass
class Taken:
    """A port that somebody listens on."""

    port: int


@pytest.fixture
def taken() -> Iterator[Taken]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield Taken(held.getsockname()[1])


@pytest.fixture
def taken_engine(state_dir: Path, taken: Taken) -> Iterator[EngineBeside]:
    """An engine that cannot have its metrics port."""
    arguments = ["engine", "--state-dir", str(state_dir), "--metrics-port", str(taken.port)]
    with closing(EngineBeside(arguments)) as engine:
        yield engine
        if engine.pid is not None:  # the test failed half-way
            os.kill(engine.pid, signal.SIGTERM)


@pytest.mark.e2e
def test_window_with_an_engine_that_cannot_start_shows_its_reason_and_starts_it_again(  # noqa: PLR0917 - fixtures
    open_window: OpenWindow,
    qtbot: QtBot,
    state_dir: Path,
    taken: Taken,
    taken_engine: EngineBeside,
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = taken_engine
    engine.start()
    window = open_window(engine=engine)
    banner = window.panels.banner
    assert banner.face is Face.CONNECTING
    assert banner.headline.text() == "The engine is starting..."
    assert str(engine.pid) in banner.detail.text()
    assert not banner.start_button.isVisible()
    wait_face(qtbot, window, Face.ABSENT)
    assert banner.headline.text() == "The engine did not start"
    reason = engine.trouble
    assert reason.startswith(f"metrics port {taken.port} on 127.0.0.1 is in use")
    assert banner.detail.text() == reason
    assert window.panels.result.detail.text() == f"{reason}. Then press Start engine."
    assert reason in capsys.readouterr().err
    assert banner.start_button.isVisible()
    banner.start_button.click()
    assert window.panels.result.isHidden()
    assert banner.headline.text() == "The engine is starting..."
    wait_face(qtbot, window, Face.ABSENT)
    with ScriptedEngine(state_dir):
        wait_face(qtbot, window, Face.PAPER)
        qtbot.waitUntil(window.panels.result.isHidden, timeout=WAIT_MS)


def test_engine_beside_that_ended_tells_why_unless_it_ended_well(qtbot: QtBot) -> None:
    for arguments, trouble in (
        (["--version"], ""),
        (["engine", "--metrics-port", "none"], "argument --metrics-port: 'none' is no port"),
    ):
        with closing(EngineBeside(arguments)) as engine:
            assert (engine.pid, engine.trouble) == (None, "")
            engine.start()
            qtbot.waitUntil(lambda: engine.pid is None, timeout=WAIT_MS)
            assert trouble in engine.trouble
            assert bool(engine.trouble) is bool(trouble)


@pytest.mark.parametrize(
    ("start", "absent", "headline", "detail"),
    [
        (EngineStart(Path("/s")), False, "Waiting for an engine", "None runs for /s yet"),
        (EngineStart(Path("/s"), 7, 3.0), False, "The engine is starting", "Process 7, for 3 s"),
        (EngineStart(Path("/s"), 7, 20.0), False, "does not answer for 20 s", "kill 7"),
        (
            EngineStart(Path("/s"), None, PATIENCE_S + 1),
            True,
            "No engine runs for /s",
            "cryptobot engine --state-dir /s",
        ),
        (EngineStart(Path("/s"), trouble="why"), True, "did not start", "why"),
        (
            EngineStart(Path("/s"), None, PATIENCE_S + 1, can_start=True),
            True,
            "No engine runs for /s",
            "Start engine",
        ),
    ],
)
def test_start_with_each_thing_known_says_what_is_so_and_what_to_do(
    start: EngineStart, absent: bool, headline: str, detail: str
) -> None:
    assert start.absent is absent
    assert headline in start.words[0]
    assert detail in start.words[1]


def test_engine_pid_with_a_lock_file_is_that_of_a_living_process(state_dir: Path) -> None:
    lock = state_dir / "engine.lock"
    assert engine_pid(state_dir) is None
    for words, pid in ((f"{os.getpid()}\n", os.getpid()), ("", None), ("99999999\n", None)):
        lock.write_text(words)
        assert engine_pid(state_dir) == pid
