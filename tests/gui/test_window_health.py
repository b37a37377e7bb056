"""The health panel: what it says, where it opens, and what a person can do from it."""

from decimal import Decimal
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from cryptobot.gui.banner_state import Face
from cryptobot.gui.health_checks import Subject, Tone
from cryptobot.gui.main_window import MainWindow
from cryptobot.gui.views.health_page import HealthPage
from cryptobot.gui.views.reasoned_question import ReasonedQuestion
from tests.gui.conftest import OpenWindow
from tests.gui.scripted_engine import ScriptedEngine
from tests.gui.scripted_health import BALANCE, BANNED
from tests.gui.scripted_past import populate
from tests.gui.test_window_modes import WAIT_MS, wait_face
from tests.gui.test_window_orders import choose_first


def word(window: MainWindow, subject: Subject) -> str:
    return window.panels.health.check(subject).word


def wait_word(qtbot: QtBot, window: MainWindow, subject: Subject, expected: str) -> None:
    qtbot.waitUntil(lambda: word(window, subject) == expected, timeout=WAIT_MS)


def page(window: MainWindow, subject: Subject) -> HealthPage:
    return window.panels.health.pages[subject]


def shown(window: MainWindow) -> str:
    return window.panels.health.subject.value


def in_front(window: MainWindow) -> bool:
    return not window.panels.health.visibleRegion().isEmpty()


def cells(window: MainWindow, subject: Subject, row: int = 0) -> list[str]:
    model = page(window, subject).model
    return [str(model.index(row, at).data()) for at in range(model.columnCount())]


def question(window: MainWindow) -> ReasonedQuestion:
    asked = window.health_desk.question
    assert asked is not None
    return asked


def unresolved(engine: ScriptedEngine) -> dict[str, Any]:
    return engine.account.order(
        "BTC/USDT",
        "buy",
        Decimal(60_000),
        state="unresolved",
        reason="no answer within 10 s",
    )


def test_health_with_all_well_says_so_and_nothing_of_it_warns(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    engine.health.compared()
    window = open_window()
    wait_face(qtbot, window, Face.LIVE)
    wait_word(qtbot, window, Subject.BREAKERS, "closed")
    told = {subject: word(window, subject) for subject in Subject}
    assert told == {
        Subject.BREAKERS: "closed",
        Subject.UNRESOLVED: "none",
        Subject.LETTERS: "none",
        Subject.RECONCILIATION: "clean",
        Subject.FAILOVER: "armed",
        Subject.LIVE: "live",
        Subject.ENGINE: "ok",
    }
    tones = {window.panels.health.check(subject).tone for subject in Subject}
    assert tones == {Tone.GOOD, Tone.QUIET}
    window.open_health(Subject.RECONCILIATION)
    window.health_action.trigger()
    assert shown(window) == Subject.RECONCILIATION  # nothing is worse than what is looked at


def test_health_before_the_engine_has_spoken_claims_nothing(open_window: OpenWindow) -> None:
    window = open_window()
    window.open_health(Subject.FAILOVER)
    assert {word(window, subject) for subject in Subject} == {"unknown"}


def test_open_breaker_warns_in_the_strip_which_opens_its_page(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    window = open_window()
    wait_face(qtbot, window, Face.PAPER)
    window.resize(1024, 700)
    engine.health.open_s = 83.0
    wait_word(qtbot, window, Subject.BREAKERS, "open")
    summary = window.panels.health.check(Subject.BREAKERS).summary
    assert summary.startswith("Orders until ")
    cell = window.panels.status.cells["Breakers"]
    qtbot.waitUntil(cell.isVisible, timeout=WAIT_MS)
    assert cell.value.text() == "\N{BLACK DOWN-POINTING TRIANGLE} open"
    assert cell.value.property("role") == "problem"
    assert not in_front(window)
    QTest.mouseClick(cell, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: in_front(window), timeout=WAIT_MS)
    assert shown(window) == Subject.BREAKERS
    assert cells(window, Subject.BREAKERS) == ["Orders", "open", "10", "83 s", BANNED]
    engine.health.open_s = 0.0
    wait_word(qtbot, window, Subject.BREAKERS, "closed")
    qtbot.waitUntil(lambda: cell.value.property("role") == "", timeout=WAIT_MS)


def test_strip_and_menu_by_keyboard_open_the_health(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    order = engine.account.order("BTC/USDT", "buy", Decimal(1), state="rejected")
    engine.health.letter("place_order", order)
    window = open_window()
    wait_word(qtbot, window, Subject.LETTERS, "1")
    cell = window.panels.status.cells["Unresolved"]
    cell.setFocus()
    QTest.keyClick(cell, Qt.Key.Key_Return)
    assert shown(window) == Subject.UNRESOLVED
    window.docking.docks["Health"].hide()
    window.health_action.trigger()
    qtbot.waitUntil(lambda: in_front(window), timeout=WAIT_MS)
    assert shown(window) == Subject.LETTERS  # the worst of all


def test_difference_of_a_reconciliation_is_listed_and_told_whole(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.health.compared()
    window = open_window()
    wait_word(qtbot, window, Subject.RECONCILIATION, "clean")
    engine.health.compared("mismatch", BALANCE)
    wait_word(qtbot, window, Subject.RECONCILIATION, "mismatch")
    assert window.panels.health.check(Subject.RECONCILIATION).summary.startswith("1 difference at")
    found = page(window, Subject.RECONCILIATION)
    qtbot.waitUntil(lambda: found.model.rowCount() == 1, timeout=WAIT_MS)
    assert cells(window, Subject.RECONCILIATION) == ["Balance", "BTC", BALANCE["detail"]]
    assert found.told.text() == BALANCE["detail"]
    assert found.headline.text().startswith("Journal and exchange compared at ")


def test_failover_that_fell_back_says_why_and_what_stands_in_the_way_of_live(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.health.fell_back, engine.health.open_s = True, 100.0
    engine.live_blockers = ["failover: breaker_open: it is open", "health: exchange is not up"]
    window = open_window()
    wait_word(qtbot, window, Subject.FAILOVER, "fell back")
    assert (
        "Breaker open: the circuit breaker" in window.panels.health.check(Subject.FAILOVER).summary
    )
    assert "Nothing switches back by itself" in page(window, Subject.FAILOVER).headline.text()
    assert cells(window, Subject.FAILOVER)[:2] == ["Breaker open", "met"]
    assert cells(window, Subject.FAILOVER, 6)[:2] == ["Daily loss", "off"]
    assert word(window, Subject.LIVE) == "blocked"
    assert cells(window, Subject.LIVE, 0) == ["Failover", "breaker_open: it is open"]
    assert cells(window, Subject.LIVE, 1) == ["Health", "exchange is not up"]
    engine.health.fell_back, engine.health.failover_enabled = False, False
    wait_word(qtbot, window, Subject.FAILOVER, "off")


def test_failover_that_is_near_warns_and_counts_down(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.account.mode = "live"
    window = open_window()
    wait_word(qtbot, window, Subject.FAILOVER, "armed")
    engine.health.exchange_down_in_s = 18.2
    wait_word(qtbot, window, Subject.FAILOVER, "in 18 s")
    check = window.panels.health.check(Subject.FAILOVER)
    assert (check.tone, check.summary) == (Tone.WARN, "Exchange down: to paper if it lasts")
    assert cells(window, Subject.FAILOVER, 2)[:2] == ["Exchange down", "in 18 s"]
    assert window.panels.status.cells["Failover"].value.property("role") == "warn"
    engine.health.exchange_down_in_s = None
    wait_word(qtbot, window, Subject.FAILOVER, "armed")


def test_health_of_a_lost_engine_is_greyed_and_its_buttons_are_dead(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.health.letter("cancel_order", unresolved(engine))
    window = open_window()
    letters = page(window, Subject.LETTERS)
    qtbot.waitUntil(window.panels.health.retry_button.isEnabled, timeout=WAIT_MS)
    engine.stop()
    wait_face(qtbot, window, Face.LOST)
    assert not window.panels.health.isEnabled()
    assert not letters.table.isEnabled()
    assert not window.panels.health.retry_button.isEnabled()
    assert "Not current" in window.panels.status.cells["Dead letters"].toolTip()
    engine.start()
    qtbot.waitUntil(window.panels.health.retry_button.isEnabled, timeout=WAIT_MS)


def test_unresolved_order_is_settled_from_the_blotters_menu_with_a_reason(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    order = unresolved(engine)
    window = open_window()
    wait_word(qtbot, window, Subject.UNRESOLVED, "1")
    blotter = window.panels.blotter
    choose_first(blotter.table)
    menu = blotter.menu_for(blotter.selected())
    (settle,) = (each for each in menu.actions() if "Settle" in each.text())
    settle.trigger()
    asked = question(window)
    assert "Buy 0.01 BTC/USDT at 60,000" in asked.facts.text()
    assert order["order_id"] in asked.facts.text()
    asked.reason.setText("support says so")
    assert not asked.go.isEnabled()  # nothing is chosen for the person
    choice = asked.choice
    assert choice is not None
    choice.not_placed.click()
    assert "may trade unseen" in choice.effect.text()
    assert choice.exchange_id.isHidden()
    asked.reason.setText(" ")
    assert not asked.go.isEnabled()
    asked.reason.setText("support says so")
    engine.refuse = "the exchange has it: it is accepted now"
    asked.go.click()
    qtbot.waitUntil(lambda: asked.problem.text() == engine.refuse, timeout=WAIT_MS)
    assert asked.isVisible()
    engine.refuse = None
    choice.adopt.click()
    choice.exchange_id.setText(" 77 ")
    asked.go.click()
    wait_word(qtbot, window, Subject.UNRESOLVED, "none")
    not_placed, adopt = engine.asked("order.settle")
    assert (not_placed["outcome"], "exchange_order_id" in not_placed) == ("not_placed", False)
    assert (adopt["outcome"], adopt["exchange_order_id"]) == ("adopt", "77")
    assert (adopt["order_id"], adopt["reason"]) == (order["order_id"], "support says so")
    assert adopt["actor"]


def test_settling_is_offered_for_one_unresolved_order_only(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    populate(engine)
    unresolved(engine)
    window = open_window()
    wait_word(qtbot, window, Subject.UNRESOLVED, "2")
    orders = list(window.session.state.orders.values())
    unknown = [each for each in orders if each.state == "unresolved"]
    closed = next(each for each in orders if each.state == "filled")

    def offered(*chosen: Any) -> bool:
        menu = window.panels.blotter.menu_for(list(chosen))
        (settle,) = (each for each in menu.actions() if "Settle" in each.text())
        return bool(settle.isEnabled())

    assert offered(unknown[0])
    assert not offered(closed)
    assert not offered(*unknown)
    button = window.panels.health.settle_button
    window.open_health(Subject.UNRESOLVED)
    assert not button.isEnabled()  # two, and none is chosen
    choose_first(page(window, Subject.UNRESOLVED).table)
    assert button.isEnabled()
    button.click()
    oldest = min(unknown, key=lambda each: each.created)
    assert oldest.order_id in question(window).facts.text()


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ("place_order", "A new order of the same terms is sent at once."),
        ("cancel_order", "asked again to cancel the order"),
    ],
)
def test_dead_letter_is_retried_after_it_is_said_what_happens(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, operation: str, words: str
) -> None:
    order = engine.account.order("BTC/USDT", "sell", Decimal(61_000), state="rejected", mode="live")
    engine.health.letter(operation, order)
    window = open_window()
    health = window.panels.health
    qtbot.waitUntil(health.retry_button.isEnabled, timeout=WAIT_MS)
    assert cells(window, Subject.LETTERS)[2] == "Sell 0.01 BTC/USDT at 61000"
    assert BANNED in page(window, Subject.LETTERS).told.text()
    health.retry_button.click()
    asked = question(window)
    assert words in asked.words.text()
    refused = "It is for live and orders go to paper now: it will be refused."
    assert (refused in asked.words.text()) is (operation == "place_order")
    assert engine.asked("deadletter.retry") == []
    engine.refuse = "order is unresolved: placing it again could double it"
    asked.go.click()
    qtbot.waitUntil(lambda: "could double it" in asked.problem.text(), timeout=WAIT_MS)
    engine.refuse = None
    asked.go.click()
    wait_word(qtbot, window, Subject.LETTERS, "none")
    qtbot.waitUntil(lambda: page(window, Subject.LETTERS).model.rowCount() == 0, timeout=WAIT_MS)
    log = window.panels.log.model
    events = [log.record_at(row).event for row in range(log.rowCount())]
    assert any("retried: placed anew as order 7" in event for event in events)


def test_choice_of_a_dead_letter_follows_it_when_others_come_and_a_reason_discards_it(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    orders = [
        engine.account.order("BTC/USDT", "buy", Decimal(at), state="rejected") for at in (1, 2, 3)
    ]
    engine.health.letter("place_order", orders[0])
    chosen = engine.health.letter("place_order", orders[1])
    window = open_window()
    letters = page(window, Subject.LETTERS)
    qtbot.waitUntil(lambda: letters.model.rowCount() == 2, timeout=WAIT_MS)
    choose_first(letters.table)
    engine.health.letter("place_order", orders[2])
    qtbot.waitUntil(lambda: letters.model.rowCount() == 3, timeout=WAIT_MS)
    window.panels.health.discard_button.click()
    asked = question(window)
    assert "Nothing is sent" in asked.words.text()
    assert not asked.go.isEnabled()
    asked.reason.setText("placed by hand")
    asked.go.click()
    qtbot.waitUntil(lambda: letters.model.rowCount() == 2, timeout=WAIT_MS)
    (discarded,) = engine.asked("deadletter.discard")
    assert (discarded["id"], discarded["reason"]) == (chosen["id"], "placed by hand")


def test_dead_letters_that_could_not_be_read_are_read_again(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot
) -> None:
    engine.health.unreadable = "the journal cannot be read"
    engine.health.letter("cancel_order", unresolved(engine))
    window = open_window()
    wait_word(qtbot, window, Subject.LETTERS, "1")
    letters = page(window, Subject.LETTERS)
    qtbot.waitUntil(lambda: len(engine.asked("deadletter.list")) > 1, timeout=WAIT_MS)
    assert letters.model.rowCount() == 0
    engine.health.unreadable = None
    qtbot.waitUntil(lambda: letters.model.rowCount() == 1, timeout=WAIT_MS)
    asked = len(engine.asked("deadletter.list"))
    engine.health.compared()
    wait_word(qtbot, window, Subject.RECONCILIATION, "clean")
    assert len(engine.asked("deadletter.list")) == asked  # nothing changed: nothing is asked


@pytest.mark.parametrize("size", [(1440, 900), (1024, 700), (860, 560)])
def test_pages_at_any_size_show_whole_columns_and_reach_their_buttons(
    engine: ScriptedEngine, open_window: OpenWindow, qtbot: QtBot, size: tuple[int, int]
) -> None:
    engine.health.open_s = 30.0
    engine.health.letter("place_order", unresolved(engine), reason=f"{BANNED} " * 9)
    window = open_window()
    window.resize(*size)
    window.docking.arrange()
    wait_word(qtbot, window, Subject.LETTERS, "1")
    for subject in (Subject.BREAKERS, Subject.FAILOVER, Subject.UNRESOLVED, Subject.LETTERS):
        window.open_health(subject)
        table = page(window, subject).table
        qtbot.waitUntil(table.isVisible, timeout=WAIT_MS)
        assert table.horizontalHeader().length() <= table.viewport().width()
        assert not table.isColumnHidden(0)
        assert not table.isColumnHidden(1)
    health = window.panels.health
    for button in (health.retry_button, health.discard_button):
        assert button.isVisible()
        corner = button.mapTo(health, button.rect().bottomRight())
        assert health.rect().contains(corner)
